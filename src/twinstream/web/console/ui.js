/**
 * The parts that views are made of: headings, states of loading, notes of failure, tables, switches, dialogs, tabs.
 * Each is usable by keyboard and told to screen readers; none knows the server.
 */
import { html, useCallback, useEffect, useId, useRef, useState } from "./html.js";
import { showTime } from "./format.js";

/**
 * Load something, and again every so many ms, and whenever `deps` change. A failure keeps the last value.
 * @template T
 * @param {() => Promise<T>} loader @param {unknown[]} deps @param {number} [everyMs] 0: once
 * @returns {{value: T | undefined, error: Error | null, reload: () => Promise<void>}}
 */
export function useResource(loader, deps, everyMs = 0) {
  const [state, setState] = useState(/** @type {{value: any, error: Error | null}} */ ({ value: undefined, error: null }));
  const turn = useRef(0);
  const answered = useRef(0);
  const latest = useRef(loader);
  latest.current = loader;
  const reload = useCallback(async () => {
    const mine = ++turn.current;
    try {
      const value = await latest.current();
      if (mine === turn.current) setState({ value, error: null });
    } catch (error) {
      if (mine === turn.current) setState((old) => ({ value: old.value, error: /** @type {Error} */ (error) }));
    } finally {
      answered.current = Math.max(answered.current, mine);
    }
  }, []);
  useEffect(() => {
    setState({ value: undefined, error: null });
    reload();
    // a server that is slower than the interval is not asked again before it has answered
    const timer = everyMs ? setInterval(() => document.hidden || answered.current < turn.current || reload(), everyMs) : 0;
    return () => {
      answered.current = turn.current += 1;
      clearInterval(timer);
    };
  }, [...deps, everyMs]);
  return { ...state, reload };
}

/** Draw again every so many ms, for what only the clock changes. @param {number} everyMs */
export function useTick(everyMs) {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setTick((tick) => tick + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
}

/**
 * A view's heading, which gets the focus when the view opens, so that keyboard and screen reader begin there.
 * @param {{title: string, lead?: string, children?: any}} props
 */
export function Heading({ title, lead = "", children = null }) {
  const ref = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    document.title = `${title} · twinstream`;
    if (document.activeElement === document.body || document.activeElement?.closest("nav")) ref.current?.focus({ preventScroll: true });
  }, [title]);
  return html`<div class="heading">
    <div><h1 tabindex="-1" ref=${ref}>${title}</h1>${lead && html`<p class="quiet">${lead}</p>`}</div>
    <div class="actions">${children}</div>
  </div>`;
}

/** What to show while there is no value: that it is coming, or why not. @param {{resource: {error: Error | null, reload: () => void}, what: string}} props */
export function Pending({ resource, what }) {
  if (resource.error) return html`<${Failure} error=${resource.error} retry=${resource.reload} />`;
  return html`<p class="wait" role="status">Loading ${what}…</p>`;
}

/** @param {{error: Error | null, retry?: (() => void) | null}} props */
export function Failure({ error, retry = null }) {
  if (!error) return null;
  return html`<div class="note bad" role="alert">
    <span>${error.message}</span>${retry && html`<button class="small" onClick=${retry}>Try again</button>`}
  </div>`;
}

/** Nothing there, and what to do about it. @param {{title: string, children?: any}} props */
export const Empty = ({ title, children }) => html`<div class="empty"><p><strong>${title}</strong></p>${children}</div>`;

/** A number with its name, for an overview. @param {{name: string, value: string, note?: string}} props */
export const Tile = ({ name, value, note = "" }) => html`<div class="tile"><div class="name">${name}</div><div class="number">${value}</div>${note && html`<div class="hint">${note}</div>`}</div>`;

/** A state as a dot and a word. @param {{kind: "good" | "busy" | "bad" | "off", children?: any}} props */
export const State = ({ kind, children }) => html`<span class="state ${kind}"><span class="dot" aria-hidden="true"></span>${children}</span>`;

/** Online or Offline. @param {{status: string | null | undefined}} props */
export const Presence = ({ status }) => html`<${State} kind=${status === "Online" ? "good" : "off"}>${status ?? "never seen"}<//>`;

/** A time, with its full form on hover. @param {{at: string | number | null | undefined}} props */
export const Time = ({ at }) => (at ? html`<time datetime=${new Date(at).toISOString()} title=${String(at)}>${showTime(at)}</time>` : html`<span class="quiet">–</span>`);

/**
 * A switch; `busy` shows that the device has not answered yet.
 * @param {{on: boolean, label: string, busy?: boolean, disabled?: boolean, onChange: (on: boolean) => void}} props
 */
