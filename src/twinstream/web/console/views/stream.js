/** One subscription: how far it is, who reads it, what it missed, and how to read it oneself. */
import { html, useState } from "../html.js";
import { showDuration, showNumber } from "../format.js";
import { goTo, linkTo } from "../router.js";
import { call, get } from "../session.js";
import { Confirm, Copyable, Empty, Failure, Heading, Pending, State, Table, Tabs, Tile, Time, useResource } from "../ui.js";
import { StreamForm } from "./stream_form.js";
import { stateOf } from "./streams.js";

const REFRESH_MS = 2_000;

/** @param {{id: string}} props */
export function Stream({ id }) {
  const path = `/api/v1/subscriptions/${encodeURIComponent(id)}`;
  const stream = useResource(async () => (await get(`${path}.json`)).subscription, [id]);
  const status = useResource(async () => (await get(`${path}/status.json`)).status, [id], REFRESH_MS);
  const gaps = useResource(() => get(`${path}/gaps.json`), [id, status.value?.gaps]);
  const [dialog, setDialog] = useState(/** @type {"change" | "delete" | null} */ (null));
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  if (!stream.value || !status.value) return html`<${Heading} title="Stream" /><${Pending} resource=${stream.error ? stream : status} what="the stream" />`;
  const { name, is_suspended: isSuspended } = stream.value;
  const [kind, words] = stateOf(stream.value, status.value);
  const suspend = async () => {
    try {
      await call("PUT", `${path}/${isSuspended ? "resume" : "suspend"}.json`);
      setError(null);
      stream.reload();
    } catch (failure) {
      setError(/** @type {Error} */ (failure));
    }
  };
  return html`<nav class="trail" aria-label="Where you are"><a href="#/streams">Streams</a></nav>
    <${Heading} title=${name || `Stream ${id}`} lead=${`${stream.value.subscription_type.replaceAll(",", ", ")} · ${stream.value.client_type}`}>
      <a class="button" href=${linkTo(["live"], { stream: id })}>Watch live</a>
      <button onClick=${() => setDialog("change")}>Change</button>
      <button onClick=${suspend}>${isSuspended ? "Resume" : "Suspend"}</button>
      <button onClick=${() => setDialog("delete")}>Delete</button>
    <//>
    <${Failure} error=${error ?? status.error} />
    <div class="tiles">
      <div class="tile"><div class="name">State</div><div class="number words"><${State} kind=${kind}>${words}<//></div></div>
      <${Tile} name="Last seq" value=${showNumber(Number(status.value.newest_seq))} />
      <${Tile} name="Acknowledged" value=${showNumber(Number(status.value.acknowledged_seq))} />
      <${Tile} name="New (unread)" value=${showNumber(status.value.lag)} />
      <${Tile} name="Kept for replay" value=${showNumber(Math.max(0, Number(status.value.newest_seq) - Number(status.value.oldest_seq) + 1))} note=${`from seq ${showNumber(Number(status.value.oldest_seq))}`} />
      <${Tile} name="Loses events in" value=${status.value.lag ? showDuration(status.value.loss_in_s) : "–"} note=${status.value.lag ? "unless they are read" : "nothing is unread"} />
    </div>
    <div class="panels">
      <section class="panel"><h2>Sessions</h2><${Sessions} sessions=${status.value.sessions} /></section>
      <section class="panel"><h2>Gaps</h2><${Gaps} gaps=${gaps.value ?? []} /></section>
    </div>
    <section class="panel"><h2>Read it yourself</h2><${Recipes} stream=${stream.value} /></section>
    <section class="panel"><h2>Terms</h2><dl class="facts">
      <dt>Devices</dt><dd>${list(stream.value.dsn)}</dd><dt>Models</dt><dd>${list(stream.value.oem_model)}</dd><dt>Properties</dt><dd>${list(stream.value.property_name)}</dd>
      <dt>Events per message</dt><dd>${stream.value.batch_size}</dd><dt>Begins</dt><dd>${stream.value.start_from === "live" ? "with what happens from now on" : "after the last acknowledged event"}</dd>
      <dt>Made</dt><dd><${Time} at=${stream.value.created_at} /></dd></dl></section>
    ${dialog === "change" && html`<${StreamForm} stream=${stream.value} onClose=${() => setDialog(null)} onDone=${stream.reload} />`}
    ${dialog === "delete" && html`<${Confirm} title="Delete the subscription?" verb="Delete" onClose=${() => setDialog(null)} onConfirm=${async () => { await call("DELETE", `${path}.json`); goTo("#/streams"); }}>
      <p>Its stream key opens nothing any more, and its sockets are closed. It cannot be taken back.</p><//>`}`;
}

