/** Streams: the user's subscriptions, how each is, and for an OEM's administrators who may subscribe to what. */
import { html, useState } from "../html.js";
import { FEED_NAME } from "../feed.js";
import { showDuration, showNumber } from "../format.js";
import { goTo, linkTo } from "../router.js";
import { get, getSession } from "../session.js";
import { Empty, Heading, Pending, State, Table, Tabs, useResource } from "../ui.js";
import { AccessRules } from "./stream_rules.js";
import { StreamForm } from "./stream_form.js";

const REFRESH_MS = 3_000;
const TABS = [{ id: "streams", name: "Subscriptions" }, { id: "rules", name: "Access rules" }];

/** @param {{query: URLSearchParams}} props */
export function Streams({ query }) {
  const isStaff = getSession()?.role.startsWith("OEM::");
  const tab = query.get("tab") === "rules" && isStaff ? "rules" : "streams";
  const [making, setMaking] = useState(false);
  const body = tab === "rules" ? html`<${AccessRules} />` : html`<${List} onMake=${() => setMaking(true)} />`;
  return html`<${Heading} title="Streams" lead="What is subscribed to, and how far it is read.">
      <button class="primary" onClick=${() => setMaking(true)}>New subscription</button>
    <//>
    ${isStaff ? html`<${Tabs} label="Subscriptions and access rules" tabs=${TABS} chosen=${tab} onChoose=${(/** @type {string} */ id) => goTo(linkTo(["streams"], { tab: id }), true)}>${body}<//>` : body}
    ${making && html`<${StreamForm} onClose=${() => setMaking(false)} onDone=${(/** @type {any} */ made) => goTo(linkTo(["streams", String(made.id)]))} />`}`;
}

/** A subscription's state as a kind and a word. @param {any} subscription @param {any} [status] @returns {[string, string]} */
export function stateOf(subscription, status) {
  if (subscription.is_suspended) return ["bad", "suspended"];
  const sessions = status?.sessions ?? [];
  if (sessions.some((/** @type {any} */ one) => one.is_full)) return ["busy", "slow reader"];
  if (sessions.length && sessions.every((/** @type {any} */ one) => one.observes)) return ["off", "only looked on"];
  if (sessions.length || subscription.connection_status === "Online") return ["good", "connected"];
  return ["off", "nobody connected"];
}

const COLUMNS = [
  { name: "Name", show: (/** @type {any} */ one) => html`<a href=${linkTo(["streams", String(one.id)])}>${one.name || `stream ${one.id}`}</a>` },
  { name: "Events", show: (/** @type {any} */ one) => one.subscription_type.replaceAll(",", ", ") },
  { name: "State", show: (/** @type {any} */ one) => { const [kind, words] = stateOf(one, one.status); return html`<${State} kind=${kind}>${words}<//>`; } },
  { name: "Last seq", numeric: true, show: (/** @type {any} */ one) => showNumber(Number(one.status?.newest_seq)) },
  { name: "Unread", numeric: true, show: (/** @type {any} */ one) => showNumber(one.status?.lag) },
  { name: "Loses events in", numeric: true, show: (/** @type {any} */ one) => (one.status?.lag ? showDuration(one.status.loss_in_s) : "–") },
  { name: "Gaps", numeric: true, show: (/** @type {any} */ one) => showNumber(one.status?.gaps) },
];

/** @param {{onMake: () => void}} props */
function List({ onMake }) {
  const streams = useResource(async () => {
    const listed = (await get("/api/v1/subscriptions.json")).map((/** @type {any} */ wrapped) => wrapped.subscription).filter((/** @type {any} */ one) => one.name !== FEED_NAME);
    return Promise.all(listed.map(async (/** @type {any} */ one) => ({ ...one, status: await statusOf(one.id) })));
  }, [], REFRESH_MS);
  if (!streams.value) return html`<${Pending} resource=${streams} what="subscriptions" />`;
  if (!streams.value.length) return html`<${Empty} title="No subscriptions yet"><p>A subscription says which events you want; its stream key opens them.</p><button onClick=${onMake}>Make one</button><//>`;
  return html`<${Table} label="Subscriptions" columns=${COLUMNS} rows=${streams.value} keyOf=${(/** @type {any} */ one) => one.id} />`;
}

/** @param {number} id */
async function statusOf(id) {
  try {
    return (await get(`/api/v1/subscriptions/${id}/status.json`)).status;
  } catch {
    return undefined; // deleted meanwhile: the next list is without it
  }
}