export function Switch({ on, label, busy = false, disabled = false, onChange }) {
  return html`<button type="button" class="switch ${busy ? "busy" : ""}" role="switch" aria-checked=${on ? "true" : "false"}
    aria-label=${label} aria-busy=${busy ? "true" : "false"} disabled=${disabled} onClick=${() => onChange(!on)}><span aria-hidden="true"></span></button>`;
}

/**
 * A table that becomes a list of cards on a phone.
 * @param {{label: string, columns: {name: string, show: (row: any) => any, numeric?: boolean}[], rows: any[], keyOf: (row: any) => string | number}} props
 */
export function Table({ label, columns, rows, keyOf }) {
  return html`<div class="scroll" role="region" aria-label=${label} tabindex="0"><table>
    <caption class="unseen">${label}</caption>
    <thead><tr>${columns.map((column) => html`<th scope="col" class=${column.numeric ? "numeric" : ""}>${column.name}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${keyOf(row)}>${columns.map((column) => html`<td data-name=${column.name} class=${column.numeric ? "numeric" : ""}>${column.show(row)}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/** A labelled input; `hint` says what may be typed. @param {any} props */
export function Field({ label, hint = "", children = null, ...input }) {
  const id = useId();
  const described = hint ? { "aria-describedby": `${id}-hint` } : {};
  return html`<div class="field"><label for=${id}>${label}</label>
    ${children ? children({ id, ...described }) : html`<input id=${id} ...${described} ...${input} />`}
    ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}</div>`;
}

/** A modal dialog (the browser's own, so that focus stays inside and Escape closes it). @param {{title: string, onClose: () => void, children?: any}} props */
export function Dialog({ title, onClose, children }) {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return html`<dialog ref=${ref} aria-labelledby=${id} onClose=${onClose} onCancel=${onClose}>
    <div class="heading"><h2 id=${id}>${title}</h2><button type="button" class="plain" aria-label="Close" onClick=${onClose}>✕</button></div>
    ${children}
  </dialog>`;
}

/** Ask before something that cannot be taken back. @param {{title: string, verb: string, onConfirm: () => Promise<void>, onClose: () => void, children?: any}} props */
export function Confirm({ title, verb, onConfirm, onClose, children }) {
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const [busy, setBusy] = useState(false);
  const confirm = async () => {
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (failure) {
      setError(/** @type {Error} */ (failure));
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${title} onClose=${onClose}>
    ${children}<${Failure} error=${error} />
    <div class="actions"><button class="danger" disabled=${busy} onClick=${confirm}>${verb}</button><button onClick=${onClose}>Cancel</button></div>
  <//>`;
}

/** Tabs by the ARIA pattern: arrows move, the panel follows. @param {{label: string, tabs: {id: string, name: string}[], chosen: string, onChoose: (id: string) => void, children: any}} props */
export function Tabs({ label, tabs, chosen, onChoose, children }) {
  const base = useId();
  useEffect(() => {
    const tab = document.getElementById(`${base}-${chosen}`);
    const list = tab?.parentElement; // on a phone not all have room; the page itself must not move
    if (tab && list) list.scrollLeft = tab.offsetLeft - list.offsetLeft - (list.clientWidth - tab.offsetWidth) / 2;
  }, [chosen]);
  const step = (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[/** @type {string} */ (event.key)];
    if (!by) return;
    event.preventDefault();
    const next = tabs[(tabs.findIndex((tab) => tab.id === chosen) + by + tabs.length) % tabs.length];
    onChoose(next.id);
    document.getElementById(`${base}-${next.id}`)?.focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} onKeyDown=${step}>
      ${tabs.map((tab) => html`<button type="button" role="tab" id="${base}-${tab.id}" aria-selected=${tab.id === chosen ? "true" : "false"}
        aria-controls="${base}-panel" tabindex=${tab.id === chosen ? 0 : -1} onClick=${() => onChoose(tab.id)}>${tab.name}</button>`)}
    </div>
    <div role="tabpanel" id="${base}-panel" aria-labelledby="${base}-${chosen}" tabindex="0">${children}</div>`;
}

/** Text to be copied, with a button that does it; `secret` is what to copy where `text` hides a part. @param {{text: string, label: string, secret?: string}} props */
export function Copyable({ text, label, secret = text }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(secret);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return html`<div class="copyable"><pre tabindex="0" aria-label=${label}>${text}</pre>
    <button type="button" class="small" onClick=${copy} aria-label=${`Copy ${label}`}>${done ? "Copied" : "Copy"}</button></div>`;
}
