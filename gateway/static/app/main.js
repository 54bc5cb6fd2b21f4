// The page: what the address names, the head, sign-in, and short messages.
import { call, getKey, setKey, UNAUTHORIZED } from "./api.js";
import { ApiError } from "./errors.js";
import { link, ToastContext, useLoad, useRoute } from "./hooks.js";
import { Failure, Field, Loading } from "./parts.js";
import { text } from "./strings.js";
import { html, render, useCallback, useEffect, useState } from "./vendor/htm-preact.js";
import { Dataset } from "./views/dataset.js";
import { Datasets } from "./views/datasets.js";
import { Upload } from "./views/upload.js";

/** @typedef {import("./documents.d.ts").About} About */
/** @typedef {import("./hooks.js").Toast} Toast */

const TOAST_SECONDS = 6;

function Page() {
  const route = useRoute();
  const about = useLoad((signal) => call("getRoot", { signal }), []);
  const [hasKey, setHasKey] = useState(Boolean(getKey()));
  const [toast, setToast] = useState(/** @type {Toast | undefined} */ (undefined));
  const show = useCallback((/** @type {Toast} */ next) => setToast(next), []);
  useEffect(() => {
    if (!toast) return undefined;
    const timer = setTimeout(() => setToast(undefined), (toast.seconds ?? TOAST_SECONDS) * 1000);
    return () => clearTimeout(timer);
  }, [toast]);
  const signOut = () => {
    setKey("");
    location.reload(); // so that nothing that the key has read stays
  };
  useEffect(() => {
    addEventListener(UNAUTHORIZED, signOut);
    return () => removeEventListener(UNAUTHORIZED, signOut);
  }, []);
  const needsKey = about.data?.auth_mode === "token" && !hasKey;
  return html`<${ToastContext.Provider} value=${show}>
    <a class="skip" href="#main" onClick=${focusMain}>${text.skip}</a>
    <header class="top">
      <a class="brand" href=${link([])}><img src="icon.svg" alt="" width="28" height="28" />${text.name}</a>
      <nav aria-label=${text.menu}>
        <a href=${link([])}>${text.datasets}</a>
        ${about.data?.docs ? html`<a href=${`..${about.data.docs}`}>${text.api}</a>` : null}
        ${hasKey ? html`<button class="plain" onClick=${signOut}>${text.signOut}</button>` : null}
      </nav>
    </header>
    <main id="main" tabindex="-1">
      ${about.error ? html`<${Failure} error=${about.error} onRetry=${about.reload} />` : null}
      ${needsKey ? html`<${SignIn} onKey=${() => setHasKey(true)} />` : null}
      ${about.data && !needsKey ? html`<${Place} route=${route} about=${about.data} />` : null}
      ${about.isLoading && !about.data ? html`<${Loading} />` : null}
    </main>
    <div class="toasts" role="status" aria-live="polite">
      ${toast
        ? html`<div class="toast">
            <span>${toast.text}</span>
            ${toast.action
              ? html`<button
                  onClick=${() => {
                    toast.onAction?.();
                    setToast(undefined);
                  }}
                >
                  ${toast.action}
                </button>`
              : null}
          </div>`
        : null}
    </div>
  <//>`;
}

/** @param {Event} event */
function focusMain(event) {
  event.preventDefault(); // the address names a place in the page already
  document.getElementById("main")?.focus();
}

/** @param {{ route: import("./hooks.js").Route, about: About }} props */
function Place({ route, about }) {
  const [area, id] = route.parts;
  useEffect(() => {
    if (area === undefined) document.title = text.name;
  }, [area]);
  if (area === undefined) return html`<${Home} mostBytes=${about.max_upload_bytes} />`;
  if (area === "dataset" && id) return html`<${Dataset} key=${id} datasetId=${id} route=${route} />`;
  return html`<p>${text.notFound}</p>`;
}

/** @param {{ mostBytes: number }} props */
function Home({ mostBytes }) {
  const [turn, setTurn] = useState(0);
  const onAccepted = useCallback(() => setTurn((before) => before + 1), []);
  return html`<h1 class="lead">${text.lead}</h1>
    <${Upload} mostBytes=${mostBytes} onAccepted=${onAccepted} onPrepared=${open} />
    <${Datasets} turn=${turn} />`;
}

/** Open a dataset that has just been prepared, unless others are still on their way. */
function open(/** @type {string} */ datasetId) {
  const isAlone = document.querySelectorAll(".uploads > li").length === 1;
  if (isAlone && !location.hash.replace(/^#\/?/, "")) location.hash = link(["dataset", datasetId]);
}

/** @param {{ onKey: () => void }} props */
function SignIn({ onKey }) {
  const [key, setText] = useState("");
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  const onSubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await call("listDatasets", { query: { page_size: 1 }, headers: { authorization: `Bearer ${key.trim()}` } });
      setKey(key.trim());
      onKey();
    } catch (problem) {
      setError(problem instanceof ApiError ? problem : new ApiError(0, "", ""));
    }
  };
  return html`<form class="card narrow" onSubmit=${onSubmit}>
    <h1>${text.signIn.title}</h1>
    <p>${text.signIn.lead}</p>
    ${error ? html`<${Failure} error=${error} />` : null}
    <${Field} label=${text.signIn.label}>
      <input
        type="password"
        required
        autocomplete="off"
        value=${key}
        onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)}
      />
    <//>
    <button class="main">${text.signIn.button}</button>
  </form>`;
}

render(html`<${Page} />`, document.body);
