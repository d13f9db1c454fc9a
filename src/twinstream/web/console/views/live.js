/**
 * Live events: several streams at once, looked on at. Rows are virtual, and old ones are let go, so that a thousand
 * events a second cost the page no more than what it shows.
 */
import { html, useEffect, useMemo, useRef, useState } from "../html.js";
import { FEED_NAME } from "../feed.js";
import { showCount } from "../format.js";
import { Plot } from "../plot.js";
import { get } from "../session.js";
import { Empty, Failure, Field, Heading, Pending, State, useResource } from "../ui.js";
import { EventRows } from "./live_rows.js";
import { Feeds } from "./live_feeds.js";

/** @typedef {{after: number | null, through: number | null}} Range */

const STATES = /** @type {const} */ ({ connecting: ["busy", "connecting"], open: ["good", "live"], reconnecting: ["busy", "reconnecting"], ended: ["off", "ended"] });
/** How often the page is drawn again while events come, ms. */
const DRAW_EVERY_MS = 200;
/** How often the streams are listed again: one may be suspended meanwhile. */
const REFRESH_MS = 5_000;

/** @param {{query: URLSearchParams}} props `stream` in the query chooses a stream */
export function Live({ query }) {
  const streams = useResource(async () => (await get("/api/v1/subscriptions.json")).map((/** @type {any} */ wrapped) => wrapped.subscription).filter((/** @type {any} */ one) => one.name !== FEED_NAME), [], REFRESH_MS);
  const [chosen, setChosen] = useState(() => new Set(query.get("stream")?.split(",").map(Number) ?? []));
  const [range, setRange] = useState(/** @type {Range} */ ({ after: null, through: null }));
  const [wanted, setWanted] = useState("");
  const [paused, setPaused] = useState(false);
  const feeds = useMemo(() => new Feeds(), []);
  const begun = useRef(false);
  const [, draw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || (feeds.takeChanged() && draw((turn) => turn + 1)), DRAW_EVERY_MS);
    return () => {
      clearInterval(timer);
      feeds.close();
    };
  }, []);
  useEffect(() => {
    if (streams.value) feeds.follow(streams.value.filter((/** @type {any} */ one) => chosen.has(one.id)), range);
    draw((turn) => turn + 1);
  }, [streams.value, chosen, range]);
  useEffect(() => {
    if (!streams.value || begun.current) return;
    begun.current = true;
    if (!query.has("stream")) setChosen(new Set(streams.value.filter((/** @type {any} */ one) => !one.is_suspended).map((/** @type {any} */ one) => one.id)));
  }, [streams.value]);

  if (!streams.value) return html`<${Heading} title="Live events" /><${Pending} resource=${streams} what="streams" />`;
  const pause = () => {
    feeds.hold(!paused);
    setPaused(!paused);
  };
  const toggle = (/** @type {number} */ id) => setChosen((old) => new Set(old.has(id) ? [...old].filter((one) => one !== id) : [...old, id]));
  return html`<${Heading} title="Live events" lead="Looking on moves nobody's place in a stream.">
      <input type="search" aria-label="Show only events that contain" placeholder="DSN, property, value…" value=${wanted} onInput=${(/** @type {any} */ event) => setWanted(event.target.value)} />
      <button aria-pressed=${paused ? "true" : "false"} onClick=${pause}>${paused ? `Go on (${feeds.held} held)` : "Pause"}</button>
      <button onClick=${() => { feeds.clear(); draw((turn) => turn + 1); }}>Clear</button>
    <//>
    ${streams.value.length === 0 && html`<${Empty} title="No streams yet"><p><a href="#/streams">Make one</a>, and its events appear here.</p><//>`}
    <ul class="chips" aria-label="Streams">${streams.value.map((/** @type {any} */ one) => html`<${Chip} key=${one.id} stream=${one} on=${chosen.has(one.id)} feed=${feeds.find(one.id)} onToggle=${toggle} />`)}</ul>
    <div class="live">
      <div class="live-rows"><${EventRows} rows=${feeds.select(wanted)} names=${streams.value} /></div>
      <aside class="live-side" aria-label="Counters and replay">
        <div class="panel"><h2>Rate</h2><${Rate} feeds=${feeds} /></div>
        <${Replay} range=${range} onRange=${(/** @type {any} */ next) => { feeds.clear(); setRange(next); }} />
      </aside>
    </div>`;
}

/** A stream to be looked at or not, and how it is. @param {{stream: any, on: boolean, feed: import("./live_feeds.js").Feed | undefined, onToggle: (id: number) => void}} props */
function Chip({ stream, on, feed, onToggle }) {
  const rest = !stream.stream_key ? "the server keeps its key to itself" : stream.is_suspended ? "suspended" : "not shown";
  const isStopped = stream.is_suspended && feed?.state !== "open";
  const [kind, words] = isStopped ? /** @type {const} */ (["bad", "suspended"]) : feed ? STATES[/** @type {keyof typeof STATES} */ (feed.state)] : ["off", rest];
  const counts = feed?.socket.counts;
  return html`<li><label class="chip ${on ? "on" : ""}">
    <input type="checkbox" checked=${on} onChange=${() => onToggle(stream.id)} />
    <span class="chip-name">${stream.name || `stream ${stream.id}`}</span>
    <${State} kind=${kind}>${words}${feed?.why && !isStopped ? `: ${feed.why}` : ""}<//>
    ${counts && html`<span class="quiet numbers" title="Events, heartbeats answered, reconnections, gaps">${showCount(counts.events, "event")} · ${showCount(counts.heartbeats, "heartbeat")}${counts.reconnects ? ` · ${showCount(counts.reconnects, "reconnection")}` : ""}${counts.gaps ? ` · ${showCount(counts.gaps, "gap")}` : ""}</span>`}
  </label></li>`;
}

/** Events a second over the last two minutes. @param {{feeds: Feeds}} props */
function Rate({ feeds }) {
  const [times, values] = feeds.rates();
  const now = values.at(-2) ?? 0;
  return html`<${Plot} label="Events per second" times=${times} lines=${[{ label: "events/s", values, fill: true }]} height=${150} summary=${`${now} in the last full second`} />
    <p class="quiet numbers">${showCount(now, "event")} in the last second, ${feeds.total.toLocaleString("en")} in all</p>`;
}

/** First and last number to be told again, the same for all streams chosen. @param {{range: Range, onRange: (range: Range) => void}} props */
function Replay({ range, onRange }) {
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (form.current));
    const first = fields.get("first") ? Number(fields.get("first")) : null;
    const last = fields.get("last") ? Number(fields.get("last")) : null;
    if (first !== null && last !== null && last < first) return setError(new Error("The last number is before the first."));
    setError(null);
    onRange({ after: first === null ? (last === null ? null : -1) : first - 1, through: last });
  };
  const isReplay = range.after !== null || range.through !== null;
  return html`<form class="panel" ref=${form} onSubmit=${submit}>
    <h2>Replay</h2>
    <div class="pair">
      <${Field} label="First seq" name="first" type="number" min="0" step="1" />
      <${Field} label="Last seq" name="last" type="number" min="0" step="1" hint="Empty: go on live" />
    </div>
    <${Failure} error=${error} />
    <div class="actions"><button class="primary">Replay</button>
      ${isReplay && html`<button type="button" onClick=${() => { form.current?.reset(); onRange({ after: null, through: null }); }}>Back to live</button>`}</div>
  </form>`;
}
