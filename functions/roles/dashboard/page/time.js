// Times with their age. Ages are by the server's clock: this machine's may be wrong.

import { el, say } from "./dom.js";

const STEPS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
let aheadMs = 0;

export function setClock(serverDate) {
  const told = Date.parse(serverDate);
  if (!Number.isNaN(told)) aheadMs = told - Date.now();
}

export const ageS = (at) => Math.max(0, (Date.now() + aheadMs - Date.parse(at)) / 1000);

export function lasting(seconds) {
  const [length, unit] = STEPS.find(([step]) => seconds >= step) ?? STEPS.at(-1);
  return `${Math.floor(seconds / length)} ${unit}`;
}

const distance = (at) => (Date.parse(at) > Date.now() + aheadMs + 1000
  ? `in ${lasting((Date.parse(at) - Date.now() - aheadMs) / 1000)}`
  : `${lasting(ageS(at))} ago`);

// The day only where it is not today.
export function clock(at) {
  const date = new Date(at);
  return date.toDateString() === new Date().toDateString() ? date.toLocaleTimeString() : date.toLocaleString();
}

export function when(at) {
  return at ? el("time", { datetime: at, title: clock(at) }, distance(at)) : el("span", {}, "–");
}

// A cell whose time has moved on keeps its element.
export function setWhen(cell, at) {
  const known = cell.firstElementChild;
  if (known?.dateTime === at && known.isConnected) return;
  cell.replaceChildren(when(at));
}

export function age() {
  for (const time of document.querySelectorAll("time")) say(time, distance(time.dateTime));
}
