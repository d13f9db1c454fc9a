/**
 * Why not? Whether a device's newest events are in a stream, and if not, what kept them out. Without a subscription:
 * which of the user's own get the newest such event.
 */
import { html, useEffect, useState } from "../html.js";
import { FEED_NAME } from "../feed.js";
import { goTo, linkTo } from "../router.js";
import { get } from "../session.js";
import { Empty, Failure, Field, Heading, Pending, useResource } from "../ui.js";
import { Everybody, Verdicts } from "./why_verdicts.js";

/** What is asked, as it stands in the address bar. */
const ASKED = ["subscription", "dsn", "event_type", "property_name", "datapoint"];
const TYPES = ["connectivity", "datapoint", "datapointack", "location", "registration"];
const WITH_PROPERTY = ["", "datapoint", "datapointack"];
const LIMIT = 20;
/** So many newest events are looked through for the one that another subscription was asked about. */
const DEPTH = 100;

/** @param {{query: URLSearchParams}} props */
export function Why({ query }) {
  const streams = useResource(async () => (await get("/api/v1/subscriptions.json")).map((/** @type {any} */ wrapped) => wrapped.subscription).filter((/** @type {any} */ one) => one.name !== FEED_NAME), []);
  const twins = useResource(async () => (await get("/apiv1/devices.json")).map((/** @type {any} */ wrapped) => wrapped.device), []);
  const asked = Object.fromEntries(ASKED.map((name) => [name, query.get(name) ?? ""]));
  const [turn, setTurn] = useState(0);
  if (!streams.value) return html`<${Heading} title="Why not?" /><${Pending} resource=${streams} what="streams" />`;
  const ask = (/** @type {Record<string, string>} */ wanted) => {
    setTurn(turn + 1);
    goTo(linkTo(["why"], Object.fromEntries(Object.entries(wanted).filter(([, value]) => value))), true);
  };
  const stream = streams.value.find((/** @type {any} */ one) => String(one.id) === asked.subscription);
  return html`<${Heading} title="Why not?" lead="Did an event get into a stream, and if not, what kept it out?" />
    <${Question} asked=${asked} streams=${streams.value} twins=${twins.value ?? []} onAsk=${ask} />
    ${!asked.dsn && html`<${Empty} title="Which device?"><p>Choose one above: its newest events are held against the subscription. From the live view, “Who else gets it?” leads here too.</p><//>`}
    ${asked.dsn && !streams.value.length && html`<${Empty} title="No subscriptions yet"><p><a href="#/streams">Make one</a>: only then is there something to get into.</p><//>`}
    ${asked.dsn && stream && html`<${OfOne} stream=${stream} asked=${asked} turn=${turn} />`}
    ${asked.dsn && !stream && streams.value.length > 0 && html`<${OfAll} streams=${streams.value} asked=${asked} turn=${turn} />`}`;
}

/** @param {{asked: Record<string, string>, streams: any[], twins: any[], onAsk: (asked: Record<string, string>) => void}} props */
function Question({ asked, streams, twins, onAsk }) {
  const [draft, setDraft] = useState(asked);
  useEffect(() => setDraft(asked), [JSON.stringify(asked)]);
  const properties = useProperties(twins.some(({ dsn }) => dsn === draft.dsn) ? draft.dsn : "");
  const hasProperty = WITH_PROPERTY.includes(draft.event_type);
  const change = (/** @type {string} */ name) => (/** @type {any} */ event) => setDraft({ ...draft, [name]: event.target.value });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    onAsk(hasProperty ? draft : { ...draft, property_name: "", datapoint: "" });
  };
  return html`<form class="panel question" onSubmit=${submit}>
    <div class="fields">
      <${Field} label="Subscription">${(/** @type {any} */ bound) => html`<select ...${bound} value=${draft.subscription} onChange=${change("subscription")}>
        <option value="">all of mine</option>${streams.map((one) => html`<option value=${one.id}>${one.name || `stream ${one.id}`}</option>`)}</select>`}<//>
      <${Field} label="Device" name="dsn" list="why-devices" required spellcheck="false" autocomplete="off" placeholder="DSN" value=${draft.dsn} onInput=${change("dsn")} />
      <${Field} label="Event">${(/** @type {any} */ bound) => html`<select ...${bound} value=${draft.event_type} onChange=${change("event_type")}>
        <option value="">any</option>${TYPES.map((type) => html`<option value=${type}>${type}</option>`)}</select>`}<//>
      <${Field} label="Property" name="property" list="why-properties" spellcheck="false" autocomplete="off" placeholder="any" disabled=${!hasProperty} value=${hasProperty ? draft.property_name : ""} onInput=${change("property_name")} />
      <${Field} label="Datapoint id" name="datapoint" spellcheck="false" autocomplete="off" placeholder="any" disabled=${!hasProperty} value=${hasProperty ? draft.datapoint : ""} onInput=${change("datapoint")} />
      <div class="actions"><button class="primary">Ask</button></div>
    </div>
    <datalist id="why-devices">${twins.map(({ dsn, product_name: name }) => html`<option value=${dsn}>${name}</option>`)}</datalist>
    <datalist id="why-properties">${properties.map((name) => html`<option value=${name} />`)}</datalist>
  </form>`;
}

/** The names of a device's properties, to choose from. @param {string} dsn @returns {string[]} */
function useProperties(dsn) {
  const listed = useResource(async () => (dsn ? (await get(`/apiv1/dsns/${encodeURIComponent(dsn)}/properties.json`)).map((/** @type {any} */ wrapped) => wrapped.property.name) : []), [dsn]);
  return listed.value ?? [];
}

/** @param {{stream: any, asked: Record<string, string>, turn: number}} props */
function OfOne({ stream, asked, turn }) {
  const answer = useResource(() => explain(stream.id, asked, LIMIT), [JSON.stringify(asked), turn]);
  if (!answer.value) return html`<${Pending} resource=${answer} what="verdicts" />`;
  const { verdicts, note } = answer.value;
  return html`${stream.is_suspended && html`<p class="note"><span><strong>${stream.name || `Stream ${stream.id}`} is suspended.</strong> It keeps what matches, and sends nothing until somebody resumes it.</span><a href=${linkTo(["streams", String(stream.id)])}>The stream</a></p>`}
    <${Failure} error=${answer.error} retry=${answer.reload} />
    ${verdicts.length ? html`<${Verdicts} verdicts=${verdicts} />` : html`<${Empty} title="No such event"><p>${note}</p><//>`}`;
}

/** @param {{streams: any[], asked: Record<string, string>, turn: number}} props */
function OfAll({ streams, asked, turn }) {
  const answer = useResource(async () => {
    const [first, ...others] = streams;
    const { verdicts: [newest], note } = await explain(first.id, asked, 1);
    if (!newest) return { newest: null, note, rows: [] };
    const rest = others.map(async (stream) => ({ stream, verdict: await find(stream.id, asked, newest) }));
    return { newest, note, rows: [{ stream: first, verdict: newest }, ...(await Promise.all(rest))] };
  }, [JSON.stringify(asked), turn, streams]);
  if (!answer.value) return html`<${Pending} resource=${answer} what="verdicts" />`;
  const { newest, note, rows } = answer.value;
  return newest ? html`<${Everybody} newest=${newest} rows=${rows} />` : html`<${Empty} title="No such event"><p>${note}</p><//>`;
}

/** The verdict of a subscription on an event that another was asked about; newer ones may have come meanwhile. @param {number} id @param {Record<string, string>} asked @param {any} wanted */
async function find(id, asked, wanted) {
  const isIt = (/** @type {any} */ verdict) => verdict.created_at === wanted.created_at && JSON.stringify(verdict.event) === JSON.stringify(wanted.event);
  return (await explain(id, asked, 1)).verdicts.find(isIt) ?? (await explain(id, asked, DEPTH)).verdicts.find(isIt) ?? null;
}

/** @param {number} id @param {Record<string, string>} asked @param {number} limit @returns {Promise<{verdicts: any[], note: string}>} */
function explain(id, { subscription: _, ...asked }, limit) {
  const wanted = Object.entries(asked).filter(([, value]) => value);
  return get(`/api/v1/subscriptions/${id}/why.json?${new URLSearchParams([...wanted, ["limit", String(limit)]])}`);
}
