// Scales and ticks: from values to places on a chart.
import { compact, number } from "../format.js";

/** @typedef {{ at: number, label: string }} Tick */

const MOST_DIGITS = 1e12;
const FULL = new Intl.NumberFormat("en", { maximumSignificantDigits: 15 });

/**
 * A linear scale from values to pixels.
 *
 * @param {readonly [number, number]} domain
 * @param {readonly [number, number]} range
 * @returns {(value: number) => number}
 */
export function scale([low, high], [from, to]) {
  // Halves, because the difference may be larger than the largest number.
  const width = high / 2 - low / 2 || 0.5;
  return (value) => from + ((value / 2 - low / 2) / width) * (to - from);
}

/**
 * Ticks in steps of 1, 2 or 5 times a power of ten.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} most
 * @param {boolean} [whole] true for whole numbers alone
 * @returns {number[]}
 */
export function ticks(low, high, most, whole = false) {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough * (1 - 1e-9)) ?? 10;
  const step = whole ? Math.max(1, Math.round(factor * power)) : factor * power;
  const first = Math.ceil(low / step - 1e-9);
  const amount = Math.floor(high / step + 1e-9) - first + 1;
  // Beyond what numbers tell apart, counting on would never end.
  if (!(Math.abs(first) < MOST_DIGITS) || amount > 4 * most + 4) return [low];
  return Array.from({ length: Math.max(amount, 0) }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/**
 * Numbers as the labels of ticks: years stay years, large numbers are shortened.
 *
 * @param {readonly number[]} values
 * @param {boolean} whole
 * @returns {Tick[]}
 */
export function numberTicks(values, whole) {
  const largest = Math.max(...values.map(Math.abs));
  const mayBeYears = whole && values.every((value) => value >= 1500 && value <= 2200);
  const write = (/** @type {number} */ value) => {
    if (mayBeYears) return String(value);
    return largest >= 10_000 ? compact(value) : number(value);
  };
  // Where all labels would be the same, as of salaries that differ by a few, the numbers are written in full.
  const short = values.map(write);
  const labels = new Set(short).size === values.length ? short : values.map((value) => FULL.format(value));
  return values.map((at, index) => ({ at, label: labels[index] ?? "" }));
}

/**
 * Ticks of a logarithmic axis: powers of ten, on both sides of zero where `within` is not 0.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} within the distance from zero within which the axis is linear; 0 for none
 * @param {number} most
 * @returns {Tick[]}
 */
export function powerTicks(low, high, within, most) {
  const smallest = within || low;
  const powers = (/** @type {number} */ largest) => {
    const first = Math.ceil(Math.log10(smallest) - 1e-9);
    const last = Math.floor(Math.log10(largest) + 1e-9);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => 10 ** (first + index));
  };
  const values = within
    ? [...(low < -within ? powers(-low).map((value) => -value).reverse() : []), 0, ...powers(high)]
    : powers(high);
  const every = Math.max(1, Math.ceil(values.length / Math.max(most, 1)));
  const start = within ? values.indexOf(0) % every : 0;
  return numberTicks(values.filter((_, index) => index % every === start), false);
}

const SECOND = 1;
const DAY = 86_400;
const UNITS = [
  { seconds: SECOND, steps: [1, 5, 15, 30] },
  { seconds: 60, steps: [1, 5, 15, 30] },
  { seconds: 3_600, steps: [1, 3, 6, 12] },
  { seconds: DAY, steps: [1, 2, 7, 14] },
];

/**
 * Ticks of a time axis at whole seconds, minutes, hours, days, months or years.
 *
 * @param {number} low seconds since 1970
 * @param {number} high
 * @param {number} most
 * @returns {Tick[]}
 */
export function timeTicks(low, high, most) {
  const rough = (high - low) / Math.max(most, 1);
  for (const { seconds, steps } of UNITS) {
    const step = steps.find((candidate) => candidate * seconds >= rough);
    if (step !== undefined) return everyInterval(low, high, step * seconds);
  }
  const months = rough / (DAY * 30.44);
  const step = [1, 3, 6].find((candidate) => candidate >= months);
  return step === undefined ? everyYears(low, high, most) : everyMonths(low, high, step);
}

/** @type {(low: number, high: number, step: number) => Tick[]} */
function everyInterval(low, high, step) {
  const result = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) {
    const text = new Date(at * 1000).toISOString();
    result.push({ at, label: step >= DAY ? text.slice(0, 10) : text.slice(step >= 60 ? 5 : 11, step >= 60 ? 16 : 19).replace("T", " ") });
  }
  return result;
}

/** @type {(low: number, high: number, step: number) => Tick[]} */
function everyMonths(low, high, step) {
  const result = [];
  const first = new Date(low * 1000);
  for (let month = Math.ceil(first.getUTCMonth() / step) * step; ; month += step) {
    const at = Date.UTC(first.getUTCFullYear(), month) / 1000;
    if (at > high) return result;
    if (at >= low) result.push({ at, label: new Date(at * 1000).toISOString().slice(0, 7) });
  }
}

/** @type {(low: number, high: number, most: number) => Tick[]} */
function everyYears(low, high, most) {
  const yearOf = (/** @type {number} */ seconds) => new Date(seconds * 1000).getUTCFullYear();
  const start = (/** @type {number} */ year) => new Date(0).setUTCFullYear(year) / 1000;
  return ticks(yearOf(low), yearOf(high) + 1, most, true)
    .map((year) => ({ at: start(year), label: String(year) }))
    .filter(({ at }) => at >= low && at <= high);
}

/**
 * A text that fits, cut in the middle, where labels that differ at the end stay different.
 *
 * @param {string} text
 * @param {number} most characters
 */
export function cut(text, most) {
  const characters = [...text];
  if (characters.length <= most) return text;
  const end = Math.floor((most - 1) / 3);
  return `${characters.slice(0, most - 1 - end).join("")}…${end ? characters.slice(-end).join("") : ""}`;
}
