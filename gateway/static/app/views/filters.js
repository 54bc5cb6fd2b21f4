// Conditions that the rows of a table have to meet.
import { Choice, Field } from "../parts.js";
import { text } from "../strings.js";
import { html, useState } from "../vendor/htm-preact.js";

const ANY = "*";
const WITHOUT_VALUE = new Set(["missing", "known"]);

/**
 * @param {{
 *   names: readonly string[], steps: readonly import("../results.js").Step[], onAdd: (filter: string) => void,
 * }} props
 */
export function Filters({ names, steps, onAdd }) {
  const [column, setColumn] = useState("");
  const [operator, setOperator] = useState("contains");
  const [value, setValue] = useState("");
  const name = column || names[0] || "";
  const isChange = operator === "changed";
  const columns = [...(isChange ? [[ANY, text.table.any]] : []), ...names.map((word) => [word, word])];
  const rules = [...new Set(steps.filter((step) => step.cellsChanged).map((step) => step.rule))];
  const origins = [
    ["", text.table.any],
    ...rules.map((rule) => [rule, `${text.table.rule}: ${rule}`]),
    ...steps
      .filter((step) => step.cellsChanged || step.rowsRemoved)
      .map((step) => [String(step.step), `${text.table.step} ${step.step}: ${step.kind}, ${step.columns.join(", ")}`]),
  ];
  const onSubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const needsValue = !WITHOUT_VALUE.has(operator) && !(isChange && !value);
    onAdd(`${name}:${operator}${needsValue ? `:${value}` : ""}`);
    setValue("");
  };
  const chooseOperator = (/** @type {string} */ chosen) => {
    setOperator(chosen);
    setValue("");
    setColumn(chosen === "changed" ? ANY : column === ANY ? "" : column);
  };
  return html`<form class="filters" onSubmit=${onSubmit} aria-label=${text.table.filter}>
    <${Choice} label=${text.table.column} value=${name} options=${columns} onChange=${setColumn} />
    <${Choice} label=${text.table.operator} value=${operator} options=${text.table.operators} onChange=${chooseOperator} />
    ${isChange ? html`<${Choice} label=${text.table.value} value=${value} options=${origins} onChange=${setValue} />` : null}
    ${isChange || WITHOUT_VALUE.has(operator)
      ? null
      : html`<${Field} label=${text.table.value}>
          <input required value=${value} onInput=${(/** @type {any} */ event) => setValue(event.currentTarget.value)} />
        <//>`}
    <button>${text.table.add}</button>
  </form>`;
}

/** @param {string} filter */
function describe(filter) {
  const match = /^(.*?):(\w+)(?::(.*))?$/s.exec(filter);
  const words = text.table.operators.find(([operator]) => operator === match?.[2]);
  if (!match || !words) return filter;
  return `${match[1] === ANY ? text.table.anyCell : match[1]} ${words[1]} ${match[3] ?? ""}`.trim();
}

/**
 * The conditions that hold, each with a button that removes it.
 *
 * @param {{ filters: readonly string[], onChange: (filters: string[]) => void }} props
 */
export const FilterList = ({ filters, onChange }) =>
  html`<ul class="chips">
    ${filters.map((filter) => {
      const remove = () => onChange(filters.filter((other) => other !== filter));
      return html`<li>
        ${describe(filter)} <button class="plain" aria-label=${text.table.remove(filter)} onClick=${remove}>×</button>
      </li>`;
    })}
  </ul>`;
