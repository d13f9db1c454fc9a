/** What else there is to a twin: where it is, when it was connected, its attributes. */
import { html } from "../html.js";
import { get } from "../session.js";
import { Empty, Pending, Presence, Table, Time, useResource } from "../ui.js";

/** @param {{dsn: string, twin: any, place: any}} props `place`: the newest location event, if one came meanwhile */
export function Location({ dsn, twin, place }) {
  const known = useResource(async () => {
    const subscription = (await get("/api/v1/subscriptions.json")).find((/** @type {any} */ one) => one.subscription.name === "console")?.subscription;
    if (!subscription) return null;
    const { verdicts } = await get(`/api/v1/subscriptions/${subscription.id}/why.json?dsn=${encodeURIComponent(dsn)}&event_type=location&limit=1`);
    return verdicts[0]?.event.location_event ?? null;
  }, [dsn]);
  const newest = place ?? known.value ?? (twin.lat && twin.lng ? { lat: twin.lat, long: twin.lng, provider: "the twin" } : null);
  if (!newest) {
    return known.value === undefined && !known.error
      ? html`<${Pending} resource=${known} what="its location" />`
      : html`<${Empty} title="Nobody has said where it is"><p>A location event, or a location that its owner sets, puts it on the map.</p><//>`;
  }
  const latitude = Number(newest.lat);
  const longitude = Number(newest.long);
  return html`<div class="panel">
    <${WorldMap} latitude=${latitude} longitude=${longitude} />
    <p><strong>${write(latitude, "N", "S")} ${write(longitude, "E", "W")}</strong> <span class="quiet">by ${newest.provider ?? "–"}${newest.created_at && html`, <${Time} at=${newest.created_at} />`}</span></p>
  </div>`;
}

/** The world as a grid of 30 degrees, longitude by latitude. @param {{latitude: number, longitude: number}} props */
function WorldMap({ latitude, longitude }) {
  const x = 180 + longitude;
  const y = 90 - latitude;
  const lines = [];
  for (let at = 0; at <= 360; at += 30) lines.push(html`<line x1=${at} y1="0" x2=${at} y2="180" class=${at === 180 ? "axis" : ""} />`);
  for (let at = 0; at <= 180; at += 30) lines.push(html`<line x1="0" y1=${at} x2="360" y2=${at} class=${at === 90 ? "axis" : ""} />`);
  return html`<svg class="map" viewBox="0 0 360 180" role="img" aria-label=${`A map with a mark at ${write(latitude, "N", "S")} ${write(longitude, "E", "W")}`}>
    ${lines}<line class="cross" x1=${x} y1="0" x2=${x} y2="180" /><line class="cross" x1="0" y1=${y} x2="360" y2=${y} /><circle cx=${x} cy=${y} r="4" />
  </svg>`;
}

/** @param {number} degrees @param {string} positive @param {string} negative */
const write = (degrees, positive, negative) => `${Math.abs(degrees).toFixed(4)}° ${degrees < 0 ? negative : positive}`;

/** @param {{dsn: string, status: string}} props `status` makes it load again when it changes */
export function Connections({ dsn, status }) {
  const history = useResource(async () => (await get(`/apiv1/dsns/${encodeURIComponent(dsn)}/connection_history.json`)).map((/** @type {any} */ wrapped) => wrapped.connection), [dsn, status]);
  if (!history.value) return html`<${Pending} resource=${history} what="its connections" />`;
  if (!history.value.length) return html`<${Empty} title="It has never been online"><p>Its comings and goings will be listed here.</p><//>`;
  const columns = [
    { name: "Time", show: (/** @type {any} */ change) => html`<${Time} at=${change.event_time} />` },
    { name: "Became", show: (/** @type {any} */ change) => html`<${Presence} status=${change.status} />` },
  ];
  return html`<${Table} label="Connection history" columns=${columns} rows=${history.value} keyOf=${(/** @type {any} */ change) => change.id} />`;
}

/** @param {{twin: any}} props */
export const Attributes = ({ twin }) => html`<div class="panel"><dl class="facts">${Object.entries(twin)
  .filter(([, value]) => value !== null && value !== "")
  .map(([name, value]) => html`<dt>${name}</dt><dd><code>${String(value)}</code></dd>`)}</dl></div>`;
