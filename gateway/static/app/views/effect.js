// What a change of the recipe would do, and applying it.
import { call } from "../api.js";
import { count } from "../format.js";
import { useLoad, useToast } from "../hooks.js";
import { errorText, Failure, Loading } from "../parts.js";
import { text } from "../strings.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { changeDataset } from "./dataset.js";

/** @typedef {import("../documents.d.ts").RecipeChange} RecipeChange */
/** @typedef {import("./dataset.js").Subject} Subject */

const PAUSE_MILLISECONDS = 400;

/**
 * @param {{ subject: Subject, change: RecipeChange, amount: number, onDone: () => void }} props
 */
export function Effect({ subject, change, amount, onDone }) {
  const toast = useToast();
  const [isSending, setIsSending] = useState(false);
  const path = { dataset_id: subject.id };
  const settled = useSettled(JSON.stringify(change));
  const now = useLoad((signal) => call("tryRecipe", { path, body: {}, signal }), [subject.id, subject.version]);
  const then = useLoad((signal) => call("tryRecipe", { path, body: JSON.parse(settled), signal }), [subject.id, subject.version, settled]);
  const apply = async () => {
    setIsSending(true);
    const problem = await changeDataset(subject, () => call("changeRecipe", { path, body: change }));
    setIsSending(false);
    if (problem) toast({ text: problem });
    else onDone();
  };
  return html`<aside class="effect card" aria-label=${text.steps.change} aria-live="polite">
    <strong>${text.steps.pending(amount)}</strong>
    ${then.error ? html`<p class="error">${errorText(then.error)}</p>` : null}
    ${now.error ? html`<${Failure} error=${now.error} onRetry=${now.reload} />` : null}
    ${then.isLoading || now.isLoading ? html`<${Loading} what=${text.steps.measuring} />` : null}
    ${now.data && then.data && !then.isLoading
      ? html`<p>${text.steps.effect(count(now.data.cells_changed), count(then.data.cells_changed))}</p>
          <p>${text.steps.effectFeatures(count(now.data.engineered_columns), count(then.data.engineered_columns))}</p>`
      : null}
    <p class="row">
      <button class="main" disabled=${isSending || Boolean(then.error)} onClick=${apply}>${text.steps.apply}</button>
      <button onClick=${onDone}>${text.steps.discard}</button>
    </p>
  </aside>`;
}

/**
 * A value once it has not changed for a moment.
 *
 * @template T
 * @param {T} value
 */
function useSettled(value) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
