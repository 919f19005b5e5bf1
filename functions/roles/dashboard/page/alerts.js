// Alerts that are open, the worst first, and what people do about them.

import { act } from "./api.js";
import { arrange, by, el, say } from "./dom.js";
import { lasting, setWhen, when } from "./time.js";
import { figure, plain } from "./words.js";

const ORDER = ["critical", "warning", "info"];
const SIGNS = { critical: "‼", warning: "!", info: "i" };
const PEAKS = {
  overspeed: "km/h", temperature_high: "°C", temperature_low: "°C", humidity_high: "%", route_deviation: "m",
  battery_low: "V", fuel_low: "%", fuel_drop: "%", stock_shortage: "left",
};
const SHARES = ["line_failures"];
const LENGTHS = ["delivery_delay", "line_backlog", "clock_ahead"];
const SNOOZES = [[15, "15 minutes"], [30, "30 minutes"], [60, "an hour"], [240, "4 hours"], [1440, "a day"]];
const MOST_TOLD = 3;
const NAME = "fleetline.name";

export class Alerts {
  #cards = new Map();
  #known = null;

  constructor(signedIn, select, changed) {
    this.signedIn = signedIn;
    this.select = select;
    this.changed = changed;
    this.list = by("alerts").querySelector("ul");
    this.none = el("li", { class: "none" }, "Nothing is open.");
  }

  show({ alerts, more_alerts: more }) {
    const sorted = alerts.toSorted((one, other) =>
      ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity) || other.started_at.localeCompare(one.started_at));
    const cards = sorted.map((alert) => this.#card(alert));
    for (const id of this.#cards.keys()) if (!alerts.some((alert) => alert.alert_id === id)) this.#cards.delete(id);
    arrange(this.list, cards.length ? cards : [this.none]);
    say(by("alerts-name"), `Alerts ${alerts.length}${more ? " or more" : ""}`);
    this.#tellNews(sorted);
  }

  // What opened since the last look, for those who do not see the list.
  #tellNews(alerts) {
    const fresh = this.#known ? alerts.filter((alert) => !this.#known.has(alert.alert_id)) : [];
    this.#known = new Set(alerts.map((alert) => alert.alert_id));
    if (!fresh.length) return;
    const told = fresh.slice(0, MOST_TOLD).map((alert) => `${plain(alert.kind)} ${alert.vehicle_id}`);
    const rest = fresh.length > MOST_TOLD ? ` and ${fresh.length - MOST_TOLD} more` : "";
    say(by("news"), `New alert${fresh.length > 1 ? "s" : ""}: ${told.join(", ")}${rest}`);
  }

  #card(alert) {
    let card = this.#cards.get(alert.alert_id);
    if (!card) {
      card = this.#made(alert);
      this.#cards.set(alert.alert_id, card);
    }
    card.fill(alert);
    return card;
  }

  #made({ alert_id: id, kind, vehicle_id: vehicle, severity, started_at: startedAt }) {
    const place = el("div", { class: "more" });
    const facts = el("span");
    const people = el("span");
    const since = el("span", { class: "since" });
    const button = (what, label) => el("button", {
      type: "button", "aria-expanded": "false", "aria-label": `${label} ${plain(kind)} ${vehicle}`,
      onclick: (event) => this.#open(place, event.currentTarget, id, what, label),
    }, label);
    const subject = vehicle && el("button", { type: "button", class: "link", onclick: () => this.select(vehicle) }, vehicle);
    const card = el("li", { class: `alert ${severity}`, "data-alert": id },
      el("span", { class: "sign", role: "img", "aria-label": severity, title: severity }, SIGNS[severity]),
      el("div", { class: "row" }, el("p", {}, el("strong", {}, plain(kind)), " ", subject), since),
      el("div", { class: "row" },
        el("p", { class: "what" }, facts, people),
        el("div", { class: "acts" }, button("acknowledge", "Acknowledge"), button("snooze", "Snooze"), button("close", "Close"))),
      place);
    setWhen(since, startedAt);
    card.fill = (alert) => {
      say(facts, peak(alert));
      fillPeople(people, alert.handling);
    };
    return card;
  }

  #open(place, opener, id, what, label) {
    const again = opener.getAttribute("aria-expanded") === "true";
    for (const button of opener.parentElement.children) button.setAttribute("aria-expanded", "false");
    place.replaceChildren();
    if (again) return;
    opener.setAttribute("aria-expanded", "true");
    const form = this.#form(id, what, label, () => {
      place.replaceChildren();
      opener.setAttribute("aria-expanded", "false");
      opener.focus();
    });
    place.append(form);
    form.querySelector("input, select").focus();
  }

  #form(id, what, label, done) {
    const word = what === "close" ? "reason" : "comment";
    const trouble = el("p", { class: "refused", role: "alert" });
    const text = el("input", { name: word, maxlength: 500, required: what === "close", autocomplete: "off" });
    const minutes = what === "snooze" && el("select", { name: "minutes" }, SNOOZES.map(([value, name]) => el("option", { value }, name)));
    const who = this.signedIn ? null : el("input", { name: "by", maxlength: 80, required: true, autocomplete: "name", value: localStorage.getItem(NAME) ?? "" });
    const send = async (event) => {
      event.preventDefault();
      const by = this.signedIn ?? who.value.trim();
      if (who) localStorage.setItem(NAME, by);
      const sent = { do: what, by, [word]: text.value.trim() };
      if (minutes) sent.minutes = Number(minutes.value);
      try {
        await act(id, sent);
        done();
        this.changed();
      } catch (error) {
        say(trouble, error.message);
      }
    };
    const escape = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      done();
    };
    return el("form", { onsubmit: send, onkeydown: escape },
      minutes && el("label", {}, "For", minutes),
      el("label", {}, what === "close" ? "Reason" : "Comment", text),
      who && el("label", {}, "Your name", who),
      el("div", { class: "acts" }, el("button", { class: "main" }, label), el("button", { type: "button", onclick: done }, "Cancel")),
      trouble);
  }
}

export function peak({ kind, peak: value, subject }) {
  if (value === null) return subject;
  if (LENGTHS.includes(kind)) return [subject, lasting(value)].filter(Boolean).join(" ");
  if (SHARES.includes(kind)) return `${subject} ${figure(100 * value)} %`;
  return [subject, figure(value), PEAKS[kind]].filter(Boolean).join(" ");
}

function fillPeople(node, handling) {
  const stands = standing(handling);
  const key = JSON.stringify(stands);
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  node.replaceChildren(...(stands ? [" · ", stands[0], when(stands[1]), stands[2] && `: ${stands[2]}`].filter(Boolean) : []));
}

// [words, time, why] of where people stand with an alert, null where nobody has done anything.
function standing(handling) {
  if (handling.snoozed_until) return ["snoozed, back ", handling.snoozed_until, handling.audit.at(-1)?.why];
  if (handling.acknowledged_at) return [`${handling.acknowledged_by} sees to it since `, handling.acknowledged_at, handling.comment];
  return null;
}
