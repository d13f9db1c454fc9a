/** Verdicts: what became of events in one stream, or of one event in several. */
import { html } from "../html.js";
import { linkTo } from "../router.js";
import { Copyable, State, Table, Time } from "../ui.js";
import { describe } from "./live_rows.js";

const DELIVERIES = /** @type {const} */ ({ acknowledged: ["good", "acknowledged"], sent: ["good", "sent"], waiting: ["busy", "waiting"] });

/** A verdict as a mark and a few words. @param {{verdict: any}} props */
function Mark({ verdict }) {
  if (!verdict) return html`<${State} kind="off">not known<//>`;
  if (!verdict.matched) return html`<${State} kind="bad">not matched<//>`;
  const [kind, words] = DELIVERIES[/** @type {keyof typeof DELIVERIES} */ (verdict.delivery)];
  return html`<${State} kind=${kind}>number ${verdict.seq}, ${words}<//>`;
}

/** What kept an event out, or how far it got, in sentences. @param {{verdict: any}} props */
function Reasons({ verdict }) {
  if (!verdict) return html`<p>It was not found again: newer events came meanwhile. Ask again.</p>`;
  if (verdict.objections.length < 2) return html`<p>${verdict.text}</p>`;
  return html`<ul>${verdict.objections.map((/** @type {any} */ objection) => html`<li>${objection.text}</li>`)}</ul>`;
}

/** @param {{event: any}} props */
const AsJson = ({ event }) => html`<details><summary>The event as JSON</summary><${Copyable} label="the event as JSON" text=${JSON.stringify(event, null, 2)} /></details>`;

/** @param {{verdict: any}} props */
const What = ({ verdict }) => html`<span class="tag ${verdict.event_type}">${verdict.event_type}</span><strong>${describe(verdict.event)}</strong>`;

/** The newest events of a device, each with what one stream made of it. @param {{verdicts: any[]}} props */
export function Verdicts({ verdicts }) {
  const matched = verdicts.filter((verdict) => verdict.matched).length;
  return html`<p class="quiet" role="status">${matched} of the newest ${verdicts.length} matched.</p>
    <ol class="verdicts" aria-label="Verdicts, the newest event first">${verdicts.map((verdict) => html`<li key=${verdict.created_at + JSON.stringify(verdict.event)} class="verdict">
      <div class="row"><${Mark} verdict=${verdict} /><${What} verdict=${verdict} /><span class="quiet at"><${Time} at=${verdict.created_at} /></span></div>
      <${Reasons} verdict=${verdict} /><${AsJson} event=${verdict.event} />
    </li>`)}</ol>`;
}

/** One event, and which streams it is in. @param {{newest: any, rows: {stream: any, verdict: any}[]}} props */
export function Everybody({ newest, rows }) {
  const columns = [
    { name: "Subscription", show: (/** @type {any} */ { stream }) => html`<a href=${linkTo(["streams", String(stream.id)])}>${stream.name || `stream ${stream.id}`}</a>` },
    { name: "Verdict", show: (/** @type {any} */ { verdict }) => html`<${Mark} verdict=${verdict} />` },
    { name: "Why", show: (/** @type {any} */ { verdict, stream }) => html`<div class="reasons"><${Reasons} verdict=${verdict} />${stream.is_suspended && html`<p>It is suspended: it sends nothing until somebody resumes it.</p>`}</div>` },
  ];
  return html`<section class="panel"><div class="row newest"><${What} verdict=${newest} /><code>${newest.dsn}</code><span class="quiet at"><${Time} at=${newest.created_at} /></span></div><${AsJson} event=${newest.event} /></section>
    <h2 class="who-else">Who gets it?</h2>
    <${Table} label="What each subscription makes of the event" columns=${columns} rows=${rows} keyOf=${(/** @type {any} */ row) => row.stream.id} />`;
}
