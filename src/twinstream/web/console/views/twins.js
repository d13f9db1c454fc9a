/** Twins: every device that the user may see, with its presence, to be searched. */
import { html, useState } from "../html.js";
import { useFeed } from "../feed.js";
import { linkTo } from "../router.js";
import { get } from "../session.js";
import { Empty, Heading, Pending, Presence, Table, Time, useResource } from "../ui.js";

const COLUMNS = [
  { name: "Name", show: (/** @type {any} */ twin) => html`<a href=${linkTo(["twins", twin.dsn])}>${twin.product_name}</a>` },
  { name: "DSN", show: (/** @type {any} */ twin) => html`<code>${twin.dsn}</code>` },
  { name: "Model", show: (/** @type {any} */ twin) => twin.oem_model },
  { name: "Presence", show: (/** @type {any} */ twin) => html`<${Presence} status=${twin.connection_status} />` },
  { name: "Since", show: (/** @type {any} */ twin) => html`<${Time} at=${twin.connected_at} />` },
];

export function Twins() {
  const twins = useResource(async () => (await get("/apiv1/devices.json")).map((/** @type {any} */ wrapped) => wrapped.device), []);
  const [wanted, setWanted] = useState("");
  useFeed(({ event }) => {
    if (["connectivity", "registration"].includes(event.metadata.event_type)) twins.reload();
  });
  if (!twins.value) return html`<${Heading} title="Twins" /><${Pending} resource=${twins} what="twins" />`;
  const needle = wanted.trim().toLowerCase();
  const shown = twins.value.filter((/** @type {any} */ twin) => [twin.product_name, twin.dsn, twin.oem_model, twin.connection_status].some((text) => text?.toLowerCase().includes(needle)));
  const online = twins.value.filter((/** @type {any} */ twin) => twin.connection_status === "Online").length;
  return html`<${Heading} title="Twins" lead=${`${online} of ${twins.value.length} online`}>
      <input type="search" aria-label="Search twins" placeholder="Search name, DSN, model" value=${wanted} onInput=${(/** @type {any} */ event) => setWanted(event.target.value)} />
    <//>
    ${shown.length
      ? html`<${Table} label="Twins" columns=${COLUMNS} rows=${shown} keyOf=${(/** @type {any} */ twin) => twin.dsn} />`
      : html`<${Empty} title=${needle ? "No twin matches" : "No twins yet"}><p>${needle ? "Search for part of a name, a serial number or a model." : "Register a device, or have one shared with you."}</p><//>`}`;
}
