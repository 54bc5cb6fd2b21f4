// Sending files, and following each until it is prepared.
import { address, call, credentials } from "../api.js";
import { ApiError, toError } from "../errors.js";
import { follow, isEnded } from "../events.js";
import { bytes, duration } from "../format.js";
import { link, useLoad } from "../hooks.js";
import { Choice, errorText, Field, Progress } from "../parts.js";
import { text } from "../strings.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";

/** @typedef {import("../documents.d.ts").RunEvent} RunEvent */
/** @typedef {Record<string, string>} Options */
/**
 * @typedef {{
 *   id: string, name: string, source: File | string, options: Options,
 *   phase: "waiting" | "sending" | "reading" | "preparing" | "refused" | "lost",
 *   sent: number, error: string, datasetId: string, event: RunEvent | undefined,
 * }} Item
 */

const TYPES =
  /\.(csv|tsv|tab|psv|txt|dat|data|json|jsonl|ndjson|parquet|pq|arrow|feather|ipc|xlsx|xlsm|xlsb|xls|ods|gz|bz2|xz|zst|zip)$/i;
const MOST_AT_A_TIME = 2;

/**
 * Why a file would be refused; empty if it would not.
 *
 * @param {File} file
 * @param {number} most bytes
 */
function refusal(file, most) {
  if (!file.size) return text.upload.empty;
  if (file.size > most) return text.upload.tooLarge(bytes(file.size), bytes(most));
  const ending = /\.[^.]*$/.exec(file.name)?.[0] ?? "";
  return ending && !TYPES.test(file.name) ? text.upload.unknownType(ending) : "";
}

/**
 * @param {Item} item
 * @param {(part: Partial<Item>) => void} update
 * @returns {Promise<string>} the id of the dataset
 */
function sendItem(item, update) {
  const form = new FormData();
  for (const [name, value] of Object.entries(item.options)) if (value) form.append(name, value);
  if (typeof item.source === "string") form.append("dataset_url", item.source);
  else form.append("file", item.source);
  // Only XMLHttpRequest reports how much has been sent.
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) =>
      update(loaded < total ? { sent: Math.floor((100 * loaded) / total) } : { phase: "reading", sent: 100 });
    request.onerror = () => reject(new ApiError(0, "NO_CONNECTION", text.upload.lost));
    request.onload = () =>
      request.status === 200
        ? resolve(JSON.parse(request.responseText).dataset_id)
        : reject(toError(request.status, request.responseText));
    request.open("POST", address("uploadDataset"));
    for (const [name, value] of Object.entries(credentials())) request.setRequestHeader(name, value);
    request.setRequestHeader("idempotency-key", item.id);
    request.send(form);
  });
}

/** @param {{ mostBytes: number, onAccepted: () => void, onPrepared: (datasetId: string) => void }} props */
export function Upload({ mostBytes, onAccepted, onPrepared }) {
  const [items, setItems] = useState(/** @type {Item[]} */ ([]));
  const [options, setOptions] = useState(/** @type {Options} */ ({ mode: "fast", fill: "safe" }));
  const [isOver, setIsOver] = useState(false);
  const [url, setUrl] = useState("");
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const controller = useRef(new AbortController());
  useEffect(() => () => controller.current.abort(), []);

  const update = (/** @type {string} */ id, /** @type {Partial<Item>} */ part) =>
    setItems((before) => before.map((item) => (item.id === id ? { ...item, ...part } : item)));
  const add = (/** @type {(File | string)[]} */ sources) =>
    setItems((before) => [...before, ...sources.map((source) => newItem(source, options, mostBytes))]);

  const start = async (/** @type {Item} */ item) => {
    const change = (/** @type {Partial<Item>} */ part) => update(item.id, part);
    change({ phase: "sending", sent: 0 });
    try {
      const datasetId = await sendItem(item, change);
      change({ phase: "preparing", datasetId });
      onAccepted();
      let status = "";
      const onEvent = (/** @type {RunEvent} */ event) => {
        status = event.status;
        change({ event });
      };
      await follow(datasetId, onEvent, controller.current.signal);
      if (status === "completed" || status === "proposed") onPrepared(datasetId);
      onAccepted();
    } catch (error) {
      const isLost = error instanceof ApiError && (error.status === 0 || error.status === 503);
      change({ phase: isLost ? "lost" : "refused", error: isLost ? error.message || text.upload.lost : errorText(error) });
    }
  };
  useEffect(() => {
    const busy = items.filter((item) => item.phase === "sending" || item.phase === "reading").length;
    const next = items.find((item) => item.phase === "waiting");
    if (next && busy < MOST_AT_A_TIME) start(next);
  }, [items]);

  const onDrop = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setIsOver(false);
    add([...(event.dataTransfer?.files ?? [])]);
  };
  const onAddress = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (url) add([url]);
    setUrl("");
  };
  return html`<section aria-labelledby="upload-title">
    <h2 id="upload-title" class="hidden">${text.upload.title}</h2>
    <div
      class=${isOver ? "drop over" : "drop"}
      onDragOver=${(/** @type {DragEvent} */ event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave=${() => setIsOver(false)}
      onDrop=${onDrop}
    >
      <p class="big">${text.upload.drop}</p>
      <p>
        <button class="main" onClick=${() => input.current?.click()}>${text.upload.choose}</button>
        <input
          ref=${input}
          type="file"
          multiple
          class="hidden"
          tabindex="-1"
          aria-label=${text.upload.choose}
          onChange=${(/** @type {any} */ event) => {
            add([...event.currentTarget.files]);
            event.currentTarget.value = "";
          }}
        />
      </p>
      <form class="address" onSubmit=${onAddress}>
        <input
          type="url"
          required
          placeholder="https://…"
          aria-label=${text.upload.address}
          value=${url}
          onInput=${(/** @type {any} */ event) => setUrl(event.currentTarget.value)}
        />
        <button>${text.upload.fetch}</button>
      </form>
      <p class="soft">${text.upload.formats} ${text.upload.most(bytes(mostBytes))}</p>
    </div>
    <${OptionsForm} options=${options} onChange=${setOptions} />
    <ul class="uploads" aria-live="polite">
      ${items.map(
        (item) => html`<li key=${item.id}>
          <${UploadItem}
            item=${item}
            onAgain=${() => update(item.id, { phase: "waiting", error: "" })}
            onDismiss=${() => setItems((before) => before.filter((other) => other.id !== item.id))}
          />
        </li>`,
      )}
    </ul>
  </section>`;
}

