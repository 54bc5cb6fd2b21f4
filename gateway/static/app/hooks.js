// What views share: loading documents, the address of the page, and short messages.
import { createContext, useCallback, useContext, useEffect, useRef, useState } from "./vendor/htm-preact.js";

/**
 * @template T
 * @typedef {{ data: T | undefined, error: unknown, isLoading: boolean, reload: () => void }} Loaded
 */

/**
 * Load something, again whenever what it depends on changes. What was loaded before stays until then.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {readonly unknown[]} dependencies
 * @returns {Loaded<T>}
 */
export function useLoad(load, dependencies) {
  const [state, setState] = useState(
    /** @type {{ data: T | undefined, error: unknown, isLoading: boolean }} */ ({
      data: undefined,
      error: undefined,
      isLoading: true,
    }),
  );
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    setState((before) => ({ ...before, isLoading: true }));
    load(controller.signal).then(
      (data) => controller.signal.aborted || setState({ data, error: undefined, isLoading: false }),
      (error) => controller.signal.aborted || setState({ data: undefined, error, isLoading: false }),
    );
    return () => controller.abort();
  }, [...dependencies, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return { ...state, reload };
}

/** @typedef {{ parts: string[], query: URLSearchParams }} Route */

/** @returns {Route} The place in the page: `#/dataset/<id>/table?column=age`. */
function parseRoute() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { parts: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

/** @param {string} part of an address, which people may have written */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @returns {Route} */
export function useRoute() {
  const [route, setRoute] = useState(parseRoute);
  useEffect(() => {
    const onChange = () => setRoute(parseRoute());
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return route;
}

/**
 * The link to a place in the page.
 *
 * @param {readonly string[]} parts
 * @param {Record<string, string | number | undefined>} [query]
 */
export function link(parts, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${search ? `?${search}` : ""}`;
}

/** @typedef {{ text: string, action?: string, onAction?: () => void, seconds?: number }} Toast */

/** Shows a short message at the edge of the page, such as what can be undone. */
export const ToastContext = createContext(/** @type {(toast: Toast) => void} */ (() => undefined));
export const useToast = () => useContext(ToastContext);

/**
 * The width of an element, as it changes.
 *
 * @param {number} initial
 * @returns {[import("preact").RefObject<HTMLDivElement | null>, number]}
 */
export function useWidth(initial) {
  const ref = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [width, setWidth] = useState(initial);
  useEffect(() => {
    if (!ref.current) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
