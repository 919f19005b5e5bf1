// Line health, as the supervisor keeps it.

import { arrange, by, el, say } from "./dom.js";
import { spark } from "./plot.js";
import { lasting } from "./time.js";
import { figure } from "./words.js";

// What the supervisor raises an alert for (core/traffic.py).
const LATE_S = 300;
const FAILING = 0.05;

const rows = new Map();

export function showLines(lines) {
  arrange(by("lines").querySelector("tbody"), Object.entries(lines).map(([name, health]) => filled(name, health)));
}

function filled(name, health) {
  if (!rows.has(name)) rows.set(name, el("tr", {}, el("th", { scope: "row" }, name), ...Array.from({ length: 5 }, () => el("td", { class: "number" }))));
  const row = rows.get(name);
  const [, drawn, each, waiting, oldest, failed] = row.children;
  if (!health) {
    say(each, "–");
    return row;
  }
  drawn.replaceChildren(spark(health.minutes, `${figure(health.per_s)} a second now, at most ${figure(Math.max(...health.minutes))} in the last hour`));
  say(each, figure(health.per_s));
  say(waiting, figure(health.backlog));
  say(oldest, health.backlog ? lasting(health.oldest_s) : "–");
  oldest.className = `number ${health.oldest_s > LATE_S ? "critical" : ""}`;
  say(failed, `${(100 * health.failed_share).toFixed(health.failed_share ? 1 : 0)} %`);
  failed.className = `number ${health.failed_share > FAILING ? "critical" : ""}`;
  return row;
}
