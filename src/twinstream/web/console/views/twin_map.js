/**
 * Where a twin is and was, on a map without tiles: the land's outline from the server's own files, in three distances.
 * Latitude and longitude are the axes, in tenths of a degree from 90° N and 180° W.
 */
import { html, useEffect, useState } from "../html.js";
import { feedSubscription, useFeed } from "../feed.js";
import { showCount } from "../format.js";
import { get } from "../session.js";
import { Empty, Pending, Time, useResource } from "../ui.js";

/** @typedef {{latitude: number, longitude: number, provider: string, created_at: string | null}} Spot */

const TRAIL = 100;
const WORLD = { x: 0, y: 0, width: 3600, height: 1800 };
const REGION_WIDTH = 500;
/** A hundredth of a degree: about a kilometre. */
const LEAST_WIDTH = 0.2;
const LEVELS = [{ id: "world", name: "World" }, { id: "region", name: "Region" }, { id: "trail", name: "Trail" }];

/** @param {{dsn: string, twin: any}} props */
export function Location({ dsn, twin }) {
  const [level, setLevel] = useState("region");
  const [news, setNews] = useState(/** @type {Spot[]} */ ([]));
  const known = useResource(async () => {
    const { verdicts } = await get(`/api/v1/subscriptions/${await feedSubscription()}/why.json?${new URLSearchParams({ dsn, event_type: "location", limit: String(TRAIL) })}`);
    return verdicts.map((/** @type {any} */ verdict) => readSpot(verdict.event.location_event)).filter(Boolean).reverse();
  }, [dsn]);
  useFeed(({ event: { metadata, location_event: location } }) => {
    if (metadata.dsn !== dsn || metadata.event_type !== "location") return;
    const spot = readSpot(location);
    if (spot) setNews((old) => [...old, spot].slice(-TRAIL));
  });
  if (known.value === undefined && !known.error) return html`<${Pending} resource=${known} what="its location" />`;
  const own = readSpot({ lat: twin.lat, long: twin.lng, provider: "the twin", created_at: null });
  const seen = [...(known.value ?? []), ...news].slice(-TRAIL);
  const trail = /** @type {Spot[]} */ (seen.length ? seen : [own].filter(Boolean));
  const newest = trail.at(-1);
  if (!newest) return html`<${Empty} title="Nobody has said where it is"><p>A location event, or a location that its owner sets, puts it on the map.</p><//>`;
  return html`<div class="panel">
    <div class="row map-head">
      <p><strong class="numbers">${writeSpot(newest)}</strong> <span class="quiet">by ${newest.provider}${newest.created_at && html`, <${Time} at=${newest.created_at} />`}</span></p>
      <div class="actions" role="group" aria-label="Distance">${LEVELS.map(({ id, name }) => html`<button class="small" aria-pressed=${id === level ? "true" : "false"} onClick=${() => setLevel(id)}>${name}</button>`)}</div>
    </div>
    <${WorldMap} trail=${trail} level=${level} />
  </div>`;
}

/** @param {{trail: Spot[], level: string}} props `trail`: the newest spot last */
function WorldMap({ trail, level }) {
  const [land, setLand] = useState("");
  useEffect(() => {
    // as a file of its own, which only those load who look at a map
    import("../vendor/land.js").then((module) => setLand(module.default), () => {});
  }, []);
  const points = trail.map(({ latitude, longitude }) => ({ x: 10 * (longitude + 180), y: 10 * (90 - latitude) }));
  const newest = points[points.length - 1];
  const view = level === "world" ? WORLD : level === "region" ? around(newest, REGION_WIDTH) : enclose(points);
  const step = stepOf(view.width);
  const label = `A map with a mark at ${writeSpot(trail[trail.length - 1])}${trail.length > 1 ? `, and ${showCount(trail.length - 1, "place")} before it` : ""}`;
  return html`<svg class="map" viewBox="${view.x} ${view.y} ${view.width} ${view.height}" role="img" aria-label=${label}>
      <path class="land" d=${land} />
      ${marks(view.x, view.width, step).map((x) => html`<line x1=${x} y1=${view.y} x2=${x} y2=${view.y + view.height} />`)}
      ${marks(view.y, view.height, step).map((y) => html`<line x1=${view.x} y1=${y} x2=${view.x + view.width} y2=${y} />`)}
      <polyline points=${points.map(({ x, y }) => `${x},${y}`).join(" ")} />
      ${level === "trail" && html`<path class="before" d=${points.map(spot).join("")} />`}
      <path class="halo" d=${spot(newest)} /><path class="rim" d=${spot(newest)} /><path class="newest" d=${spot(newest)} />
    </svg>
    <p class="hint">Lines are ${showDegrees(step / 10)} apart. ${trail.length > 1 && `The newest ${trail.length} places are joined.`} Outline: Natural Earth.</p>`;
}

/** A line without length: its round ends are a dot, as wide as the line at every distance. @param {{x: number, y: number}} point */
const spot = ({ x, y }) => `M${x} ${y}h0`;

/** @param {{x: number, y: number}} centre @param {number} width */
const around = ({ x, y }, width) => ({ x: x - width / 2, y: y - width / 4, width, height: width / 2 });

/** As near as shows all points. @param {{x: number, y: number}[]} points */
function enclose(points) {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const width = Math.min(WORLD.width, Math.max(LEAST_WIDTH, 1.3 * (right - left), 2.6 * (bottom - top)));
  return around({ x: (left + right) / 2, y: (top + bottom) / 2 }, width);
}

/** The distance of lines: 300 (30°) for the world, and so that there are about ten. @param {number} width */
function stepOf(width) {
  if (width === WORLD.width) return 300;
  const power = 10 ** Math.floor(Math.log10(width / 10));
  return power * (width / 10 / power >= 5 ? 5 : width / 10 / power >= 2 ? 2 : 1);
}

/** @param {number} from @param {number} length @param {number} step */
function marks(from, length, step) {
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.max(0, Math.floor((from + length) / step) - first + 1) }, (_, index) => (first + index) * step);
}

/** @param {any} location @returns {Spot | null} */
function readSpot(location) {
  const [latitude, longitude] = [location?.lat, location?.long].map((text) => (text === null || text === undefined || text === "" ? NaN : Number(text)));
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return null;
  return { latitude, longitude, provider: location.provider ?? "somebody", created_at: location.created_at ?? null };
}

/** @param {Spot} spot */
const writeSpot = ({ latitude, longitude }) => `${write(latitude, "N", "S")} ${write(longitude, "E", "W")}`;

/** @param {number} degrees @param {string} positive @param {string} negative */
const write = (degrees, positive, negative) => `${Math.abs(degrees).toFixed(4)}° ${degrees < 0 ? negative : positive}`;

/** @param {number} degrees */
const showDegrees = (degrees) => `${Number(degrees.toPrecision(1))}°`;
