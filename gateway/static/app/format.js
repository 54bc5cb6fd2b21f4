// Numbers, sizes and moments as people read them.

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const MOMENT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

/** @param {number} value */
export const count = (value) => WHOLE.format(value);

/** @param {number} value */
export const compact = (value) => COMPACT.format(value);

/**
 * A share of a whole; a small one is never written as none, and a large one never as all.
 *
 * @param {number} part
 * @param {number} whole
 */
export function percent(part, whole) {
  if (!whole || !part) return "0 %";
  const value = (100 * part) / whole;
  if (value < 0.1) return "< 0.1 %";
  if (value > 99.9 && part < whole) return "> 99.9 %";
  return `${Number(value.toPrecision(value < 10 ? 2 : 3))} %`;
}

/** @param {number | null | undefined} value */
export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size < 1e-12) return "0";
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return value.toExponential(3);
  return Number.isInteger(value) ? WHOLE.format(value) : SHORT.format(value);
}

/** @param {number} size */
export function bytes(size) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size < 10 && unit ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 1) return "< 1 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** @param {string | null | undefined} iso */
export const moment = (iso) => (iso ? MOMENT.format(new Date(iso)) : "–");

/**
 * @param {number} amount
 * @param {string} singular
 * @param {string} [plural]
 */
export const counted = (amount, singular, plural = `${singular}s`) =>
  `${count(amount)} ${amount === 1 ? singular : plural}`;
