/** One twin: its properties, set and seen; their history; where it is; when it was connected. */
import { html, useCallback, useRef, useState } from "../html.js";
import { useFeed } from "../feed.js";
import { goTo, linkTo } from "../router.js";
import { ApiError, call, get } from "../session.js";
import { Empty, Failure, Heading, Pending, Presence, Tabs, Time, useResource } from "../ui.js";
import { Attributes, Connections } from "./twin_facts.js";
import { History } from "./twin_history.js";
import { Location } from "./twin_map.js";
import { PropertyRow } from "./twin_property.js";

/** @typedef {{state: "pending" | "acknowledged" | "refused" | "sent" | "failed", id?: string, why?: string}} Outcome */

const TABS = [
  { id: "properties", name: "Properties" },
  { id: "history", name: "History" },
  { id: "location", name: "Location" },
  { id: "connections", name: "Connections" },
  { id: "attributes", name: "Attributes" },
];

/** @param {{id: string, query: URLSearchParams}} props */
export function Twin({ id: dsn, query }) {
  const path = `/apiv1/dsns/${encodeURIComponent(dsn)}`;
  const twin = useResource(async () => (await get(`${path}.json`)).device, [dsn]);
  const listed = useResource(async () => (await get(`${path}/properties.json`)).map((/** @type {any} */ wrapped) => wrapped.property), [dsn]);
  const [outcomes, setOutcomes] = useState(/** @type {Record<string, Outcome>} */ ({}));
  const [news, setNews] = useState(/** @type {Record<string, any>} */ ({}));
  const early = useRef(new Map());

  const settle = useCallback((/** @type {string} */ name, /** @type {string} */ id, /** @type {Outcome} */ outcome) => {
    early.current.set(id, outcome);
    if (early.current.size > 200) early.current.delete(early.current.keys().next().value);
    setOutcomes((old) => (old[name]?.id === id ? { ...old, [name]: outcome } : old));
  }, []);

  useFeed(({ event }) => {
    const { metadata, datapoint } = event;
    if (metadata.dsn !== dsn) return;
    const name = metadata.property_name;
    if (metadata.event_type === "datapoint") {
      setNews((old) => ({ ...old, [name]: datapoint }));
      if (datapoint.echo) setOutcomes((old) => (old[name]?.state === "sent" ? { ...old, [name]: { state: "acknowledged" } } : old));
      else if (listed.value?.some((/** @type {any} */ one) => one.name === name && one.ack_enabled && one.direction === "input")) {
        setOutcomes((old) => (old[name]?.id === datapoint.id ? old : { ...old, [name]: early.current.get(datapoint.id) ?? { state: "pending", id: datapoint.id } }));
      }
    } else if (metadata.event_type === "datapointack") settle(name, datapoint.id, readAnswer(datapoint));
    else {
      twin.reload();
      if (!listed.value) listed.reload();
    }
  });

  const set = async (/** @type {any} */ property, /** @type {unknown} */ value) => {
    const name = property.name;
    setOutcomes((old) => ({ ...old, [name]: { state: "pending" } }));
    try {
      const { datapoint } = await call("POST", `${path}/properties/${encodeURIComponent(name)}/datapoints.json`, { datapoint: { value } });
      const waits = property.ack_enabled ? "pending" : "sent";
      setOutcomes((old) => ({ ...old, [name]: early.current.get(datapoint.id) ?? { state: waits, id: datapoint.id } }));
      setNews((old) => ({ ...old, [name]: datapoint }));
    } catch (error) {
      setOutcomes((old) => ({ ...old, [name]: { state: "failed", why: /** @type {Error} */ (error).message } }));
    }
  };

  if (isGone(twin)) {
    return html`<nav class="trail" aria-label="Where you are"><a href="#/twins">Twins</a></nav><${Heading} title=${dsn} />
      <${Empty} title="There is no such twin, or it is not yours"><p>If it was unregistered, it comes back here by itself once you register it again.</p><//>`;
  }
  if (!twin.value || !listed.value) {
    return html`<${Heading} title=${dsn} /><${Pending} resource=${twin.error ? twin : listed} what="the twin" />`;
  }
  const properties = listed.value.map((/** @type {any} */ property) => fold(property, news[property.name]));
  const tab = TABS.some(({ id }) => id === query.get("tab")) ? /** @type {string} */ (query.get("tab")) : "properties";
  const choose = (/** @type {string} */ next) => goTo(linkTo(["twins", dsn], { ...Object.fromEntries(query), tab: next }), true);
  return html`<nav class="trail" aria-label="Where you are"><a href="#/twins">Twins</a></nav>
    <${Heading} title=${twin.value.product_name}>
      <${Presence} status=${twin.value.connection_status} />${twin.value.connected_at && html`<span class="quiet">${twin.value.connection_status === "Online" ? "since" : "last connected"} <${Time} at=${twin.value.connected_at} /></span>`}
    <//>
    <${Failure} error=${twin.error} retry=${twin.reload} />
    <p class="quiet"><code>${dsn}</code> · ${twin.value.oem_model}</p>
    <${Tabs} label="Parts of the twin" tabs=${TABS} chosen=${tab} onChoose=${choose}>
      ${tab === "properties" && html`<ul class="properties">${properties.map((/** @type {any} */ property) => html`<${PropertyRow} key=${property.name} dsn=${dsn} property=${property} outcome=${outcomes[property.name] ?? lastOutcome(property)} onSet=${set} />`)}</ul>`}
      ${tab === "history" && html`<${History} dsn=${dsn} properties=${properties} query=${query} />`}
      ${tab === "location" && html`<${Location} dsn=${dsn} twin=${twin.value} />`}
      ${tab === "connections" && html`<${Connections} dsn=${dsn} status=${twin.value.connection_status} />`}
      ${tab === "attributes" && html`<${Attributes} twin=${twin.value} />`}
    <//>`;
}

/** @param {{error: Error | null}} twin */
const isGone = ({ error }) => error instanceof ApiError && error.status === 404;

/** What the device said to a datapoint. @param {any} acked a datapoint or a property @returns {Outcome} */
function readAnswer({ id, ack_status: status, ack_message: message }) {
  return status === 200 ? { state: "acknowledged", id } : { state: "refused", id, why: `status ${status}, message ${message}` };
}

/** What became of the value that a property was listed with, if its device has answered it. @param {any} property @returns {Outcome | undefined} */
const lastOutcome = (property) => (property.ack_enabled && property.acked_at && property.acked_at >= property.data_updated_at ? readAnswer(property) : undefined);

/** Lay a newer datapoint over a property as it was listed. @param {any} property @param {any} datapoint */
function fold(property, datapoint) {
  return datapoint ? { ...property, value: datapoint.value, data_updated_at: datapoint.created_at ?? property.data_updated_at } : property;
}
