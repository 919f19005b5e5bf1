// What things are called and how values are written.

export const plain = (kind) => kind.replaceAll("_", " ");

const UNITS = { kph: "km/h", km: "km", c: "°C", pct: "%", s: "s", m: "m", v: "V", hours: "h", deg: "°" };

// "speed_kph" → ["speed", "km/h"]
export function named(field) {
  const parts = field.split("_");
  const unit = parts.length > 1 && UNITS[parts.at(-1)];
  return unit ? [parts.slice(0, -1).join(" "), unit] : [parts.join(" "), ""];
}

export const figure = (value) => (Number.isInteger(value) ? value.toLocaleString() : value.toLocaleString(undefined, { maximumFractionDigits: Math.abs(value) < 200 ? 1 : 0 }));

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

export const isTime = (value) => typeof value === "string" && TIME.test(value);

// A value in words; what has parts is written part by part.
export function worded(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return figure(value);
  if (isTime(value)) return new Date(value).toLocaleString();
  if (Array.isArray(value)) return value.map(worded).join(", ") || "–";
  if (typeof value === "object") {
    return Object.entries(value).filter(([, part]) => part !== null).map(([name, part]) => {
      const [said, unit] = named(name);
      return `${said} ${worded(part)}${unit && ` ${unit}`}`;
    }).join(", ") || "–";
  }
  return String(value);
}
