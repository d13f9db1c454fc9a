/**
 * A stream that looks on: opens with `observe=1`, so that looking never moves anybody's place; answers heartbeats;
 * connects again with growing waits and goes on behind the last number it had.
 * Invariant: records leave here in the order of their numbers and none twice; a gap is told.
 */

/**
 * @typedef {{seq: number, frame: string, text: string, event: any, receivedAt: number, fits: boolean}} Received
 *   `frame`: the record as it came, `LEN|JSON`; `fits`: LEN is the length of the JSON
 * @typedef {"connecting" | "open" | "reconnecting" | "ended"} SocketState
 * @typedef {{onRecords: (records: Received[]) => void, onState?: (state: SocketState, why: string) => void,
 *   onGap?: (first: number, last: number) => void}} Listener
 */

const LONGEST_WAIT_MS = 15_000;
/** Nothing for so long (heartbeats come every 30 s): the link is dead. */
const SILENCE_MS = 45_000;
/** Close codes after which connecting again cannot help: docs/protocol.md. */
const FINAL_CODES = new Set([1000, 1003, 1007, 1008, 1009, 4401, 4403]);

export class ObservingSocket {
  /** @param {string} key @param {Listener} listener @param {{after?: number | null, through?: number | null}} [range] */
  constructor(key, listener, { after = null, through = null } = {}) {
    this.key = key;
    this.listener = listener;
    this.lastSeq = after;
    this.through = through;
    this.failures = 0;
    this.counts = { events: 0, heartbeats: 0, reconnects: 0, gaps: 0 };
    this.lastHeardAt = Date.now();
    /** @type {SocketState} */
    this.state = "connecting";
    this.closed = false;
    this.watch = setInterval(() => this.#notice(), 5_000);
    this.#open();
  }

  /** End for good. */
  close() {
    this.closed = true;
    clearInterval(this.watch);
    clearTimeout(this.timer);
    this.socket?.close(1000);
  }

  #open() {
    const query = new URLSearchParams({ stream_key: this.key, observe: "1" });
    if (this.lastSeq !== null) query.set("seq_start", String(this.lastSeq + 1));
    if (this.through !== null) query.set("seq_end", String(this.through));
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/stream?${query}`);
    this.socket = socket;
    this.lastHeardAt = Date.now();
    socket.onopen = () => {
      this.failures = 0;
      this.#tell("open", "");
    };
    socket.onmessage = (message) => this.#take(message.data);
    socket.onclose = (closing) => this.#lose(socket, closing);
  }

  /** @param {string} data */
  #take(data) {
    this.lastHeardAt = Date.now();
    if (data === "1|Z") {
      this.socket?.send("Z");
      this.counts.heartbeats += 1;
      this.listener.onRecords([]);
      return;
    }
    const records = [];
    for (const record of splitRecords(data)) {
      if (this.lastSeq !== null && record.seq <= this.lastSeq) continue;
      if (this.lastSeq !== null && record.seq > this.lastSeq + 1) {
        this.counts.gaps += 1;
        this.listener.onGap?.(this.lastSeq + 1, record.seq - 1);
      }
      this.lastSeq = record.seq;
      records.push(record);
    }
    this.counts.events += records.length;
    this.listener.onRecords(records);
  }

  /** @param {WebSocket} socket @param {{code: number, reason: string}} closing */
  #lose(socket, { code, reason }) {
    if (this.closed || socket !== this.socket) return;
    if (FINAL_CODES.has(code)) {
      this.close();
      this.#tell("ended", code === 1000 ? "the range is complete" : reason || `closed with ${code}`);
      return;
    }
    this.failures += 1;
    this.counts.reconnects += 1;
    const wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** Math.min(this.failures - 1, 10)) * (0.5 + Math.random() / 2);
    this.#tell("reconnecting", reason || (code === 1006 ? "connection lost" : `closed with ${code}`));
    this.timer = setTimeout(() => this.#open(), wait);
  }

  #notice() {
    if (this.socket?.readyState === WebSocket.OPEN && Date.now() - this.lastHeardAt > SILENCE_MS) {
      const silent = this.socket;
      silent.close(4000);
      this.#lose(silent, { code: 1006, reason: "nothing heard for 45 s" });
      this.socket = undefined;
    }
  }

  /** @param {SocketState} state @param {string} why */
  #tell(state, why) {
    this.state = state;
    this.listener.onState?.(state, why);
  }
}

/**
 * Take a message apart: `LEN|JSON` one behind the other. Our server's JSON is ASCII, so that characters are bytes.
 * @param {string} data @returns {Received[]}
 */
export function splitRecords(data) {
  const receivedAt = Date.now();
  const records = [];
  for (let at = 0; at < data.length; ) {
    const bar = data.indexOf("|", at);
    if (bar < 0) break;
    const length = Number(data.slice(at, bar));
    const fits = Number.isInteger(length) && length > 0 && bar + 1 + length <= data.length;
    const end = fits ? bar + 1 + length : data.length;
    const text = data.slice(bar + 1, end);
    try {
      const event = JSON.parse(text);
      records.push({ seq: Number(event.seq), frame: data.slice(at, end), text, event, receivedAt, fits });
    } catch {
      console.error("a record that holds no event", data.slice(at, at + 80));
    }
    at = end;
  }
  return records;
}
