/**
 * The streams that the live view looks at, and their events, the newest `KEPT` of them. Knows no page: the view asks
 * every so often whether anything has changed.
 */
import { ObservingSocket } from "../socket.js";

/** @typedef {import("../socket.js").Received & {stream: number, key: number}} Row */
/** @typedef {{id: number, socket: ObservingSocket, state: string, why: string}} Feed */

/** Events that are kept; older ones are let go. */
export const KEPT = 5_000;
/** Of a replay or a burst while paused no more is held than this. */
const HELD = 5_000;
const SECONDS = 120;

export class Feeds {
  constructor() {
    /** @type {Map<number, Feed>} */
    this.feeds = new Map();
    /** @type {Row[]} the oldest first */
    this.rows = [];
    /** @type {Row[]} what came while held */
    this.waiting = [];
    this.isHeld = false;
    this.total = 0;
    this.serial = 0;
    this.changed = true;
    this.rangeText = "";
    /** @type {Map<number, number>} events by second */
    this.seconds = new Map();
    this.lastDrawnSecond = 0;
    /** @type {{text: string, serial: number, rows: Row[]}} */
    this.selection = { text: "", serial: -1, rows: [] };
  }

  /** Events that wait while the view is paused. */
  get held() {
    return this.waiting.length;
  }

  /** Look at these subscriptions, in this range, and at no others. @param {any[]} streams @param {{after: number | null, through: number | null}} range */
  follow(streams, range) {
    const rangeText = JSON.stringify(range);
    if (rangeText !== this.rangeText) this.close();
    this.rangeText = rangeText;
    const wanted = new Set(streams.map(({ id }) => id));
    for (const [id, feed] of this.feeds) {
      if (wanted.has(id)) continue;
      feed.socket.close();
      this.feeds.delete(id);
    }
    for (const { id, stream_key: key } of streams) if (!this.feeds.has(id) && key) this.#open(id, key, range);
    this.changed = true;
  }

  /** @param {number} id */
  find(id) {
    return this.feeds.get(id);
  }

  /** Keep what comes apart, or show it all. @param {boolean} isHeld */
  hold(isHeld) {
    this.isHeld = isHeld;
    if (!isHeld) this.#append(this.waiting.splice(0));
    this.changed = true;
  }

  clear() {
    this.rows = [];
    this.waiting = [];
    this.serial += 1;
    this.changed = true;
  }

  /** Let go of all sockets. */
  close() {
    for (const feed of this.feeds.values()) feed.socket.close();
    this.feeds.clear();
  }

  /** Tell once whether there is anything new to draw; the rate moves on every second by itself. */
  takeChanged() {
    const second = Math.floor(Date.now() / 1000);
    const changed = this.changed || second !== this.lastDrawnSecond;
    this.changed = false;
    this.lastDrawnSecond = second;
    return changed;
  }

  /** The rows that contain a text, the newest first. @param {string} text */
  select(text) {
    const needle = text.trim().toLowerCase();
    if (this.selection.text !== needle || this.selection.serial !== this.serial) {
      const rows = needle ? this.rows.filter((row) => row.text.toLowerCase().includes(needle)) : this.rows.slice();
      this.selection = { text: needle, serial: this.serial, rows: rows.reverse() };
    }
    return this.selection.rows;
  }

  /** Events by second for the last two minutes. @returns {[number[], number[]]} */
  rates() {
    const now = Math.floor(Date.now() / 1000);
    const times = Array.from({ length: SECONDS }, (_, index) => now - SECONDS + 1 + index);
    return [times, times.map((second) => this.seconds.get(second) ?? 0)];
  }

  /** @param {number} id @param {string} key @param {{after: number | null, through: number | null}} range */
  #open(id, key, range) {
    /** @type {Feed} */
    const feed = { id, state: "connecting", why: "", socket: /** @type {any} */ (null) };
    feed.socket = new ObservingSocket(key, {
      onRecords: (records) => this.#take(id, records),
      onState: (state, why) => {
        Object.assign(feed, { state, why });
        this.changed = true;
      },
    }, range);
    this.feeds.set(id, feed);
  }

  /** @param {number} id @param {import("../socket.js").Received[]} records */
  #take(id, records) {
    this.changed = true;
    if (!records.length) return;
    const second = Math.floor(records[0].receivedAt / 1000);
    this.seconds.set(second, (this.seconds.get(second) ?? 0) + records.length);
    if (this.seconds.size > SECONDS * 2) for (const old of this.seconds.keys()) if (old < second - SECONDS) this.seconds.delete(old);
    const rows = records.map((record) => Object.assign(record, { stream: id, key: (this.total += 1) }));
    if (!this.isHeld) return this.#append(rows);
    for (const row of rows) this.waiting.push(row);
    if (this.waiting.length > HELD) this.waiting.splice(0, this.waiting.length - HELD);
  }

  /** @param {Row[]} rows */
  #append(rows) {
    for (const row of rows) this.rows.push(row);
    if (this.rows.length > KEPT * 1.2) this.rows.splice(0, this.rows.length - KEPT);
    this.serial += 1;
  }
}
