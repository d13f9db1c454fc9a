/**
 * Events as rows, of which only those in sight exist. One row can be open: its JSON, and its raw frame with the length
 * checked. While one is open or the list is scrolled, new events come above without moving what is read.
 */
import { html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { showTime, showValue } from "../format.js";
import { linkTo } from "../router.js";
import { Copyable, Empty, State } from "../ui.js";

const ROW_PX = 34;
const SPARE = 8;

/**
 * The list is one stop for the Tab key; arrows choose a row, Enter opens it. The choice is the list's, not a row's focus: a
 * row that new events push out of sight stops existing.
 * @param {{rows: import("./live_feeds.js").Row[], names: any[]}} props `rows`: the newest first
 */
export function EventRows({ rows, names }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [open, setOpen] = useState(/** @type {import("./live_feeds.js").Row | null} */ (null));
  const [active, setActive] = useState(0);
  const newest = useRef(0);
  useEffect(() => {
    const resized = new ResizeObserver(([entry]) => setHeight(entry.contentRect.height));
    if (box.current) resized.observe(box.current);
    return () => resized.disconnect();
  }, []);
  useLayoutEffect(() => {
    const added = rows.length && newest.current ? countBefore(rows, newest.current) : 0;
    newest.current = rows[0]?.key ?? 0;
    if (added && box.current && (box.current.scrollTop > 0 || active)) box.current.scrollTop += added * ROW_PX;
  }, [rows]);
  useLayoutEffect(() => {
    if (open) showRow(box.current, Math.min(countBefore(rows, open.key), rows.length - 1)); // the list has become lower
  }, [open]);
  const first = Math.max(0, Math.floor(top / ROW_PX) - SPARE);
  const shown = rows.slice(first, first + Math.ceil(height / ROW_PX) + SPARE * 2);
  const press = (/** @type {KeyboardEvent} */ event) => {
    const at = active ? Math.min(countBefore(rows, active), rows.length - 1) : -1;
    if (event.key === "Escape") {
      setOpen(null);
      setActive(0);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const next = Math.max(0, Math.min(rows.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)));
      setActive(rows[next]?.key ?? 0);
      showRow(box.current, next);
    } else if (at >= 0 && (event.key === "Enter" || event.key === " ")) {
      setOpen(open?.key === rows[at].key ? null : rows[at]);
    } else return;
    event.preventDefault();
  };
  return html`<div class="rows" ref=${box} onScroll=${(/** @type {any} */ event) => setTop(event.currentTarget.scrollTop)} role=${rows.length ? "listbox" : "region"} aria-label="Events, the newest first" tabindex="0"
      aria-activedescendant=${shown.some(({ key }) => key === active) ? `event-${active}` : null} onKeyDown=${press}>
      <div style=${{ height: `${rows.length * ROW_PX}px` }} class="rows-space" role="presentation">
        <div style=${{ transform: `translateY(${first * ROW_PX}px)` }} role="presentation">
          ${shown.map((row) => html`<${Row} key=${row.key} row=${row} active=${active === row.key} chosen=${open?.key === row.key} name=${nameOf(row.stream, names)} onOpen=${setOpen} />`)}
        </div>
      </div>
      ${rows.length === 0 && html`<${Empty} title="No events yet"><p>They appear here the moment they happen.</p><//>`}
    </div>
    ${open && html`<${Inspector} row=${open} name=${nameOf(open.stream, names)} onClose=${() => setOpen(null)} />`}`;
}

/** Scroll so far that a row is in sight. @param {HTMLElement | null} box @param {number} index */
function showRow(box, index) {
  if (!box) return;
  box.scrollTop = Math.min(index * ROW_PX, Math.max(box.scrollTop, (index + 1) * ROW_PX - box.clientHeight));
}

/** @param {{row: any, active: boolean, chosen: boolean, name: string, onOpen: (row: any) => void}} props */
function Row({ row, active, chosen, name, onOpen }) {
  const { metadata } = row.event;
  return html`<div class="event ${active ? "active" : ""}" id="event-${row.key}" role="option" aria-selected=${chosen ? "true" : "false"} onClick=${() => onOpen(chosen ? null : row)}>
    <span class="seq">#${row.seq}</span><span class="at" title=${`received ${showTime(row.receivedAt)}`}>${showTime(timeOf(row.event) ?? row.receivedAt)}</span>
    <span class="tag ${metadata.event_type}">${metadata.event_type}</span>
    <span class="dsn">${metadata.dsn}</span><span class="said">${describe(row.event)}</span><span class="from quiet">${name}</span>
  </div>`;
}

/** An event, opened. @param {{row: any, name: string, onClose: () => void}} props */
function Inspector({ row, name, onClose }) {
  const bar = row.frame.indexOf("|");
  return html`<section class="panel inspector" aria-label=${`Event ${row.seq} of ${name}`}>
    <div class="heading"><h2>Event ${row.seq} of ${name}</h2><div class="actions">
      <a href=${linkTo(["why"], identify(row.event))}>Who else gets it?</a>
      <button class="small" onClick=${onClose}>Close</button></div></div>
    <h3>JSON</h3><${Copyable} label="the event as JSON" text=${JSON.stringify(row.event, null, 2)} />
    <h3>Frame <${State} kind=${row.fits ? "good" : "bad"}>${row.fits ? `${row.frame.slice(0, bar)} says the length, and it is` : `${row.frame.slice(0, bar)} says the length, but it is ${row.frame.length - bar - 1}`}<//></h3>
    <${Copyable} label="the frame as it came" text=${row.frame} />
  </section>`;
}

/** What to ask for to be told of this event. @param {any} event @returns {Record<string, string>} */
function identify({ metadata: { dsn, event_type, property_name }, datapoint }) {
  return { dsn, event_type, ...(property_name && { property_name }), ...(datapoint?.id && { datapoint: datapoint.id }) };
}

/** What an event says, in a few words. @param {any} event */
export function describe(event) {
  const { metadata } = event;
  switch (metadata.event_type) {
    case "connectivity":
      return event.connection.status;
    case "datapoint":
      return `${metadata.property_name} = ${showValue(event.datapoint.value, metadata.base_type)}${event.datapoint.echo ? " (echo)" : ""}`;
    case "datapointack":
      return `${metadata.property_name} = ${showValue(event.datapoint.value, metadata.base_type)} ${event.datapoint.ack_status === 200 ? "acknowledged" : `refused (${event.datapoint.ack_status})`}`;
    case "location":
      return `${event.location_event.lat?.trim()}, ${event.location_event.long?.trim()}`;
    case "registration":
      return event.registration_event.registered ? "registered" : "unregistered";
    default:
      return "";
  }
}

/** When it happened, by its own word. @param {any} event @returns {string | undefined} */
function timeOf({ connection, datapoint, location_event: location, registration_event: registration }) {
  return connection?.event_time ?? datapoint?.acked_at ?? datapoint?.created_at ?? location?.created_at ?? registration?.registered_at ?? registration?.unregistered_at;
}

/** @param {number} id @param {any[]} streams */
const nameOf = (id, streams) => streams.find((one) => one.id === id)?.name || `stream ${id}`;

/** How many rows are newer than a key; rows are the newest first. @param {{key: number}[]} rows @param {number} key */
function countBefore(rows, key) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].key > key) low = middle + 1;
    else high = middle;
  }
  return low;
}
