/**
 * Overview: how many devices and sessions there are, how fast events come and go, and who is about to lose some.
 * Rates are collected while this view is open, and kept until the user signs out.
 */
import { html, useEffect, useState } from "../html.js";
import { FEED_NAME } from "../feed.js";
import { showCount, showDuration, showNumber } from "../format.js";
import { Plot } from "../plot.js";
import { linkTo } from "../router.js";
import { ApiError, get, onSession } from "../session.js";
import { Empty, Failure, Heading, Pending, State, Table, Tile, useResource } from "../ui.js";
import { stateOf } from "./streams.js";

/** @typedef {{at: number, in: number | null, out: number | null}} Sample `at` in seconds since 1970, rates per second */

const REFRESH_MS = 2_000;
/** Ten minutes. */
const KEPT = 300;
/** Two answers further apart than this have a hole between them: the view was closed or the server away. */
const HOLE_S = 10;
/** Two answers nearer than this, as when the view was just opened again, say nothing of a rate. */
const LEAST_S = 1;
/** Less than this before a loss is marked. */
const SOON_S = 3_600;
const URGENT_S = 600;
/** A reader answers every 30 s: what is unread for less than this says nothing of its speed. */
const FRESH_S = 90;

/** @type {Sample[]} */
let samples = [];
/** @type {Map<string, number>} how far each session was at the last answer */
let places = new Map();

onSession(() => {
  samples = [];
  places = new Map();
});

