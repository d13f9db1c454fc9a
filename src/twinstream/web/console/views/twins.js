/** Twins: every device that the user may see, with its presence, to be searched. */
import { html, useEffect, useMemo, useRef, useState } from "../html.js";
import { useFeed } from "../feed.js";
import { showCount } from "../format.js";
import { linkTo } from "../router.js";
import { get } from "../session.js";
import { Empty, Heading, Pending, Presence, Table, Time, useResource } from "../ui.js";

/** Rows at first, and more at each click: a fleet's every row at once would make each key stroke slow. */
const STEP = 100;
/** A storm of registrations is one reason to load the list again. */
const SETTLE_MS = 1_000;

const COLUMNS = [
  { name: "Name", show: (/** @type {any} */ twin) => html`<a href=${linkTo(["twins", twin.dsn])}>${twin.product_name}</a>` },
  { name: "DSN", show: (/** @type {any} */ twin) => html`<code>${twin.dsn}</code>` },
  { name: "Model", show: (/** @type {any} */ twin) => twin.oem_model },
  { name: "Presence", show: (/** @type {any} */ twin) => html`<${Presence} status=${twin.connection_status} />` },
  { name: "Last connected", show: (/** @type {any} */ twin) => html`<${Time} at=${twin.connected_at} />` },
];
const PRESENCES = [{ id: "", name: "Online and offline" }, { id: "online", name: "Online" }, { id: "offline", name: "Not online" }];

export function Twins() {
  const listed = useResource(async () => (await get("/apiv1/devices.json")).map((/** @type {any} */ wrapped) => wrapped.device), []);
  const [changes, setChanges] = useState(/** @type {Record<string, any>} */ ({}));
  const [wanted, setWanted] = useState("");
  const [presence, setPresence] = useState("");
  const [most, setMost] = useState(STEP);
  const reload = useSettled(listed.reload);
  useFeed(({ event }) => {
    const { event_type: type, dsn } = event.metadata;
    if (type === "registration") reload();
    else if (type === "connectivity") {
      const { status, event_time: time } = event.connection;
      setChanges((old) => ({ ...old, [dsn]: { connection_status: status, ...(status === "Online" && { connected_at: time }) } }));
    }
  });
  const twins = useMemo(() => /** @type {any[]} */ (listed.value ?? []).map((twin) => ({ ...twin, ...changes[twin.dsn] })), [listed.value, changes]);
  if (!listed.value) return html`<${Heading} title="Twins" /><${Pending} resource=${listed} what="twins" />`;
  const isOnline = (/** @type {any} */ twin) => twin.connection_status === "Online";
  const needle = wanted.trim().toLowerCase();
  const found = twins.filter((twin) => (!presence || (presence === "online") === isOnline(twin)) && [twin.product_name, twin.dsn, twin.oem_model].some((text) => text?.toLowerCase().includes(needle)));
  const isChosen = Boolean(needle || presence);
  return html`<${Heading} title="Twins" lead=${`${twins.filter(isOnline).length} of ${twins.length} online`}>
      <select aria-label="Presence" value=${presence} onChange=${(/** @type {any} */ event) => setPresence(event.target.value)}>${PRESENCES.map(({ id, name }) => html`<option value=${id}>${name}</option>`)}</select>
      <input type="search" aria-label="Search twins" placeholder="Name, DSN, model" value=${wanted} onInput=${(/** @type {any} */ event) => setWanted(event.target.value)} />
    <//>
    <p class="unseen" role="status">${isChosen ? `${showCount(found.length, "twin")} found` : ""}</p>
    ${found.length
      ? html`<${Table} label="Twins" columns=${COLUMNS} rows=${found.slice(0, most)} keyOf=${(/** @type {any} */ twin) => twin.dsn} />`
      : html`<${Empty} title=${isChosen ? "No twin matches" : "No twins yet"}><p>${isChosen ? "Search for part of a name, a serial number or a model." : "Register a device, or have one shared with you."}</p><//>`}
    ${found.length > most && html`<p class="row"><button onClick=${() => setMost(most + STEP)}>Show more</button><span class="quiet">The first ${most} of ${found.length}.</span></p>`}`;
}

/** Call once for all reasons that come within a while. @param {() => void} action */
function useSettled(action) {
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  return () => {
    timer.current ||= setTimeout(() => {
      timer.current = 0;
      action();
    }, SETTLE_MS);
  };
}
