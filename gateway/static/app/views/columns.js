// Everything about a column: what it is and why, its values, charts, steps, and what is made from it.
import { count, number, percent } from "../format.js";
import { useLoad } from "../hooks.js";
import { Choice, Failure, Field, Loading } from "../parts.js";
import { Legend } from "../charts/chart.js";
import { listCharts, listSteps, readFeatures, readProfile } from "../results.js";
import { text } from "../strings.js";
import { html, useState } from "../vendor/htm-preact.js";
import { Thread } from "./comments.js";
import { ChartCard } from "./charts.js";
import { Effect } from "./effect.js";

/** @typedef {import("./dataset.js").Subject} Subject */
/** @import * as Api from "../documents.d.ts" */

const OF_TABLE = new Set(["correlation", "missingness", "missing_patterns"]);

const MOST_RELATIONS = 6;
const WEAKEST_RELATION = 0.1;

/** @param {{ subject: Subject }} props */
export function Columns({ subject }) {
  const profile = useLoad(() => readProfile(subject), [subject.id, subject.version]);
  const [search, setSearch] = useState("");
  if (profile.error) return html`<${Failure} error=${profile.error} onRetry=${profile.reload} />`;
  if (!profile.data) return html`<${Loading} />`;
  const { columns } = profile.data;
  const chosen = subject.query.get("column") ?? columns[0]?.name;
  const column = columns.find((other) => other.name === chosen);
  const words = search.toLowerCase();
  return html`<div class="columns">
    <nav aria-label=${text.dataset.tabs.columns}>
      <${Field} label=${text.columns.search}>
        <input type="search" value=${search} onInput=${(/** @type {any} */ event) => setSearch(event.currentTarget.value)} />
      <//>
      <ul>
        ${columns
          .filter((other) => other.name.toLowerCase().includes(words))
          .map(
            (other) => html`<li>
              <a
                href=${subject.linkTo("columns", { column: other.name })}
                aria-current=${other.name === chosen ? "true" : undefined}
              >
                ${other.name} <small class="soft">${other.type}</small>
              </a>
            </li>`,
          )}
      </ul>
    </nav>
    ${column ? html`<${Column} key=${column.name} subject=${subject} profile=${profile.data} column=${column} />` : html`<p>${text.notFound}</p>`}
  </div>`;
}

/** @param {{ subject: Subject, profile: Api.Profile, column: Api.ColumnProfile }} props */
function Column({ subject, profile, column }) {
  const { name } = column;
  const charts = useLoad(() => listCharts(subject), [subject.id, subject.version]);
  const graphs = charts.data?.filter((chart) => !OF_TABLE.has(chart.kind) && chart.columns.includes(name));
  const alerts = profile.alerts.filter((alert) => alert.column === name);
  return html`<article>
    <h2>${name}</h2>
    <p>${column.why}</p>
    ${column.ambiguity ? html`<p class="notice">${column.ambiguity}</p>` : null}
    ${alerts.length ? html`<ul class="alerts">${alerts.map((alert) => html`<li class=${alert.severity}>${alert.why}</li>`)}</ul>` : null}
    ${subject.isNewest ? html`<${Overrides} subject=${subject} column=${column} />` : null}
    <div class="two">
      <section>
        <h3>${text.columns.values}</h3>
        <${Facts} facts=${valuesOf(column, profile.rows)} />
        <p><a href=${subject.linkTo("table", { filter: `${name}:changed` })}>${text.columns.showTable}</a></p>
      </section>
      <section>
        <h3>${text.columns.statistics}</h3>
        <${Facts} facts=${statisticsOf(column)} />
      </section>
    </div>
    ${column.top_values.length
      ? html`<h3>${text.columns.topValues}</h3>
          <${Facts} facts=${column.top_values.slice(0, 10).map((level) => [level.value, count(level.count)])} />`
      : null}
    ${column.spellings.length
      ? html`<h3>${text.columns.spellings}</h3>
          <ul>${column.spellings.map((spelling) => html`<li>${spelling.before} → ${spelling.after} (${count(spelling.count)})</li>`)}</ul>`
      : null}
    ${graphs?.length
      ? html`<${Legend} />
          <div class="gallery">${graphs.map((graph) => html`<${ChartCard} key=${graph.graph_id} subject=${subject} graph=${graph} />`)}</div>`
      : null}
    <${Relations} subject=${subject} profile=${profile} name=${name} />
    <${Made} subject=${subject} name=${name} />
    <${Thread} subject=${subject} about=${{ column: name }} label=${text.comments.onColumn(name)} />
  </article>`;
}

