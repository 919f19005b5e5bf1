// The roster: every vehicle in a line; sorted, filtered, and the way to a vehicle without a mouse.

import { arrange, by, el, say } from "./dom.js";
import { mark, STATES } from "./marks.js";
import { setWhen } from "./time.js";
import { figure } from "./words.js";

const MOST_ROWS = 300;
const COLUMNS = [
  { key: "id", name: "Vehicle", of: (one) => one.id },
  { key: "state", name: "State", of: (one) => STATES.indexOf(one.state) },
  { key: "speed", name: "km/h", of: (one) => -(one.speed_kph ?? -1), number: true, wide: true },
  { key: "cold", name: "°C", of: (one) => -(one.temperature_c ?? -300), number: true },
  { key: "alerts", name: "Alerts", of: (one) => -one.alerts, number: true },
  { key: "heard", name: "Heard", of: (one) => one.seen_at },
];

export class Roster {
  #rows = new Map();
  #sort = { key: "id", down: false };
  #states = new Set();
  #vehicles = [];
  #selected = null;

  constructor(select, filtered) {
    this.select = select;
    this.filtered = filtered;
    this.body = by("roster").querySelector("tbody");
    this.heads = COLUMNS.map((column) => this.#head(column));
    by("roster").querySelector("thead tr").append(...this.heads);
    this.body.addEventListener("keydown", (event) => this.#step(event));
    by("search").addEventListener("input", () => this.#refilter());
    this.chips = Object.fromEntries([...STATES, "alert open"].map((state) => [state, this.#chip(state)]));
    by("states").append(...Object.values(this.chips));
  }

  show(vehicles) {
    this.#vehicles = vehicles;
    this.#count();
    this.#draw();
  }

  choose(id) {
    this.#selected = id;
    for (const [name, row] of this.#rows) row.setAttribute("aria-selected", String(name === id));
  }

  focus(id) {
    this.#rows.get(id)?.querySelector("button").focus();
  }

  passes(vehicle) {
    const words = by("search").value.trim().toLowerCase();
    const states = [...this.#states];
    return vehicle.id.toLowerCase().includes(words)
      && (!states.length || states.some((state) => (state === "alert open" ? vehicle.alerts > 0 : vehicle.state === state)));
  }

  #head(column) {
    const sort = () => {
      this.#sort = { key: column.key, down: this.#sort.key === column.key && !this.#sort.down };
      this.#draw();
    };
    const classes = [column.number && "number", column.wide && "wide"].filter(Boolean).join(" ");
    return el("th", { scope: "col", class: classes || null }, el("button", { type: "button", onclick: sort }, column.name));
  }

  #chip(state) {
    const press = (event) => {
      const pressed = this.#states.delete(state) ? false : Boolean(this.#states.add(state));
      event.currentTarget.setAttribute("aria-pressed", String(pressed));
      this.#refilter();
    };
    const drawn = state === "alert open" ? mark("stopped", { alert: true, size: 20 }) : mark(state, { size: 20 });
    return el("button", { type: "button", class: "chip", "aria-pressed": "false", "data-state": state, onclick: press },
      drawn, el("span", { class: "count" }, "–"), ` ${state}`);
  }

  #refilter() {
    this.#draw();
    this.filtered();
  }

  #count() {
    for (const [state, chip] of Object.entries(this.chips)) {
      const count = this.#vehicles.filter((one) => (state === "alert open" ? one.alerts > 0 : one.state === state)).length;
      say(chip.querySelector(".count"), count.toLocaleString());
    }
  }

  #draw() {
    const { of } = COLUMNS.find((column) => column.key === this.#sort.key);
    const sign = this.#sort.down ? -1 : 1;
    const order = (one, other) => {
      const [a, b] = [of(one), of(other)];
      return a === b ? one.id.localeCompare(other.id) : sign * (a < b ? -1 : 1);
    };
    const passing = this.#vehicles.filter((one) => this.passes(one)).sort(order);
    const shown = passing.slice(0, MOST_ROWS);
    arrange(this.body, shown.map((vehicle) => this.#row(vehicle)));
    const names = new Set(shown.map((one) => one.id));
    for (const id of this.#rows.keys()) if (!names.has(id)) this.#rows.delete(id);
    this.heads.forEach((head, index) => {
      const sorted = COLUMNS[index].key === this.#sort.key;
      head.setAttribute("aria-sort", sorted ? (this.#sort.down ? "descending" : "ascending") : "none");
    });
    say(by("roster-name"), passing.length === this.#vehicles.length
      ? `Roster ${passing.length.toLocaleString()}`
      : `Roster ${passing.length.toLocaleString()} of ${this.#vehicles.length.toLocaleString()}`);
    by("more").hidden = passing.length <= MOST_ROWS;
    say(by("more"), `${(passing.length - shown.length).toLocaleString()} more; filter to see them`);
  }

  #row(vehicle) {
    let row = this.#rows.get(vehicle.id);
    if (!row) {
      row = this.#made(vehicle.id);
      this.#rows.set(vehicle.id, row);
    }
    const [, state, speed, cold, alerts, heard] = row.children;
    if (state.dataset.state !== vehicle.state) {
      state.dataset.state = vehicle.state;
      state.replaceChildren(mark(vehicle.state, { size: 20 }), el("span", {}, vehicle.state));
    }
    say(speed, vehicle.speed_kph === undefined ? "" : figure(vehicle.speed_kph));
    say(cold, vehicle.temperature_c === undefined ? "" : vehicle.temperature_c.toFixed(1));
    say(alerts, vehicle.alerts ? String(vehicle.alerts) : "");
    alerts.className = `number ${vehicle.severity ?? ""}`;
    setWhen(heard, vehicle.seen_at);
    return row;
  }

  #made(id) {
    const choose = () => this.select(id);
    return el("tr", { "data-vehicle": id, "aria-selected": String(id === this.#selected), onclick: choose },
      el("th", { scope: "row" }, el("button", { type: "button", class: "link" }, id)),
      el("td", { class: "state" }), el("td", { class: "number wide" }), el("td", { class: "number" }), el("td"), el("td"));
  }

  // Arrow keys go from row to row; Enter is the button's own.
  #step(event) {
    const row = event.target.closest("tr");
    const next = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling,
      Home: this.body.firstElementChild, End: this.body.lastElementChild }[event.key];
    if (!next) return;
    event.preventDefault();
    next.querySelector("button").focus();
  }
}
