// Small pieces that all views are made of.
import { ApiError } from "./errors.js";
import { percent } from "./format.js";
import { text } from "./strings.js";
import { html } from "./vendor/htm-preact.js";

/** @param {{ what?: string }} props */
export const Loading = ({ what = text.loading }) => html`<p class="loading" role="status"><i class="spinner"></i>${what}</p>`;

/** @param {unknown} error */
export function errorText(error) {
  if (!(error instanceof ApiError)) return text.errors.unexpected;
  if (error.status === 0) return text.errors.noConnection;
  return error.message || text.errors.status(error.status);
}

/** @param {{ error: unknown, onRetry?: () => void }} props */
export const Failure = ({ error, onRetry }) =>
  html`<div class="notice error" role="alert">
    <p>${errorText(error)}</p>
    ${onRetry ? html`<button onClick=${onRetry}>${text.retry}</button>` : null}
  </div>`;

/** @param {{ status: string }} props */
export const StatusBadge = ({ status }) =>
  html`<span class=${`badge ${status}`}>${text.status[status] ?? status}</span>`;

/** @param {{ value: number, label: string }} props */
export const Progress = ({ value, label }) =>
  html`<progress max="100" value=${value} aria-label=${label}>${value} %</progress>`;

/**
 * A share as a bar with its text.
 *
 * @param {{ part: number, whole: number, kind?: string, label: string }} props
 */
export const ShareBar = ({ part, whole, kind = "good", label }) =>
  html`<span class="share" role="img" aria-label=${`${label}: ${percent(part, whole)}`}>
    <i class=${kind} style=${{ width: `${whole ? (100 * part) / whole : 0}%` }}></i>
  </span>`;

/**
 * A labelled field of a form.
 *
 * @param {{ label: string, hint?: string, children?: unknown }} props
 */
export const Field = ({ label, hint, children }) =>
  html`<label class="field"><span>${label}</span>${children}${hint ? html`<small>${hint}</small>` : null}</label>`;

/**
 * A choice among words.
 *
 * @param {{ label: string, hint?: string, value: string, options: readonly (readonly [string, string])[], onChange: (value: string) => void }} props
 */
export const Choice = ({ label, hint, value, options, onChange }) =>
  html`<${Field} label=${label} hint=${hint}>
    <select value=${value} onChange=${(/** @type {any} */ event) => onChange(event.currentTarget.value)}>
      ${options.map(([word, name]) => html`<option value=${word} selected=${word === value}>${name}</option>`)}
    </select>
  <//>`;

/**
 * A cell of a table as people read it; a missing one says so.
 *
 * @param {{ value: string | number | boolean | null | undefined, type?: string }} props `type` is that of the column
 */
export function Value({ value, type = "" }) {
  if (value === null || value === undefined) return html`<i class="missing">${text.missing}</i>`;
  if (value === "") return html`<i class="missing">${text.emptyText}</i>`;
  const written = String(value);
  return type.startsWith("timestamp") ? written.replace("T00:00:00", "").replace("T", " ") : written;
}

/**
 * @param {string} type the storage type of a column
 * @returns {boolean} true for numbers, which are aligned at their end
 */
export const isNumeric = (type) => /^(u?int|float|double|decimal)/.test(type);
