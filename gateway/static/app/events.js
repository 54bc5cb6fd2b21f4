// Following a preparation by server-sent events. EventSource can't send a key, so the stream is read by fetch.
import { send } from "./api.js";
import { ApiError } from "./errors.js";

/** @typedef {import("./documents.d.ts").RunEvent} RunEvent */

const ENDED = new Set(["completed", "failed", "cancelled", "proposed"]);
const RETRY_MILLISECONDS = 1_000;

/** @param {string} status */
export const isEnded = (status) => ENDED.has(status);

/**
 * Report every event of a preparation until it ends, through lost connections.
 *
 * @param {string} datasetId
 * @param {(event: RunEvent) => void} onEvent
 * @param {AbortSignal} signal
 * @returns {Promise<"ended" | "removed" | "aborted">}
 * @throws {ApiError} the service refuses
 */
export async function follow(datasetId, onEvent, signal) {
  let last = "";
  while (!signal.aborted) {
    // A run that is repeated has ended before: only the last event of a stream says that it is over.
    let hasEnded = false;
    try {
      const headers = { accept: "text/event-stream", ...(last ? { "last-event-id": last } : {}) };
      const response = await send("watchDataset", { path: { dataset_id: datasetId }, headers, signal });
      if (response.status === 204) return "ended";
      for await (const message of readMessages(response)) {
        if (message.id) last = message.id;
        if (message.event === "removed") return "removed";
        if (!message.data) continue;
        const event = /** @type {RunEvent} */ (JSON.parse(message.data));
        hasEnded = isEnded(event.status);
        onEvent(event);
      }
      if (hasEnded) return "ended";
    } catch (error) {
      if (signal.aborted) break;
      if (error instanceof ApiError && error.status !== 0 && error.status < 500) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
  }
  return "aborted";
}

/**
 * @param {Response} response
 * @returns {AsyncGenerator<{ event: string, id: string, data: string }>}
 */
async function* readMessages(response) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += decoder.decode(value, { stream: true }).replaceAll("\r\n", "\n");
    const blocks = rest.split("\n\n");
    rest = /** @type {string} */ (blocks.pop());
    for (const block of blocks) yield parseMessage(block);
  }
}

/** @param {string} block */
function parseMessage(block) {
  const message = { event: "", id: "", data: "" };
  for (const line of block.split("\n")) {
    const [name, ...parts] = line.split(":");
    const value = parts.join(":").replace(/^ /, "");
    if (name === "data") message.data += value;
    else if (name === "event" || name === "id") message[name] = value;
  }
  return message;
}