/** @param {string} names */
const list = (names) => (names === "*" ? "any" : names.replaceAll(",", ", "));

/** @param {{sessions: any[]}} props */
function Sessions({ sessions }) {
  if (!sessions.length) return html`<${Empty} title="Nobody is connected"><p>What happens meanwhile is kept, and told to whoever connects.</p><//>`;
  const columns = [
    { name: "State", show: (/** @type {any} */ one) => html`<${State} kind=${one.is_full ? "busy" : "good"}>${one.is_full ? "slow" : one.state.toLowerCase()}${one.observes ? ", looks on" : ""}<//>` },
    { name: "Seq", numeric: true, show: (/** @type {any} */ one) => showNumber(Number(one.seq)) },
    { name: "Connected", numeric: true, show: (/** @type {any} */ one) => showDuration(one.connected_s) },
    { name: "Silent", numeric: true, show: (/** @type {any} */ one) => showDuration(one.silent_s) },
  ];
  return html`<${Table} label="Sessions" columns=${columns} rows=${sessions} keyOf=${(/** @type {any} */ one) => one.id} />`;
}

/** @param {{gaps: any[]}} props */
function Gaps({ gaps }) {
  if (!gaps.length) return html`<p class="quiet">None: nobody has asked for an event that was no longer kept.</p>`;
  const columns = [
    { name: "Found", show: (/** @type {any} */ gap) => html`<${Time} at=${gap.created_at} />` },
    { name: "First seq", numeric: true, show: (/** @type {any} */ gap) => gap.from_seq },
    { name: "Last seq", numeric: true, show: (/** @type {any} */ gap) => gap.through_seq },
  ];
  return html`<${Table} label="Gaps" columns=${columns} rows=${gaps} keyOf=${(/** @type {any} */ gap) => `${gap.from_seq}-${gap.created_at}`} />`;
}

/** The stream as commands and programs. @param {{stream: any}} props */
function Recipes({ stream }) {
  const [tool, setTool] = useState("wscat");
  const [shown, setShown] = useState(false);
  if (!stream.stream_key) return html`<p class="quiet">The server keeps only a hash of the stream key: it was shown once, when the subscription was made.</p>`;
  const recipes = write(stream.stream_key, shown);
  const tabs = Object.keys(recipes).map((name) => ({ id: name, name }));
  return html`<${Tabs} label="Tools" tabs=${tabs} chosen=${tool} onChoose=${setTool}><${Copyable} label=${`the stream with ${tool}`} text=${recipes[tool]} secret=${write(stream.stream_key, true)[tool]} /><//>
    <button class="small" onClick=${() => setShown(!shown)} aria-pressed=${shown ? "true" : "false"}>${shown ? "Hide the key" : "Show the key"}</button>
    <p class="hint">Whoever has the key can read the stream. Answers to heartbeats, which come every 30 s, move its place; with <code>observe=1</code> nothing does.</p>`;
}

/** @param {string} secret @param {boolean} shown @returns {Record<string, string>} */
function write(secret, shown) {
  const key = shown ? secret : "•".repeat(secret.length);
  const secure = location.protocol === "https:" ? "s" : "";
  const url = `ws${secure}://${location.host}/stream?stream_key=${key}`;
  return {
    wscat: `npx wscat -c '${url}'`,
    twinstream: `twinstream tail '${url}'`,
    Python: `import asyncio\nfrom twinstream.client import connect\n\nasync def main():\n    async with connect("${url}") as stream:\n        async for event in stream:\n            print(event.seq, event.text)\n\nasyncio.run(main())`,
    Node: `// Node 22 or newer, or a browser\nconst socket = new WebSocket("${url}");\nsocket.onmessage = ({ data }) => {\n  if (data === "1|Z") return socket.send("Z");   // a heartbeat\n  while (data) {                                  // one or more LEN|JSON\n    const bar = data.indexOf("|"), end = bar + 1 + Number(data.slice(0, bar));\n    console.log(JSON.parse(data.slice(bar + 1, end)));\n    data = data.slice(end);\n  }\n};`,
    curl: `curl -sS 'http${secure}://${location.host}/api/v1/subscriptions/getCurrentSeq.json?stream_key=${key}'`,
  };
}
