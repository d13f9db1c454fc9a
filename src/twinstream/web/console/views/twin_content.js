/** Files and messages, whose datapoints hold an address: opened on demand, as text if they are, and to be downloaded. */
import { html, useState } from "../html.js";
import { showNumber } from "../format.js";
import { get } from "../session.js";
import { Copyable, Failure } from "../ui.js";

/** Of a longer text the beginning is shown. */
const SHOWN_BYTES = 8_192;
const ADDRESS = /^(?:https?:\/\/[^/]+)?(\/apiv1\/properties\/[^?]*\/datapoints\/[^?]*)$/;

/** @typedef {{text: string | null, isWhole: boolean, link: string, name: string}} Opened `text` null: it is none */

/** Whether a value is the address of a file or message. @param {unknown} value */
export const isAddress = (value) => typeof value === "string" && ADDRESS.test(value);

/** @param {{value: string, name: string}} props `name` of the property, which the file is called by */
export function Content({ value, name }) {
  const [opened, setOpened] = useState(/** @type {Opened | null} */ (null));
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const [busy, setBusy] = useState(false);
  const toggle = async () => {
    if (opened) return setOpened(null);
    setBusy(true);
    try {
      setOpened(await open(value, name));
      setError(null);
    } catch (failure) {
      setError(/** @type {Error} */ (failure));
    }
    setBusy(false);
  };
  return html`<div class="content">
    <button type="button" class="small" aria-expanded=${opened ? "true" : "false"} aria-label=${`${opened ? "Close" : "Open"} ${name}`} disabled=${busy} onClick=${toggle}>${opened ? "Close" : "Open"}</button>
    ${opened && html`<a class="button small" href=${opened.link} download=${opened.name}>Download</a>`}
    <${Failure} error=${error} />
    ${opened && (opened.text === null ? html`<p class="quiet">It is no text.</p>` : html`<${Copyable} label=${name} text=${opened.text} />`)}
    ${opened && !opened.isWhole && html`<p class="hint">The first ${showNumber(SHOWN_BYTES)} bytes of it.</p>`}
  </div>`;
}

/** @param {string} value @param {string} name @returns {Promise<Opened>} */
async function open(value, name) {
  const { datapoint } = await get(/** @type {RegExpExecArray} */ (ADDRESS.exec(value))[1]);
  if (!datapoint.file) throw new Error("It is not there any more.");
  // the server may know itself by another name than the one it was reached by
  const { pathname, search } = new URL(datapoint.file, location.href);
  const link = pathname + search;
  const answer = await fetch(link, { cache: "no-store" });
  if (!answer.ok || !answer.body) throw new Error(answer.status === 404 ? "It is not there any more." : answer.status === 406 ? "Its bytes have not all come yet." : `The server answered ${answer.status}.`);
  const { bytes, isWhole } = await readStart(answer.body);
  const kind = answer.headers.get("content-type") ?? "";
  return { text: decode(bytes), isWhole, link, name: kind.startsWith("application/json") ? `${name}.json` : name };
}

/** Read no more than is shown. @param {ReadableStream<Uint8Array>} body */
async function readStart(body) {
  const reader = body.getReader();
  const bytes = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { bytes: new Uint8Array(bytes), isWhole: true };
    for (const byte of value.subarray(0, SHOWN_BYTES - bytes.length)) bytes.push(byte);
    if (bytes.length < SHOWN_BYTES) continue;
    await reader.cancel();
    return { bytes: new Uint8Array(bytes), isWhole: false };
  }
}

/** The text that the bytes are, JSON with its lines broken; null if they are none. @param {Uint8Array} bytes */
function decode(bytes) {
  const text = new TextDecoder().decode(bytes);
  if (/[\0\ufffd]/.test(text.slice(0, -4))) return null; // the last character may have been cut in two
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
