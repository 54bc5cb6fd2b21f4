// Comments on the dataset, its steps, columns and cells, with which people review a table together.
import { call } from "../api.js";
import { count, moment } from "../format.js";
import { useToast } from "../hooks.js";
import { errorText } from "../parts.js";
import { text } from "../strings.js";
import { html, useState } from "../vendor/htm-preact.js";

/** @typedef {import("./dataset.js").Subject} Subject */
/** @typedef {import("../documents.d.ts").Comment} Comment */
/** @typedef {{ step?: number, column?: string, row?: number }} About */

const LONGEST = 4000;

/**
 * The comments that are about exactly this.
 *
 * @param {readonly Comment[]} comments
 * @param {About} about
 */
export const commentsOn = (comments, { step, column, row }) =>
  comments.filter(
    (comment) =>
      (comment.step ?? undefined) === step && (comment.column ?? undefined) === column && (comment.row ?? undefined) === row,
  );

/**
 * All comments: open ones first, each with a link to what it is about.
 *
 * @param {{ subject: Subject }} props
 */
export function Comments({ subject }) {
  const open = subject.comments.filter((comment) => !comment.resolved_by);
  const settled = subject.comments.filter((comment) => comment.resolved_by);
  return html`<p class="soft">${text.comments.lead}</p>
    <${Form} subject=${subject} about=${{}} label=${text.comments.onDataset} />
    <h2>${text.comments.open}</h2>
    ${open.length ? html`<${List} subject=${subject} comments=${open} hasLinks=${true} />` : html`<p class="soft">${text.comments.none}</p>`}
    ${settled.length
      ? html`<h2>${text.comments.settled}</h2>
          <${List} subject=${subject} comments=${settled} hasLinks=${true} />`
      : null}`;
}

/**
 * The comments on one thing, and a form for another.
 *
 * @param {{ subject: Subject, about: About, label: string }} props
 */
export function Thread({ subject, about, label }) {
  const comments = commentsOn(subject.comments, about);
  return html`<section class="thread">
    <h3>${text.comments.title}${comments.length ? html` <small class="soft">${count(comments.length)}</small>` : null}</h3>
    ${comments.length ? html`<${List} subject=${subject} comments=${comments} hasLinks=${false} />` : null}
    <${Form} subject=${subject} about=${about} label=${label} />
  </section>`;
}

/** @param {{ subject: Subject, comments: readonly Comment[], hasLinks: boolean }} props */
function List({ subject, comments, hasLinks }) {
  const toast = useToast();
  const change = async (/** @type {() => Promise<unknown>} */ act) => {
    try {
      await act();
    } catch (error) {
      toast({ text: errorText(error) });
    }
    subject.onCommented();
  };
  return html`<ul class="comments">
    ${comments.map((comment) => {
      const path = { dataset_id: subject.id, comment_id: comment.comment_id };
      const settle = () => change(() => call("resolveComment", { path, body: { resolved: !comment.resolved_by } }));
      const remove = () => change(() => call("deleteComment", { path }));
      return html`<li key=${comment.comment_id} class=${comment.resolved_by ? "settled" : ""}>
        <p class="soft">
          <strong>${comment.author}</strong>, ${moment(comment.created_at)}
          ${hasLinks && comment.version && isAbout(comment) ? html`, <a href=${placeOf(subject, comment)}>${nameOf(comment)}</a>` : null}
          ${comment.step && comment.version !== subject.version ? html`, ${text.comments.ofVersion(comment.version)}` : null}
        </p>
        <p class="said">${comment.text}</p>
        <p class="row">
          ${comment.resolved_by
            ? html`<span class="soft">${text.comments.settledBy(comment.resolved_by, moment(comment.resolved_at))}</span>`
            : null}
          <button class="small" onClick=${settle}>${comment.resolved_by ? text.comments.reopen : text.comments.settle}</button>
          <button class="small" onClick=${remove}>${text.comments.remove}</button>
        </p>
      </li>`;
    })}
  </ul>`;
}

/** @param {Comment} comment */
const isAbout = (comment) => comment.step !== null || comment.column !== null;

/** @param {Comment} comment */
function nameOf({ step, column, row }) {
  if (step !== null) return text.comments.step(step);
  return row === null ? (column ?? "") : text.comments.cell(column ?? "", count(row));
}

/**
 * @param {Subject} subject
 * @param {Comment} comment
 */
function placeOf(subject, { step, column, row, version }) {
  // The steps of another version may be others.
  if (step !== null) return subject.linkTo("steps", version === subject.version ? { step } : { step, version });
  return row === null ? subject.linkTo("columns", { column: column ?? "" }) : subject.linkTo("table", { row, column: column ?? "" });
}

/** @param {{ subject: Subject, about: About, label: string }} props */
function Form({ subject, about, label }) {
  const [written, setWritten] = useState("");
  const [isSending, setIsSending] = useState(false);
  const toast = useToast();
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setIsSending(true);
    try {
      await call("createComment", { path: { dataset_id: subject.id }, body: { text: written, ...about } });
      setWritten("");
      subject.onCommented();
    } catch (error) {
      toast({ text: errorText(error) });
    }
    setIsSending(false);
  };
  return html`<form class="comment" onSubmit=${send}>
    <label class="field">
      <span>${label}</span>
      <textarea
        rows="2"
        maxlength=${LONGEST}
        value=${written}
        onInput=${(/** @type {any} */ event) => setWritten(event.currentTarget.value)}
      ></textarea>
    </label>
    <button disabled=${!written.trim() || isSending}>${text.comments.send}</button>
  </form>`;
}
