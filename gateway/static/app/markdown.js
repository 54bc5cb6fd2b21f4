// Markdown as the reports of language models use it.
import { html } from "./vendor/htm-preact.js";

/**
 * Headings, lists, paragraphs, bold and code of Markdown; anything else stays as it is written.
 *
 * @param {{ source: string }} props
 */
export function Markdown({ source }) {
  const blocks = source.replace(/^#{1,6}[ \t].*$/gm, "\n$&\n").trim().split(/\n{2,}/);
  return blocks.map((block) => {
    const lines = block.split("\n");
    const heading = /^#{1,6}\s+(.*)$/.exec(lines[0]);
    if (heading && lines.length === 1) return html`<h3>${inline(heading[1])}</h3>`;
    if (lines.every((line) => /^\s*[-*]\s+/.test(line))) return list("ul", lines, /^\s*[-*]\s+/);
    if (lines.every((line) => /^\s*\d+[.)]\s+/.test(line))) return list("ol", lines, /^\s*\d+[.)]\s+/);
    return html`<p>${inline(lines.join(" "))}</p>`;
  });
}

/** @type {(tag: string, lines: string[], mark: RegExp) => unknown} */
function list(tag, lines, mark) {
  return html`<${tag}>${lines.map((line) => html`<li>${inline(line.replace(mark, ""))}</li>`)}<//>`;
}

/** @param {string} line */
function inline(line) {
  return line.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => {
    if (part.startsWith("**") && part.length > 4) return html`<strong>${part.slice(2, -2)}</strong>`;
    if (part.startsWith("`") && part.length > 2) return html`<code>${part.slice(1, -1)}</code>`;
    return part;
  });
}
