// Small drawings: a line of the last minutes, and temperatures with their limits.

import { svg } from "./dom.js";

export function spark(values, says) {
  const [width, height] = [80, 20];
  const most = Math.max(...values, 1e-9);
  const points = values.map((value, index) =>
    `${((index / Math.max(1, values.length - 1)) * width).toFixed(1)},${(height - 1 - (value / most) * (height - 2)).toFixed(1)}`);
  return svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": says },
    svg("polyline", { points: points.join(" ") }));
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [360, 130, 34, 6, 8, 18];
const LABEL = 12;
const STYLES = 4;

// Probes by name with [time, °C] each; limits may be null.
export function temperatures(probes, { low_c: low, high_c: high }) {
  const all = Object.values(probes).flat().map(([at, celsius]) => [Date.parse(at), celsius]);
  const times = all.map(([at]) => at);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const known = [...all.map(([, celsius]) => celsius), ...[low, high].filter((limit) => limit !== null)];
  const room = Math.max(1, (Math.max(...known) - Math.min(...known)) * 0.12);
  const [least, most] = [Math.min(...known) - room, Math.max(...known) + room];
  const x = (at) => LEFT + ((at - first) / Math.max(1, last - first)) * (WIDTH - LEFT - RIGHT);
  const y = (celsius) => TOP + ((most - celsius) / (most - least)) * (HEIGHT - TOP - BOTTOM);
  const measured = all.map(([, celsius]) => celsius);
  const says = `Temperature between ${Math.min(...measured).toFixed(1)} and ${Math.max(...measured).toFixed(1)} °C`
    + (low !== null || high !== null ? `, limits ${low ?? "none"} to ${high ?? "none"} °C` : "");
  const limit = (value) => value !== null && [
    svg("line", { class: "limit", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
    svg("text", { class: "limit", x: LEFT - 4, y: y(value) + 4, "text-anchor": "end" }, `${value.toFixed(0)}°`),
  ];
  const top = high === null ? TOP : y(high);
  const range = (low !== null || high !== null) && svg("rect", {
    class: "range", x: LEFT, width: WIDTH - LEFT - RIGHT, y: top, height: (low === null ? HEIGHT - BOTTOM : y(low)) - top,
  });
  const edge = (celsius) => [low, high].every((value) => value === null || Math.abs(y(value) - y(celsius)) > LABEL)
    && svg("text", { x: LEFT - 4, y: y(celsius) + 4, "text-anchor": "end" }, `${celsius.toFixed(0)}°`);
  const series = Object.values(probes).map((points, index) => svg("polyline", {
    class: `series s${index % STYLES}`,
    points: points.map(([at, celsius]) => `${x(Date.parse(at)).toFixed(1)},${y(celsius).toFixed(1)}`).join(" "),
  }));
  const dots = Object.values(probes).map((points) => points.at(-1)).map(([at, celsius]) =>
    svg("circle", { class: "latest", r: 3, cx: x(Date.parse(at)), cy: y(celsius) }));
  const hour = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return svg("svg", { class: "temperatures", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": says },
    range, limit(low), limit(high), edge(Math.min(...known)), edge(Math.max(...known)), series, dots,
    svg("text", { x: LEFT, y: HEIGHT - 4 }, hour(first)),
    svg("text", { x: WIDTH - RIGHT, y: HEIGHT - 4, "text-anchor": "end" }, hour(last)));
}
