/** What else there is to a twin: when it was connected, its attributes. */
import { html } from "../html.js";
import { get } from "../session.js";
import { Empty, Pending, Presence, Table, Time, useResource } from "../ui.js";

/** @param {{dsn: string, status: string}} props `status` makes it load again when it changes */
export function Connections({ dsn, status }) {
  const history = useResource(async () => (await get(`/apiv1/dsns/${encodeURIComponent(dsn)}/connection_history.json`)).map((/** @type {any} */ wrapped) => wrapped.connection), [dsn, status]);
  if (!history.value) return html`<${Pending} resource=${history} what="its connections" />`;
  if (!history.value.length) return html`<${Empty} title="No comings and goings yet"><p>They are listed here from the day that it became yours.</p><//>`;
  const columns = [
    { name: "Time", show: (/** @type {any} */ change) => html`<${Time} at=${change.event_time} />` },
    { name: "Became", show: (/** @type {any} */ change) => html`<${Presence} status=${change.status} />` },
  ];
  return html`<${Table} label="Connection history" columns=${columns} rows=${history.value} keyOf=${(/** @type {any} */ change) => change.id} />`;
}

/** @param {{twin: any}} props */
export const Attributes = ({ twin }) => html`<div class="panel"><dl class="facts">${Object.entries(twin)
  .filter(([, value]) => value !== null && value !== "")
  .map(([name, value]) => html`<dt>${name}</dt><dd><code>${String(value)}</code></dd>`)}</dl></div>`;
