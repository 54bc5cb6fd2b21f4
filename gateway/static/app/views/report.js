// The written report of deep mode.
import { callOnce } from "../api.js";
import { moment } from "../format.js";
import { useLoad } from "../hooks.js";
import { Markdown } from "../markdown.js";
import { Failure, Loading } from "../parts.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";

/** @param {{ subject: import("./dataset.js").Subject }} props */
export function Report({ subject }) {
  const report = useLoad(() => callOnce("getReport", { path: { dataset_id: subject.id } }), [subject.id, subject.version]);
  if (report.error) return html`<${Failure} error=${report.error} onRetry=${report.reload} />`;
  if (!report.data) return html`<${Loading} />`;
  const { summary, reasoning, recommendations, author, created_at: createdAt } = report.data;
  return html`<article class="report">
    <p class="soft row">
      <span>${text.report.author(author)} ${moment(createdAt)}</span>
      <button onClick=${() => print()}>${text.report.print}</button>
    </p>
    <h2>${text.report.summary}</h2>
    <${Markdown} source=${summary} />
    <h2>${text.report.reasoning}</h2>
    <${Markdown} source=${reasoning} />
    <h2>${text.report.recommendations}</h2>
    <${Markdown} source=${recommendations} />
  </article>`;
}
