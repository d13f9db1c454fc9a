/** A property's datapoints: numbers and switches as a plot, everything as a table, the newest first. */
import { html, useMemo } from "../html.js";
import { useFeed } from "../feed.js";
import { showCount, showValue } from "../format.js";
import { Plot } from "../plot.js";
import { goTo, linkTo } from "../router.js";
import { get } from "../session.js";
import { Empty, Pending, Table, Time, useResource } from "../ui.js";
import { Content, isAddress } from "./twin_content.js";

const LIMIT = 500;
const SHOWN = 100;
const PLOTTED = ["boolean", "integer", "decimal"];

/** @param {{dsn: string, properties: any[], query: URLSearchParams}} props */
export function History({ dsn, properties, query }) {
  const wanted = properties.find(({ name }) => name === query.get("property"));
  const property = wanted ?? properties.find(({ base_type }) => PLOTTED.includes(base_type)) ?? properties[0];
  if (!property) return html`<${Empty} title="No properties"><p>This twin has none, so it has no history.</p><//>`;
  const choose = (/** @type {any} */ event) => goTo(linkTo(["twins", dsn], { tab: "history", property: event.target.value }), true);
  return html`<div class="row"><label for="history-property">Property</label>
      <select id="history-property" value=${property.name} onChange=${choose}>${properties.map(({ name }) => html`<option value=${name}>${name}</option>`)}</select></div>
    <${Datapoints} key=${property.name} dsn=${dsn} property=${property} />`;
}

/** @param {{dsn: string, property: any}} props */
function Datapoints({ dsn, property }) {
  const path = `/apiv1/dsns/${encodeURIComponent(dsn)}/properties/${encodeURIComponent(property.name)}/datapoints.json?limit=${LIMIT}`;
  const points = useResource(async () => (await get(path)).map((/** @type {any} */ wrapped) => wrapped.datapoint), [path]);
  useFeed(({ event: { metadata } }) => {
    if (metadata.dsn === dsn && metadata.property_name === property.name) points.reload();
  });
  const [times, values, newest] = useMemo(() => {
    const inOrder = /** @type {any[]} */ (points.value ?? []);
    return [inOrder.map(({ created_at }) => Date.parse(created_at) / 1000), inOrder.map(({ value }) => Number(value)), inOrder.slice(-SHOWN).reverse()];
  }, [points.value]);
  if (!points.value) return html`<${Pending} resource=${points} what="its history" />`;
  if (!points.value.length) return html`<${Empty} title="No datapoints yet"><p>They appear here as they come, for as long as the server keeps them.</p><//>`;
  const plotted = PLOTTED.includes(property.base_type) && times.length > 1;
  const columns = [
    { name: "Time", show: (/** @type {any} */ point) => html`<${Time} at=${point.created_at} />` },
    { name: "Value", show: (/** @type {any} */ point) => (isAddress(point.value) ? html`<${Content} value=${point.value} name=${property.name} />` : html`<span class="text">${showValue(point.value, property.base_type)}</span>`) },
    { name: "From", show: (/** @type {any} */ point) => (point.echo ? "device (echo)" : point.created_at_from_device || property.direction === "output" ? "device" : "user") },
    ...(property.ack_enabled ? [{ name: "Acknowledged", show: (/** @type {any} */ point) => (point.acked_at ? html`${point.ack_status === 200 ? "yes" : `refused (${point.ack_status})`}, <${Time} at=${point.acked_at} />` : "–") }] : []),
  ];
  const stepped = property.base_type === "boolean";
  const summary = `${showCount(points.value.length, "datapoint")}, the newest ${showValue(property.value, property.base_type)}`;
  return html`${plotted && html`<div class="panel"><${Plot} label=${property.name} times=${times} lines=${[{ label: property.name, values, stepped, fill: true }]} isFromZero=${stepped} words=${stepped ? ["off", "on"] : null} summary=${summary} /></div>`}
    <${Table} label=${`Datapoints of ${property.name}`} columns=${columns} rows=${newest} keyOf=${(/** @type {any} */ point) => point.id} />
    ${points.value.length > SHOWN && html`<p class="hint">The newest ${SHOWN} of ${points.value.length} that the plot shows.</p>`}`;
}
