/** How numbers, times and values are shown, everywhere the same. Pure. */

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const UNITS = /** @type {const} */ ([[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]);

/** 12345.6 → "12,345.6"; nothing known → "–". @param {number | null | undefined} value */
export const showNumber = (value) => (value === null || value === undefined || Number.isNaN(value) ? "–" : NUMBER.format(value));

/** Seconds as their largest unit or two: 95 → "1 min 35 s". @param {number | null | undefined} seconds */
export function showDuration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 1) return "0 s";
  const first = UNITS.findIndex(([size]) => seconds >= size);
  const [size, name] = UNITS[first];
  const count = Math.floor(seconds / size);
  const next = UNITS[first + 1];
  const rest = next ? Math.floor((seconds - count * size) / next[0]) : 0;
  return rest && count < 10 ? `${count} ${name} ${rest} ${next[1]}` : `${count} ${name}`;
}

/** A time of the server as the viewer's clock: "14:03:22", with the day if it is not today. @param {string | number | null | undefined} time */
export function showTime(time) {
  if (!time) return "–";
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  return date.toDateString() === new Date().toDateString() ? CLOCK.format(date) : `${DAY.format(date)}, ${CLOCK.format(date)}`;
}

/** A value of a property as text. @param {unknown} value @param {string} [baseType] */
export function showValue(value, baseType) {
  if (value === null || value === undefined) return "–";
  if (baseType === "boolean") return Number(value) ? "on" : "off";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** "1 event", "2 events". @param {number} count @param {string} noun */
export const showCount = (count, noun) => `${NUMBER.format(count)} ${noun}${count === 1 ? "" : "s"}`;