/**
 * @param {File | string} source
 * @param {Options} options
 * @param {number} mostBytes
 * @returns {Item}
 */
function newItem(source, options, mostBytes) {
  const error = typeof source === "string" ? "" : refusal(source, mostBytes);
  return {
    // Makes repeats harmless: the service accepts a key once.
    id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`,
    name: typeof source === "string" ? source : source.name,
    source,
    options,
    phase: error ? "refused" : "waiting",
    sent: 0,
    error,
    datasetId: "",
    event: undefined,
  };
}

/** @param {{ item: Item, onAgain: () => void, onDismiss: () => void }} props */
function UploadItem({ item, onAgain, onDismiss }) {
  const { event } = item;
  const isDone = item.phase === "refused" || item.phase === "lost" || Boolean(event && isEnded(event.status));
  const value = item.phase === "preparing" ? (event?.progress ?? 0) : item.sent;
  return html`<strong>${item.name}</strong>
    <span class=${item.error || event?.error ? "soft error" : "soft"}>${describe(item)}</span>
    ${isDone ? null : html`<${Progress} value=${value} label=${item.name} />`}
    ${item.datasetId ? html`<a href=${link(["dataset", item.datasetId])}>${text.upload.open}</a>` : null}
    ${item.phase === "lost" ? html`<button onClick=${onAgain}>${text.upload.again}</button>` : null}
    ${isDone ? html`<button class="plain" onClick=${onDismiss} aria-label=${`${text.upload.dismiss} ${item.name}`}>×</button>` : null}`;
}

/** @param {Item} item */
function describe({ phase, sent, error, event, source }) {
  if (error) return error;
  if (phase === "waiting") return text.upload.waiting;
  if (phase === "sending") return text.upload.sending(sent);
  if (phase === "reading") return typeof source === "string" ? text.upload.fetching : text.upload.reading;
  if (!event) return text.stages.queued;
  if (event.error) return event.error.detail;
  const parts = [text.stages[event.stage] ?? event.stage];
  if (event.queue_position !== null && event.stage === "queued") parts.push(text.upload.queue(event.queue_position));
  if (event.eta_seconds !== null && !isEnded(event.status)) parts.push(text.upload.eta(duration(event.eta_seconds)));
  return parts.join(", ");
}

/** @param {{ options: Options, onChange: (options: Options) => void }} props */
function OptionsForm({ options, onChange }) {
  const usage = useLoad((signal) => call("getUsage", { signal }), []);
  const set = (/** @type {string} */ name) => (/** @type {string} */ value) => onChange({ ...options, [name]: value });
  const mode = usage.data?.modes.find((entry) => entry.mode === options.mode);
  const hint = mode && mode.remaining !== null ? text.upload.left(mode.remaining) : undefined;
  const write = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ hintText) =>
    html`<${Field} label=${label} hint=${hintText}>
      <input value=${options[name] ?? ""} onInput=${(/** @type {any} */ event) => set(name)(event.currentTarget.value)} />
    <//>`;
  const choose = (/** @type {string} */ name, /** @type {string} */ label, /** @type {any} */ words, /** @type {string | undefined} */ note) =>
    html`<${Choice} label=${label} hint=${note} value=${options[name] ?? ""} options=${words} onChange=${set(name)} />`;
  return html`<details class="options">
    <summary>${text.upload.options} <span class="soft">${text.upload.optionsHint}</span></summary>
    <div class="fields">
      ${choose("mode", text.upload.mode, text.upload.modes, hint)}
      ${write("target", text.upload.target, text.upload.targetHint)}
      ${choose("fill", text.upload.fill, text.upload.fills, undefined)}
      ${choose("outlier_strategy", text.upload.outliers, text.upload.outlierStrategies, undefined)}
      ${choose("privacy", text.upload.privacy, text.upload.privacies, undefined)}
      ${write("delimiter", text.upload.delimiter, text.upload.detected)}
      ${write("encoding", text.upload.encoding, text.upload.detected)}
      ${write("header_row", text.upload.headerRow, text.upload.detected)}
      ${write("sheet", text.upload.sheet, text.upload.detected)}
      <label class="check">
        <input
          type="checkbox"
          checked=${options.review === "true"}
          onChange=${(/** @type {any} */ event) => set("review")(event.currentTarget.checked ? "true" : "")}
        />
        ${text.upload.review}
      </label>
    </div>
  </details>`;
}
