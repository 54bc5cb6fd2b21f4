// The recipe, step by step, and changing it.
import { call } from "../api.js";
import { count, counted, percent } from "../format.js";
import { useLoad, useToast } from "../hooks.js";
import { Choice, Failure, Loading, Value } from "../parts.js";
import { listSteps } from "../results.js";
import { text } from "../strings.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { commentsOn, Thread } from "./comments.js";
import { changeDataset } from "./dataset.js";
import { BeforeAfter } from "./distribution.js";
import { Effect } from "./effect.js";

/** @typedef {import("./dataset.js").Subject} Subject */
/** @typedef {import("../results.js").Step} Step */
/** @typedef {{ switched: Record<number, boolean>, parameters: Record<string, Record<string, unknown>> }} Pending */

const PHASES = /** @type {const} */ (["cleaning", "outliers", "features"]);
/** What every step has, and what names the columns that others use. */
const FIXED = new Set(
  "why confidence rule skipped is_off user_set kind column columns phase name names table by given outputs".split(" "),
);
const NOTHING = /** @type {Pending} */ ({ switched: {}, parameters: {} });

/** @param {{ subject: Subject }} props */
export function Steps({ subject }) {
  const steps = useLoad(() => listSteps(subject), [subject.id, subject.version]);
  const [pending, setPending] = useState(NOTHING);
  const [column, setColumn] = useState(subject.query.get("column") ?? "");
  const [open, setOpen] = useState(Number(subject.query.get("step")) || 0);
  const toast = useToast();
  useEffect(() => {
    if (steps.data && open) document.getElementById(`step-${open}`)?.scrollIntoView({ block: "center" });
  }, [Boolean(steps.data)]);
  if (steps.error) return html`<${Failure} error=${steps.error} onRetry=${steps.reload} />`;
  if (!steps.data) return html`<${Loading} />`;
  const names = [...new Set(steps.data.flatMap((step) => step.columns))];
  const shown = steps.data.filter((step) => !column || step.columns.includes(column) || step.outputs.includes(column));
  const amount = Object.keys(pending.switched).length + Object.keys(pending.parameters).length;
  const undoColumn = async () => {
    const body = { columns: [column] };
    const problem = await changeDataset(subject, () => call("undoSteps", { path: { dataset_id: subject.id }, body }));
    if (problem) toast({ text: problem });
  };
  const words = [["", text.steps.allColumns], ...names.map((name) => [name, name])];
  return html`<p class="soft">${text.steps.lead}</p>
    <div class="filters">
      <${Choice} label=${text.steps.filter} value=${column} options=${words} onChange=${setColumn} />
      ${column && subject.isNewest ? html`<button onClick=${undoColumn}>${text.steps.undoColumn}</button>` : null}
    </div>
    ${amount
      ? html`<${Effect} subject=${subject} change=${toChange(pending)} amount=${amount} onDone=${() => setPending(NOTHING)} />`
      : null}
    ${PHASES.map((phase) => {
      const group = shown.filter((step) => step.phase === phase);
      if (!group.length) return null;
      return html`<h2>${text.steps.phases[phase]}</h2>
        <ol class="steps">
          ${group.map(
            (step) => html`<${StepItem}
              key=${step.step}
              subject=${subject}
              step=${step}
              isOpen=${open === step.step}
              pending=${pending}
              onToggle=${() => setOpen(open === step.step ? 0 : step.step)}
              onChange=${setPending}
            />`,
          )}
        </ol>`;
    })}`;
}

/**
 * @param {Pending} pending
 * @returns {import("../documents.d.ts").RecipeChange}
 */
function toChange({ switched, parameters }) {
  const numbers = (/** @type {boolean} */ isOn) =>
    Object.entries(switched).filter(([, value]) => value === isOn).map(([step]) => Number(step));
  const [off, on] = [numbers(false), numbers(true)];
  return {
    ...(off.length ? { off } : {}),
    ...(on.length ? { on } : {}),
    ...(Object.keys(parameters).length ? { parameters } : {}),
  };
}

/**
 * @param {{
 *   subject: Subject, step: Step, isOpen: boolean, pending: Pending,
 *   onToggle: () => void, onChange: (pending: Pending) => void,
 * }} props
 */
function StepItem({ subject, step, isOpen, pending, onToggle, onChange }) {
  const isOn = pending.switched[step.step] ?? !step.isOff;
  const setOn = () => {
    const { [step.step]: _, ...others } = pending.switched;
    onChange({ ...pending, switched: isOn === !step.isOff ? { ...others, [step.step]: !isOn } : others });
  };
  const comments = ofStep(subject, step).length;
  const isChanged = step.step in pending.switched || String(step.step) in pending.parameters;
  return html`<li id=${`step-${step.step}`} class=${`step ${isOn ? "" : "off"} ${isChanged ? "pending" : ""}`}>
    <div class="row">
      <label class="switch">
        <input type="checkbox" checked=${isOn} disabled=${!subject.isNewest} onChange=${setOn} aria-label=${`${text.steps.isOn}: ${step.step}`} />
      </label>
      <button class="plain grow" aria-expanded=${isOpen} onClick=${onToggle}>
        <span class="soft">${step.step}</span> ${step.why}
      </button>
      <span class="facts soft">
        ${step.state === "applied" ? null : html`<span class="badge">${step.state === "skipped" ? text.steps.skipped : text.steps.flagged}</span>`}
        ${step.cellsChanged ? html`<span>${text.steps.changed(counted(step.cellsChanged, "cell"))}</span>` : null}
        ${step.rowsRemoved ? html`<span>${counted(step.rowsRemoved, "row")}</span>` : null}
        <span>${percent(step.confidence, 1)} ${text.steps.sure}</span>
        ${comments ? html`<span class="badge">${text.comments.amount(count(comments))}</span>` : null}
      </span>
    </div>
    ${isOpen ? html`<${StepDetails} subject=${subject} step=${step} pending=${pending} onChange=${onChange} />` : null}
  </li>`;
}

