// Asking the server. An answer that is no success is thrown as Refused, with its reason; a server that is not there as
// whatever fetch throws.

import { setClock } from "./time.js";

const PATIENCE_MS = 20_000;

export class Refused extends Error {}

async function asked(path, options = {}) {
  const response = await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
  setClock(response.headers.get("date"));
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(told.error ?? `the server answered ${response.status}`);
  return told;
}

export const settings = () => asked("/api/settings");
export const fleet = () => asked("/api/fleet");
export const vehicle = (id) => asked(`/api/vehicles/${encodeURIComponent(id)}`);
export const places = (id) => asked(`/api/vehicles/${encodeURIComponent(id)}/places`);

export function act(alertId, what) {
  const body = JSON.stringify(what);
  return asked(`/api/alerts/${encodeURIComponent(alertId)}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
}
