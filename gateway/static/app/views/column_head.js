// The head of a column: its name, type, how much is good, and how its values are distributed.
import { useLoad } from "../hooks.js";
import { percent } from "../format.js";
import { listCharts, readChart, readProfile } from "../results.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";

/** @import * as Api from "../documents.d.ts" */

const WIDTH = 132;
const HEIGHT = 24;

/**
 * @param {{
 *   subject: import("./dataset.js").Subject, table: string, column: Api.RowColumn, position: number,
 *   order: "ascending" | "descending" | "none", onSort: () => void,
 * }} props
 */
export function ColumnHead({ subject, table, column, position, order, onSort }) {
  const hasProfile = table !== "engineered";
  const facts = useLoad(async () => (hasProfile ? readFacts(subject, column.name) : undefined), [subject.id, subject.version, table, column.name]);
  const profile = facts.data?.profile;
  const mark = { ascending: " ↑", descending: " ↓", none: "" }[order];
  return html`<th scope="col" aria-colindex=${position} aria-sort=${order}>
    <button class="plain sort" onClick=${onSort} title=${column.name} aria-label=${text.table.sort(column.name, mark)}>
      ${column.name}${mark}
    </button>
    <small class="soft">${profile ? (profile.semantic_type ?? profile.type) : column.type}</small>
    ${profile ? html`<${QualityBar} profile=${profile} rows=${facts.data?.rows ?? 0} />` : html`<span class="share none"></span>`}
    ${facts.data?.counts ? html`<${Sparkline} counts=${facts.data.counts} />` : html`<span class="sparkline"></span>`}
  </th>`;
}

/**
 * @param {import("./dataset.js").Subject} subject
 * @param {string} name
 */
async function readFacts(subject, name) {
  const [profile, charts] = await Promise.all([readProfile(subject), listCharts(subject)]);
  const graph = charts.find((chart) => chart.columns[0] === name && (chart.kind === "histogram" || chart.kind === "countplot"));
  const chart = graph ? await readChart(subject, graph.graph_id) : undefined;
  const counts = chart && (chart.kind === "histogram" || chart.kind === "countplot") ? chart.data.after : undefined;
  return { rows: profile.rows, profile: profile.columns.find((column) => column.name === name), counts };
}

/** @param {{ profile: Api.ColumnProfile, rows: number }} props */
function QualityBar({ profile, rows }) {
  const share = (/** @type {number} */ amount) => ({ width: `${rows ? (100 * amount) / rows : 0}%` });
  const note = `${percent(profile.missing, rows)} ${text.columns.missing}, ${percent(profile.invalid, rows)} ${text.columns.invalid}`;
  return html`<span class="share" role="img" aria-label=${note} title=${note}>
    <i class="good" style=${share(rows - profile.missing - profile.invalid)}></i><i class="bad" style=${share(profile.invalid)}></i>
  </span>`;
}

/** @param {{ counts: number[] }} props */
function Sparkline({ counts }) {
  const most = Math.max(1, ...counts);
  const step = WIDTH / counts.length;
  return html`<svg class="sparkline chart" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} width=${WIDTH} height=${HEIGHT} aria-hidden="true">
    ${counts.map((amount, index) => {
      const height = amount ? Math.max(1, (amount / most) * HEIGHT) : 0;
      return html`<rect class="after" x=${index * step} y=${HEIGHT - height} width=${Math.max(step - 1, 0.5)} height=${height} />`;
    })}
  </svg>`;
}
