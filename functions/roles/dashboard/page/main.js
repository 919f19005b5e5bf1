// The page: asks for the snapshot again and again while somebody looks, and hands it to those who show it.

import { Alerts } from "./alerts.js";
import * as api from "./api.js";
import { by, say } from "./dom.js";
import { showLines } from "./lines.js";
import { FleetMap } from "./map.js";
import { Roster } from "./roster.js";
import { age, ageS, lasting } from "./time.js";
import { VehiclePanel } from "./vehicle.js";

const RETRY_S = 3;
const SLOW_ROUND_S = 60;

class Page {
  #told = null;
  #selected = null;
  #lost = "";
  #timer = null;
  #asking = false;

  constructor(settings) {
    const select = (id, near) => this.select(id, near);
    this.map = new FleetMap(settings.tiles, select);
    this.roster = new Roster(select, () => this.#showMap());
    this.alerts = new Alerts(settings.name, select, () => this.ask());
    this.panel = new VehiclePanel(() => this.select(null));
    document.addEventListener("visibilitychange", () => !document.hidden && this.ask());
    window.addEventListener("hashchange", () => this.#fromAddress());
    setInterval(() => this.#grow(), 1000);
  }

  // One question at a time; a page nobody sees asks nothing.
  async ask() {
    clearTimeout(this.#timer);
    if (this.#asking || document.hidden) return;
    this.#asking = true;
    let pauseS = RETRY_S;
    try {
      this.#told = await api.fleet();
      pauseS = this.#told.next_s;
      this.#lost = "";
      this.#show();
      await this.#look();
    } catch (error) {
      this.#lost = error instanceof api.Refused ? error.message : "The server cannot be reached";
    } finally {
      this.#asking = false;
      this.#grow();
      this.#timer = setTimeout(() => this.ask(), pauseS * 1000);
    }
  }

  select(id, near = true) {
    if (id === this.#selected) return;
    const before = this.#selected;
    this.#selected = id;
    history.replaceState(null, "", id ? `#${encodeURIComponent(id)}` : location.pathname);
    this.map.choose(id, near);
    this.roster.choose(id);
    this.panel.choose(id);
    this.#showMap();
    if (id === null) {
      this.roster.focus(before);
      return;
    }
    this.#showState();
    this.panel.focus();
    this.#look();
    this.#places(id);
  }

  async #look() {
    const id = this.#selected;
    if (id === null) return;
    try {
      const told = await api.vehicle(id);
      if (id !== this.#selected) return;
      this.panel.show(told);
      this.map.showWay(told.trail);
    } catch (error) {
      if (id === this.#selected) this.panel.refused(error instanceof api.Refused ? error.message : "The server cannot be reached.");
    }
  }

  async #places(id) {
    const places = await api.places(id).catch(() => null);
    if (places && id === this.#selected) this.map.showPlaces(places);
  }

  #show() {
    this.roster.show(this.#told.vehicles);
    this.#showMap();
    this.alerts.show(this.#told);
    showLines(this.#told.lines);
    this.#showState();
  }

  #showMap() {
    if (this.#told) this.map.show(this.#told.vehicles, (vehicle) => vehicle.id === this.#selected || this.roster.passes(vehicle));
  }

  #showState() {
    if (this.#selected) this.panel.showState(this.#told?.vehicles.find((one) => one.id === this.#selected));
  }

  #fromAddress() {
    const id = decodeURIComponent(location.hash.slice(1));
    if (id) this.select(id);
  }

  // Once a second: how old everything is by now. The words of a trouble stay as they are, or they would be read out again.
  #grow() {
    age();
    const told = this.#told;
    const trouble = this.#lost || told?.trouble;
    by("trouble").hidden = !trouble;
    if (trouble) say(by("trouble"), `${trouble}. What is shown is what was known before.`);
    if (told?.looked_at) say(by("freshness"), freshness(told));
  }

  start() {
    this.#fromAddress();
    this.ask();
  }
}

function freshness({ looked_at: at, complete, vehicles }) {
  if (!complete) return `${vehicles.length.toLocaleString()} vehicles so far`;
  const oldS = ageS(at);
  return oldS > SLOW_ROUND_S ? `Each looked at within ${lasting(oldS)}` : `Looked at ${lasting(oldS)} ago`;
}

try {
  new Page(await api.settings()).start();
} catch (error) {
  by("trouble").hidden = false;
  say(by("trouble"), "The server cannot be reached. Reload the page to try again.");
}
