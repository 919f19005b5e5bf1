// How a vehicle's state looks: a shape as well as a colour, so that no one needs to see colours to tell them apart.

import { el, svg } from "./dom.js";

export const STATES = ["moving", "stopped", "silent", "ended"];

const SHAPES = {
  moving: () => [svg("path", { d: "M0 -10 L8 9 L0 4.5 L-8 9 Z" })],
  stopped: () => [svg("rect", { x: -7, y: -7, width: 14, height: 14, rx: 2.5 })],
  silent: () => [svg("path", { d: "M0 -9.5 L9.5 0 L0 9.5 L-9.5 0 Z" }), svg("text", { y: 4 }, "?")],
  ended: () => [svg("circle", { r: 6.5 }), svg("path", { d: "M-3 -3 L3 3 M3 -3 L-3 3" })],
};

export function mark(state, { alert = false, heading = 0, size = 34 } = {}) {
  const turned = state === "moving" ? { transform: `rotate(${heading})` } : {};
  const shape = svg("g", { class: "shape", ...turned }, SHAPES[state]());
  const badge = alert && svg("g", { class: "badge", transform: "translate(9 -9)" }, svg("circle", { r: 6 }), svg("text", { y: 3.5 }, "!"));
  const ring = alert && svg("circle", { class: "ring", r: 13 });
  const attributes = { class: `mark ${state}`, viewBox: "-17 -17 34 34", width: size, height: size, "aria-hidden": "true" };
  return svg("svg", attributes, ring, shape, badge);
}

export function legend() {
  const states = STATES.map((state) => el("li", {}, mark(state, { size: 22 }), state));
  return [...states, el("li", {}, mark("stopped", { alert: true, size: 22 }), "alert open")];
}
