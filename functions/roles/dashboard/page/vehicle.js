// The selected vehicle: what its workers show, its temperatures, its last alerts.

import { peak } from "./alerts.js";
import { by, el, say } from "./dom.js";
import { mark } from "./marks.js";
import { temperatures } from "./plot.js";
import { clock, lasting, when } from "./time.js";
import { isTime, named, plain, worded } from "./words.js";

const FIRST = ["status", "seen_at", "event_at", "expires_at", "hired_at", "readings"];
const NOT_TOLD = ["filtered", "trip_id"];
const LABELS = { seen_at: "heard", event_at: "last event", expires_at: "contract until", hired_at: "hired", eta_at: "arrives", position_at: "position" };
const DEGREES = ["latitude", "longitude"];
const OWN_LIST = ["probes", "stock", "excursions", "services", "codes"];

export class VehiclePanel {
  #opened = new Set(["gps"]);

  constructor(close) {
    this.panel = by("vehicle");
    this.close = close;
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && close());
  }

  choose(id) {
    this.panel.hidden = id === null;
    if (id === null) return;
    this.body = el("div", {}, el("p", { class: "none" }, "Looking…"));
    this.title = el("h2", { id: "vehicle-name", tabindex: "-1" }, id);
    this.state = el("p", { class: "state" });
    this.trouble = el("p", { class: "refused", role: "alert" });
    this.panel.replaceChildren(
      el("div", { class: "bar" }, this.title, this.state,
        el("button", { type: "button", class: "shut", "aria-label": `Close ${id}`, onclick: this.close }, "✕")),
      this.trouble, this.body);
  }

  focus() {
    this.title.focus({ preventScroll: true });
    const { top } = this.panel.getBoundingClientRect();
    if (top < 0 || top > innerHeight * 0.8) this.panel.scrollIntoView();
  }

  showState(vehicle) {
    if (!vehicle || this.state.dataset.state === vehicle.state) return;
    this.state.dataset.state = vehicle.state;
    this.state.replaceChildren(mark(vehicle.state, { size: 20 }), vehicle.state);
  }

  refused(why) {
    say(this.trouble, why);
  }

  show(told) {
    say(this.trouble, "");
    const focused = this.body.contains(document.activeElement) ? document.activeElement.closest("[data-line]")?.dataset.line : null;
    this.body.replaceChildren(...[
      this.#cold(told), this.#withheld(told.withheld), ...Object.entries(told.workers).map(([line, face]) => this.#worker(line, face)),
      this.#alerts(told.alerts),
    ].filter(Boolean));
    if (focused) this.body.querySelector(`[data-line="${CSS.escape(focused)}"] summary`)?.focus({ preventScroll: true });
  }

  #cold({ temperatures: probes, limits }) {
    const names = Object.keys(probes);
    if (!names.length) return null;
    const cargo = { "": "", own: ", own limits" }[limits.cargo] ?? `, ${plain(limits.cargo)}`;
    const title = `Temperature${cargo}`;
    const latest = names.map((name, index) => el("span", { class: `probe s${index % 4}` }, `${name} ${probes[name].at(-1)[1].toFixed(1)} °C`));
    return el("figure", {}, el("figcaption", {}, title, " ", latest), temperatures(probes, limits));
  }

  #withheld(goods) {
    if (!goods.length) return null;
    return el("p", { class: "held" }, `Not to be used while its excursion is open: ${goods.map((one) => `${worded(one.quantity)} ${one.unit ?? ""} ${one.sku}`).join(", ")}`);
  }

  #worker(line, face) {
    const rest = Object.keys(face).filter((name) => !FIRST.includes(name) && !NOT_TOLD.includes(name)).sort();
    const fields = [...FIRST.filter((name) => name in face), ...rest].filter((name) => face[name] !== null);
    const remember = (event) => this.#opened[event.currentTarget.open ? "add" : "delete"](line);
    return el("details", { open: this.#opened.has(line), "data-line": line, ontoggle: remember },
      el("summary", {}, el("strong", {}, line), " ", el("span", { class: "aside" }, face.status, ", heard ", when(face.seen_at))),
      el("dl", {}, fields.map((name) => [el("dt", {}, LABELS[name] ?? named(name)[0]), el("dd", {}, ...value(name, face[name]))])));
  }

  #alerts(alerts) {
    if (!alerts.length) return null;
    const item = (alert) => {
      const end = alert.ended_at && `, lasted ${lasting((Date.parse(alert.ended_at) - Date.parse(alert.started_at)) / 1000)}`;
      const audit = alert.handling.audit.map((one) => el("li", {}, `${one.by} ${one.did}`, " ", when(one.at), one.why && `: ${one.why}`));
      return el("li", {}, el("strong", {}, plain(alert.kind)), " ", peak(alert), " ",
        el("span", { class: "aside" }, alert.status, end, ", ", when(alert.started_at)), audit.length > 0 && el("ul", {}, audit));
    };
    return el("div", { class: "past" }, el("h3", {}, "Its last alerts"), el("ul", {}, alerts.map(item)));
  }
}

// The content of a field, in nodes: a time with its age, a thing of many parts as a list.
function value(name, found) {
  if (isTime(found)) return [when(found), " ", el("span", { class: "aside" }, clock(found))];
  if (OWN_LIST.includes(name) && typeof found === "object") {
    const parts = Array.isArray(found) ? found.map((part) => ["", part]) : Object.entries(found);
    if (!parts.length) return ["–"];
    return [el("ul", {}, parts.map(([part, inner]) => el("li", {}, part && el("strong", {}, `${part} `), worded(inner))))];
  }
  if (DEGREES.includes(name)) return [found.toFixed(5)];
  const unit = named(name)[1];
  return [unit ? `${worded(found)} ${unit}` : worded(found)];
}