export function Overview() {
  const overview = useResource(async () => collect((await get("/api/v1/overview")).overview), [], REFRESH_MS);
  const own = useOwn(overview.value);
  const isAway = overview.error instanceof ApiError && (overview.error.status === 0 || overview.error.status >= 500);
  const state = html`<${State} kind=${overview.error ? "busy" : overview.value ? "good" : "off"}>${isAway ? "reconnecting" : overview.error ? "not up to date" : overview.value ? "up to date" : "loading"}<//>`;
  if (!overview.value) {
    return html`<${Heading} title="Overview">${isAway && state}<//>${isAway ? html`<p class="wait">${overview.error?.message} It is asked again every few seconds.</p>` : html`<${Pending} resource=${overview} what="the overview" />`}`;
  }
  const { scope, devices, sessions, subscriptions } = overview.value;
  const ranked = rank(subscriptions);
  const isOem = scope === "oem";
  const now = samples.at(-1);
  return html`<${Heading} title="Overview" lead=${isOem ? "Everything of the OEM." : "Your devices and streams."}><span role="status">${state}</span><//>
    ${!isAway && html`<${Failure} error=${overview.error} />`}
    <div class="tiles">
      <${Tile} name="Devices online" value=${showNumber(devices.online)} note=${`of ${showNumber(devices.total)}`} />
      <${Tile} name="Sessions" value=${showNumber(sessions)} note=${showCount(ranked.length, "subscription")} />
      ${isOem && html`<${Tile} name="Events in" value=${showNumber(now?.in)} note="stored per second" />`}
      <${Tile} name="Events out" value=${showNumber(now?.out)} note="sent per second" />
    </div>
    ${!devices.total && html`<${Empty} title="No devices yet"><p>${isOem ? html`Make them with <code>twinstream admin device add</code>, or a whole fleet with <code>twinstream simulate</code>.` : html`<a href="/api">Register one</a>, or have one shared with you.`}</p><//>`}
    <section class="panel"><h2>Events per second</h2><div class="rates"><${Rates} isOem=${isOem} /></div></section>
    <section class="panel"><h2>Subscribers</h2><p class="hint">Whoever loses events first comes first.</p><${Subscribers} ranked=${ranked} own=${own} /></section>`;
}

/** Note the rates of an answer. @param {any} overview */
function collect(overview) {
  const at = Date.now() / 1000;
  const elapsed = at - (samples.at(-1)?.at ?? 0);
  if (elapsed < LEAST_S) return overview;
  const isFirst = elapsed > HOLE_S;
  let sent = 0;
  const next = new Map();
  for (const { standing } of overview.subscriptions) {
    for (const { id, seq } of standing.sessions) {
      next.set(id, Number(seq));
      // one that goes back replays: what it sent meanwhile cannot be told
      sent += Math.max(0, Number(seq) - (places.get(id) ?? Number(seq)));
    }
  }
  places = next;
  if (isFirst && samples.length) samples.push({ at: at - 1, in: null, out: null });
  samples = [...samples.slice(-KEPT), { at, in: overview.events_per_s, out: isFirst ? null : sent / elapsed }];
  return overview;
}

/** @param {{isOem: boolean}} props */
function Rates({ isOem }) {
  if (samples.length < 3) return html`<p class="quiet">Collecting: a line appears in a few seconds.</p>`;
  const lines = [{ label: "out", colour: "second", values: samples.map((sample) => sample.out) }];
  if (isOem) lines.unshift({ label: "in", colour: "accent", values: samples.map((sample) => sample.in) });
  const now = /** @type {Sample} */ (samples.at(-1));
  const summary = `${isOem ? `${showNumber(now.in)} in, ` : ""}${showNumber(now.out)} out at present`;
  return html`<${Plot} label="Events per second" times=${samples.map(({ at }) => at)} lines=${lines} height=${200} summary=${summary} />`;
}

/** Whoever loses events soon comes first; those that keep up keep their places, by name. @param {any[]} subscriptions */
function rank(subscriptions) {
  const urgency = (/** @type {any} */ { standing }) => {
    const unread_s = standing.unread_since ? (Date.now() - Date.parse(standing.unread_since)) / 1000 : 0;
    if (standing.loss_in_s === null || (unread_s < FRESH_S && standing.loss_in_s > SOON_S)) return Infinity;
    return standing.loss_in_s;
  };
  return subscriptions
    .filter(({ name }) => name !== FEED_NAME)
    .map((subscription) => ({ subscription, urgency: urgency(subscription) }))
    .sort((a, b) => (a.urgency === b.urgency ? nameOf(a.subscription).localeCompare(nameOf(b.subscription)) || a.subscription.id - b.subscription.id : a.urgency - b.urgency))
    .map(({ subscription }) => subscription);
}

/** @param {any} one */
const nameOf = (one) => one.name || `stream ${one.id}`;

/** Which of the subscriptions are the user's own: only those have a page. @param {any} overview @returns {Set<number>} */
function useOwn(overview) {
  const ids = overview?.subscriptions.map((/** @type {any} */ one) => one.id).sort().join();
  const [own, setOwn] = useState(/** @type {Set<number>} */ (new Set()));
  useEffect(() => {
    if (!ids) return;
    get("/api/v1/subscriptions.json").then(
      (listed) => setOwn(new Set(listed.map((/** @type {any} */ wrapped) => wrapped.subscription.id))),
      () => {}, // they stay without links
    );
  }, [ids]);
  return own;
}

/** @param {{ranked: any[], own: Set<number>}} props */
function Subscribers({ ranked, own }) {
  if (!ranked.length) return html`<${Empty} title="Nobody subscribes yet"><p><a href="#/streams">Make a subscription</a>: it says which events you want, and its stream key opens them.</p><//>`;
  const columns = [
    { name: "Name", show: (/** @type {any} */ one) => (own.has(one.id) ? html`<a href=${linkTo(["streams", String(one.id)])}>${nameOf(one)}</a>` : nameOf(one)) },
    { name: "Events", show: (/** @type {any} */ one) => one.subscription_type.replaceAll(",", ", ") },
    { name: "State", show: (/** @type {any} */ { standing }) => { const [kind, words] = stateOf(standing, standing); return html`<${State} kind=${kind}>${words}<//>`; } },
    { name: "Sessions", numeric: true, show: (/** @type {any} */ { standing }) => showNumber(standing.sessions.length) },
    { name: "Unread", numeric: true, show: (/** @type {any} */ { standing }) => showNumber(standing.lag) },
    { name: "Gaps", numeric: true, show: (/** @type {any} */ { standing }) => showNumber(standing.gaps) },
    { name: "Loses events in", numeric: true, show: (/** @type {any} */ { standing }) => html`<${Loss} standing=${standing} />` },
  ];
  return html`<${Table} label="Subscribers" columns=${columns} rows=${ranked} keyOf=${(/** @type {any} */ one) => one.id} />`;
}

/** How long until retention reaches what is unread. @param {{standing: any}} props */
function Loss({ standing: { lag, loss_in_s: loss_s } }) {
  if (!lag || loss_s === null) return "–";
  if (loss_s > SOON_S) return showDuration(loss_s);
  return html`<${State} kind=${loss_s > URGENT_S ? "busy" : "bad"}>${loss_s > 0 ? showDuration(loss_s) : "any moment"}<//>`;
}