/** @type {(column: Api.ColumnProfile, rows: number) => [string, string][]} */
function valuesOf(column, rows) {
  return [
    [text.columns.distinct, count(column.distinct)],
    [text.columns.missing, `${count(column.missing)} (${percent(column.missing, rows)})`],
    [text.columns.invalid, `${count(column.invalid)}${column.invalid_examples.length ? `: ${column.invalid_examples.join(", ")}` : ""}`],
  ];
}

/** @type {(column: Api.ColumnProfile) => [string, string][]} */
function statisticsOf(column) {
  const lengths = column.text && { ...column.text, mean: undefined, meanLength: column.text.mean };
  const facts = /** @type {Record<string, unknown>} */ ({ ...column.numbers, ...column.timestamps, ...lengths });
  return Object.entries(text.columns.names)
    .filter(([name]) => facts[name] !== null && facts[name] !== undefined)
    .map(([name, label]) => {
      const value = facts[name];
      if (name === "zero_share") return [label, percent(Number(value), 1)];
      return [label, typeof value === "number" ? number(value) : String(value).replace("T00:00:00", "").replace("T", " ")];
    });
}

/** @param {{ facts: readonly (readonly [string, string])[] }} props */
const Facts = ({ facts }) => html`<dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

/** @param {{ subject: Subject, column: Api.ColumnProfile }} props */
function Overrides({ subject, column }) {
  const [type, setType] = useState("");
  const [role, setRole] = useState("");
  const withEmpty = (/** @type {readonly string[]} */ words) =>
    /** @type {[string, string][]} */ ([["", text.columns.automatic], ...words.map((word) => [word, word])]);
  const change = /** @type {import("../documents.d.ts").RecipeChange} */ ({
    ...(type ? { types: { [column.name]: type } } : {}),
    ...(role ? { roles: { [column.name]: role } } : {}),
  });
  const amount = Number(Boolean(type)) + Number(Boolean(role));
  const reset = () => {
    setType("");
    setRole("");
  };
  return html`<div class="filters">
      <${Choice} label=${text.columns.type} hint=${text.columns.typeHint} value=${type} options=${withEmpty(text.columns.types)} onChange=${setType} />
      <${Choice} label=${text.columns.role} value=${role} options=${withEmpty(text.columns.roles)} onChange=${setRole} />
    </div>
    ${amount ? html`<${Effect} subject=${subject} change=${change} amount=${amount} onDone=${reset} />` : null}`;
}

/** @param {{ subject: Subject, profile: Api.Profile, name: string }} props */
function Relations({ subject, profile, name }) {
  const pairs = profile.correlations
    .filter((pair) => pair.first === name || pair.second === name)
    .filter((pair) => Math.abs(pair.coefficient) >= WEAKEST_RELATION)
    .slice(0, MOST_RELATIONS);
  if (!pairs.length) return null;
  return html`<h3>${text.columns.relations}</h3>
    <ul>
      ${pairs.map((pair) => {
        const other = pair.first === name ? pair.second : pair.first;
        return html`<li><a href=${subject.linkTo("columns", { column: other })}>${other}</a>: ${pair.coefficient.toFixed(2)}</li>`;
      })}
    </ul>`;
}

/** @param {{ subject: Subject, name: string }} props */
function Made({ subject, name }) {
  const made = useLoad(() => Promise.all([listSteps(subject), readFeatures(subject)]), [subject.id, subject.version]);
  if (!made.data) return null;
  const [steps, features] = made.data;
  const own = steps.filter((step) => step.columns.includes(name));
  const outputs = features.output_features.filter((feature) => feature.sources.includes(name));
  return html`<h3>${text.columns.steps}</h3>
    <ol>
      ${own.map(
        (step) => html`<li value=${step.step}>
          <a href=${subject.linkTo("steps", { step: step.step, column: name })}>${step.why}</a>
        </li>`,
      )}
    </ol>
    ${outputs.length
      ? html`<h3>${text.columns.features}</h3>
          <ul>${outputs.map((feature) => html`<li><strong>${feature.name}</strong> ${feature.why}</li>`)}</ul>`
      : null}`;
}