/**
 * The comments on a step of this version; the steps of others may be others.
 *
 * @param {Subject} subject
 * @param {Step} step
 */
const ofStep = (subject, { step }) =>
  commentsOn(subject.comments, { step }).filter((comment) => comment.version === subject.version);

/** @param {{ subject: Subject, step: Step, pending: Pending, onChange: (pending: Pending) => void }} props */
function StepDetails({ subject, step, pending, onChange }) {
  // What the steps do is measured for the newest recipe alone.
  const effects = useLoad(async () => (subject.isNewest ? readEffects(subject) : undefined), [subject.id, subject.version]);
  const effect = effects.data?.steps[step.step - 1];
  return html`<div class="details">
    <p class="soft">
      ${step.kind}, ${text.table.rule} ${step.rule}
      ${step.cellsChanged
        ? html`,${" "}<a href=${subject.linkTo("table", { filter: `*:changed:${step.step}` })}>${text.steps.source}</a>`
        : null}
    </p>
    ${effects.isLoading ? html`<${Loading} what=${text.steps.measuring} />` : null}
    ${effects.error ? html`<${Failure} error=${effects.error} onRetry=${effects.reload} />` : null}
    ${effect ? html`<${Examples} examples=${effect.examples} />` : null}
    ${effect?.before || effect?.after
      ? html`<h3>${text.steps.distribution}</h3>
          <${BeforeAfter} before=${effect.before} after=${effect.after} />`
      : null}
    ${subject.isNewest ? html`<${Thread} subject=${subject} about=${{ step: step.step }} label=${text.comments.onStep(step.step)} />` : null}
    ${subject.isNewest ? html`<${Parameters} step=${step} pending=${pending} onChange=${onChange} />` : null}
  </div>`;
}

/** @type {Map<string, Promise<import("../documents.d.ts").DryRun>>} */
const effectsOf = new Map();

/** @param {Subject} subject */
function readEffects(subject) {
  const key = `${subject.id} ${subject.version}`;
  const effects = effectsOf.get(key) ?? call("tryRecipe", { path: { dataset_id: subject.id }, body: {} });
  effectsOf.clear(); // those of another dataset are hardly looked at again
  effectsOf.set(key, effects);
  effects.catch(() => effectsOf.delete(key));
  return effects;
}

/** @param {{ examples: import("../documents.d.ts").CellExample[] }} props */
function Examples({ examples }) {
  if (!examples.length) return html`<p class="soft">${text.steps.noExamples}</p>`;
  return html`<h3>${text.steps.examples}</h3>
    <div class="scroll" tabindex="0" role="region" aria-label=${text.steps.examples}>
      <table class="list">
        <thead>
          <tr>
            <th class="number">${text.table.row}</th>
            <th>${text.table.column}</th>
            <th>${text.table.before}</th>
            <th>${text.table.after}</th>
          </tr>
        </thead>
        <tbody>
          ${examples.map(
            (cell) => html`<tr>
              <td class="number">${count(cell.row)}</td>
              <td>${cell.column}</td>
              <td><${Value} value=${cell.before} /></td>
              <td><${Value} value=${cell.after} /></td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

/** @param {{ step: Step, pending: Pending, onChange: (pending: Pending) => void }} props */
function Parameters({ step, pending, onChange }) {
  const own = Object.entries(step.recipe).filter(([name, value]) => !FIXED.has(name) && isPlain(value));
  if (!own.length) return null;
  const key = String(step.step);
  const set = (/** @type {string} */ name, /** @type {unknown} */ value) => {
    const { [name]: _, ...others } = pending.parameters[key] ?? {};
    const changed = value === step.recipe[name] ? others : { ...others, [name]: value };
    const { [key]: __, ...rest } = pending.parameters;
    onChange({ ...pending, parameters: Object.keys(changed).length ? { ...rest, [key]: changed } : rest });
  };
  return html`<h3>${text.steps.parameters}</h3>
    <div class="fields">
      ${own.map(([name, value]) => {
        const current = pending.parameters[key]?.[name] ?? value;
        const onInput = (/** @type {any} */ event) => set(name, parse(event.currentTarget, value));
        return html`<label class="field">
          <span>${name}</span>
          ${typeof value === "boolean"
            ? html`<input type="checkbox" checked=${current} onChange=${onInput} />`
            : html`<input
                type=${typeof value === "number" ? "number" : "text"}
                step="any"
                value=${current}
                onChange=${onInput}
              />`}
        </label>`;
      })}
    </div>`;
}

/** @param {unknown} value */
const isPlain = (value) => typeof value === "number" || typeof value === "boolean" || typeof value === "string";

/** @type {(input: HTMLInputElement, like: unknown) => unknown} */
function parse(input, like) {
  if (typeof like === "boolean") return input.checked;
  return typeof like === "number" ? input.valueAsNumber : input.value;
}
