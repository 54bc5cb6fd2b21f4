// Calls of the REST interface, the same that every other program uses.
import { ApiError, toError } from "./errors.js";
import { OPERATIONS } from "./operations.js";

/** @typedef {import("./documents.d.ts").Operations} Operations */
/** @typedef {string | number | boolean | null | undefined | readonly string[]} QueryValue */
/**
 * @template {keyof Operations} O
 * @typedef {{
 *   path?: Record<string, string>,
 *   query?: Operations[O]["query"],
 *   body?: Operations[O]["body"],
 *   headers?: Record<string, string>,
 *   signal?: AbortSignal,
 *   keepalive?: boolean,
 * }} CallOptions
 */

/** Where the gateway is: the page is in a folder of it. */
const ROOT = new URL("../", document.baseURI);
const KEY_NAME = "neuralearn.key";
/** The event of the window when the service refuses the key of this tab. */
export const UNAUTHORIZED = "neuralearn-unauthorized";

/** @returns {string} The token or API key of this tab; empty without. */
export const getKey = () => sessionStorage.getItem(KEY_NAME) ?? "";

/** @param {string} key */
export function setKey(key) {
  if (key) sessionStorage.setItem(KEY_NAME, key);
  else sessionStorage.removeItem(KEY_NAME);
}

/** @returns {Record<string, string>} */
export function credentials() {
  const key = getKey();
  return key ? { authorization: `Bearer ${key}` } : {};
}

/**
 * The address of an operation.
 *
 * @template {keyof Operations} O
 * @param {O} operation
 * @param {Record<string, string>} [path]
 * @param {Operations[O]["query"]} [query]
 */
export function address(operation, path = {}, query) {
  const [, template] = OPERATIONS[operation];
  const filled = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path[name] ?? ""));
  const url = new URL(filled.slice(1), ROOT);
  for (const [name, value] of Object.entries(query ?? {})) {
    const values = /** @type {QueryValue[]} */ (Array.isArray(value) ? value : [value]);
    for (const part of values) {
      if (part !== undefined && part !== null && part !== "") url.searchParams.append(name, String(part));
    }
  }
  return url.href;
}

/**
 * Call an operation and return the document that it answers.
 *
 * @template {keyof Operations} O
 * @param {O} operation
 * @param {CallOptions<O>} [options]
 * @returns {Promise<Operations[O]["answer"]>}
 * @throws {ApiError}
 */
export async function call(operation, options = {}) {
  const response = await send(operation, options);
  const text = response.status === 204 ? "" : await response.text();
  return text ? JSON.parse(text) : undefined;
}

/**
 * Call an operation and return its response as it comes.
 *
 * @template {keyof Operations} O
 * @param {O} operation
 * @param {CallOptions<O>} [options]
 * @throws {ApiError}
 */
export async function send(operation, { path, query, body, headers, signal, keepalive } = {}) {
  const [method] = OPERATIONS[operation];
  const json = /** @type {Record<string, string>} */ (body === undefined ? {} : { "content-type": "application/json" });
  let response;
  try {
    response = await fetch(address(operation, path, query), {
      method,
      headers: { accept: "application/json", ...credentials(), ...json, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      keepalive,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "NO_CONNECTION", "");
  }
  if (response.status === 401 && getKey()) dispatchEvent(new Event(UNAUTHORIZED));
  if (!response.ok) throw toError(response.status, await response.text());
  return response;
}

/** @type {Map<string, Promise<any>>} */
const answers = new Map();
const MOST_ANSWERS = 500;

/**
 * Call an operation whose answer never changes, as those of one version of the results, and keep the answer.
 *
 * @template {keyof Operations} O
 * @param {O} operation
 * @param {CallOptions<O>} options
 * @returns {Promise<Operations[O]["answer"]>}
 */
export function callOnce(operation, options) {
  const key = address(operation, options.path, options.query);
  let answer = answers.get(key);
  if (!answer) {
    answer = call(operation, { ...options, signal: undefined });
    answers.set(key, answer);
    answer.catch(() => answers.delete(key));
    if (answers.size > MOST_ANSWERS) answers.delete(/** @type {string} */ (answers.keys().next().value));
  }
  return answer;
}

/**
 * All entries of a list, page by page.
 *
 * @template {"listCleaningLogs" | "listOutlierLogs" | "listFeatureLogs" | "listGraphs" | "listVersions" | "listComments"} O
 * @param {O} operation
 * @param {CallOptions<O>} options
 * @returns {Promise<Operations[O]["answer"][]>}
 */
export async function callPages(operation, options) {
  const pages = [];
  let token = "";
  do {
    const query = { ...options.query, page_size: 1000, ...(token ? { page_token: token } : {}) };
    const page = await call(operation, { ...options, query });
    pages.push(page);
    token = page.next_page_token ?? "";
  } while (token);
  return pages;
}

/**
 * Save what an operation answers as a file.
 *
 * @template {keyof Operations} O
 * @param {O} operation
 * @param {Record<string, string>} path
 * @param {Operations[O]["query"]} query
 * @param {string} name
 */
export async function download(operation, path, query, name) {
  const link = document.createElement("a");
  link.download = name;
  if (getKey()) {
    // A link can't send a key.
    const response = await send(operation, { path, query, headers: { accept: "*/*" } });
    link.href = URL.createObjectURL(await response.blob());
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } else {
    link.href = address(operation, path, query);
  }
  link.click();
}
