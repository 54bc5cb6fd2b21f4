// All charts of a dataset, and the charts of a column.
import { address, download } from "../api.js";
import { Chart, Legend } from "../charts/chart.js";
import { useLoad, useWidth } from "../hooks.js";
import { Failure, Loading } from "../parts.js";
import { listCharts, readChart } from "../results.js";
import { text } from "../strings.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";

/** @typedef {import("./dataset.js").Subject} Subject */
/** @typedef {import("../documents.d.ts").Graph} Graph */

const FORMATS = /** @type {const} */ (["svg", "png", "json"]);

/** @param {{ subject: Subject }} props */
export function Charts({ subject }) {
  const charts = useLoad(() => listCharts(subject), [subject.id, subject.version]);
  if (charts.error) return html`<${Failure} error=${charts.error} onRetry=${charts.reload} />`;
  if (!charts.data) return html`<${Loading} />`;
  if (!charts.data.length) return html`<p class="soft">${text.charts.none}</p>`;
  const save = () =>
    download("getGraphsZip", { dataset_id: subject.id }, { format: "png", version: subject.version }, "charts.zip");
  return html`<div class="row">
      <${Legend} />
      <button onClick=${save}>${text.charts.all}</button>
    </div>
    <div class="gallery">
      ${charts.data.map((graph) => html`<${ChartCard} key=${graph.graph_id} subject=${subject} graph=${graph} />`)}
    </div>`;
}

/** @param {{ subject: Subject, graph: Graph }} props */
export function ChartCard({ subject, graph }) {
  const [ref, width] = useWidth(0);
  const [isNear, setIsNear] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && setIsNear(true), { rootMargin: "300px" });
    if (ref.current) observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  const path = { dataset_id: subject.id, graph_id: graph.graph_id };
  return html`<figure class="card" ref=${ref}>
    <figcaption>${graph.title}</figcaption>
    ${isNear && width ? html`<${LoadedChart} subject=${subject} graphId=${graph.graph_id} width=${width} />` : html`<div class="empty-chart"></div>`}
    <p class="soft formats">
      ${FORMATS.map(
        (format) => html`<a
          href=${address("getGraph", path, { format, version: subject.version })}
          onClick=${(/** @type {Event} */ event) => {
            event.preventDefault();
            download("getGraph", path, { format, version: subject.version }, `${graph.graph_id}.${format}`);
          }}
          aria-label=${`${graph.title}, ${format.toUpperCase()}`}
          >${format.toUpperCase()}</a
        >`,
      )}
    </p>
  </figure>`;
}

/** @param {{ subject: Subject, graphId: string, width: number }} props */
function LoadedChart({ subject, graphId, width }) {
  const chart = useLoad(() => readChart(subject, graphId), [subject.id, subject.version, graphId]);
  if (chart.error) return html`<${Failure} error=${chart.error} onRetry=${chart.reload} />`;
  if (!chart.data) return html`<div class="empty-chart"></div>`;
  return html`<${Chart} chart=${chart.data} width=${width} />`;
}
