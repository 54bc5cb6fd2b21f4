// Two versions side by side: their quality, the steps in which they differ, and the cells.
import { call } from "../api.js";
import { count, counted } from "../format.js";
import { useLoad } from "../hooks.js";
import { Failure, Loading, Value } from "../parts.js";
import { listSteps, readProfile } from "../results.js";
import { text } from "../strings.js";
import { html, useState } from "../vendor/htm-preact.js";

/** @typedef {import("../results.js").Step} Step */
/** @typedef {{ key: string, before: Step | undefined, after: Step | undefined }} StepPair */

const PAGE = 100;
const LARGEST_PAGE = 1000;

/** @param {{ id: string, from: number, to: number }} props */
export function Compare({ id, from, to }) {
  const load = () =>
    Promise.all([from, to].flatMap((version) => [readProfile({ id, version }), listSteps({ id, version })]));
  const facts = useLoad(load, [id, from, to]);
  if (facts.error) return html`<${Failure} error=${facts.error} onRetry=${facts.reload} />`;
  if (!facts.data) return html`<${Loading} />`;
  const [profileBefore, stepsBefore, profileAfter, stepsAfter] =
    /** @type {[import("../documents.d.ts").Profile, Step[], import("../documents.d.ts").Profile, Step[]]} */ (facts.data);
  const [old, now] = [profileBefore.cleaned_quality, profileAfter.cleaned_quality];
  return html`${old && now
      ? html`<p>${text.versions.quality}: ${old.score.toFixed(1)} → <strong>${now.score.toFixed(1)}</strong></p>`
      : null}
    <${DifferentSteps} pairs=${pairUp(stepsBefore, stepsAfter).filter(isDifferent)} from=${from} to=${to} />
    <${Differences} id=${id} from=${from} to=${to} />`;
}

/**
 * The steps of two recipes, paired by what they do; the places may be others.
 *
 * @param {readonly Step[]} before
 * @param {readonly Step[]} after
 * @returns {StepPair[]}
 */
function pairUp(before, after) {
  const keyOf = (/** @type {Step} */ step) => [step.kind, step.rule, ...step.columns].join(" ");
  /** @type {Map<string, StepPair>} */
  const pairs = new Map();
  for (const [side, steps] of /** @type {const} */ ([["before", before], ["after", after]])) {
    const turns = new Map();
    for (const step of steps) {
      const turn = (turns.get(keyOf(step)) ?? 0) + 1;
      turns.set(keyOf(step), turn);
      const key = `${keyOf(step)} ${turn}`;
      const pair = pairs.get(key) ?? { key, before: undefined, after: undefined };
      pairs.set(key, { ...pair, [side]: step });
    }
  }
  return [...pairs.values()];
}

/** @param {StepPair} pair */
function isDifferent({ before, after }) {
  if (!before || !after) return true;
  return stateOf(before) !== stateOf(after) || before.why !== after.why || before.cellsChanged !== after.cellsChanged;
}

/** @param {Step | undefined} step */
function stateOf(step) {
  if (!step) return "–";
  if (step.isOff) return text.versions.isOff;
  if (step.state !== "applied") return step.state;
  return step.cellsChanged ? counted(step.cellsChanged, "cell") : text.versions.isOn;
}

/** @param {{ pairs: readonly StepPair[], from: number, to: number }} props */
function DifferentSteps({ pairs, from, to }) {
  if (!pairs.length) return html`<p class="soft">${text.versions.sameSteps}</p>`;
  return html`<h3>${text.versions.steps}</h3>
    <div class="scroll" tabindex="0" role="region" aria-label=${text.versions.steps}>
      <table class="list">
        <thead>
          <tr>
            <th>${text.versions.what}</th>
            <th>${text.dataset.version} ${from}</th>
            <th>${text.dataset.version} ${to}</th>
          </tr>
        </thead>
        <tbody>
          ${pairs.map(
            ({ key, before, after }) => html`<tr key=${key}>
              <td>${(after && !after.isOff ? after : (before ?? after))?.why}</td>
              <td>${stateOf(before)}</td>
              <td>${stateOf(after)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

/** @param {{ id: string, from: number, to: number }} props */
function Differences({ id, from, to }) {
  const [size, setSize] = useState(PAGE);
  const query = { from, to, page_size: size };
  const page = useLoad((signal) => call("listDifferences", { path: { dataset_id: id }, query, signal }), [id, from, to, size]);
  if (page.error) return html`<${Failure} error=${page.error} onRetry=${page.reload} />`;
  if (!page.data) return html`<${Loading} />`;
  if (!page.data.total_differences) return html`<p>${text.versions.same}</p>`;
  return html`<h3>${text.versions.differences}</h3>
    <p>${text.versions.total(page.data.total_differences)}</p>
    <div class="scroll" tabindex="0" role="region" aria-label=${text.versions.differences}>
      <table class="list">
        <thead>
          <tr>
            <th class="number">${text.versions.row}</th>
            <th>${text.versions.column}</th>
            <th>${text.dataset.version} ${from}</th>
            <th>${text.dataset.version} ${to}</th>
          </tr>
        </thead>
        <tbody>
          ${page.data.differences.map(
            (cell) => html`<tr>
              <td class="number">${count(cell.row)}</td>
              <td>${cell.column}</td>
              <td><${Value} value=${cell.before} /></td>
              <td><${Value} value=${cell.after} /></td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${page.data.next_page_token && size < LARGEST_PAGE ? html`<button onClick=${() => setSize(LARGEST_PAGE)}>${text.more}</button>` : null}`;
}
