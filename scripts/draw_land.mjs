// Draw the world's land as one SVG path, in tenths of a degree from 180° W and 90° N: node scripts/draw_land.mjs
// TOPOJSON_CLIENT WORLD >land.js. Called by scripts/vendor.sh.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [clientFile, worldFile] = process.argv.slice(2).map((path) => resolve(path));
const { feature } = createRequire(import.meta.url)(clientFile);
const world = JSON.parse(readFileSync(worldFile, "utf8"));
const polygons = feature(world, world.objects.land).features[0].geometry.coordinates;
const WIDTH = 3600;
const HEIGHT = 1800;

/** A coast may cross 180°: follow it beyond the edge, and draw it again a world to the left or right of that. */
function draw(ring) {
  const points = [];
  let turns = 0;
  let before = ring[0][0];
  for (const [longitude, latitude] of ring) {
    if (longitude - before > 180) turns -= 1;
    if (longitude - before < -180) turns += 1;
    before = longitude;
    points.push([Math.round(10 * (longitude + 180) + WIDTH * turns), Math.round(10 * (90 - latitude))]);
  }
  if (turns !== 0) points.push([points.at(-1)[0], HEIGHT], [points[0][0], HEIGHT]); // around the south pole
  const [least, most] = [Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x))];
  const shifts = [0, ...(least < 0 ? [WIDTH] : []), ...(most > WIDTH ? [-WIDTH] : [])];
  return shifts.map((shift) => write(points.map(([x, y]) => [x + shift, y]))).join("");
}

function write(points) {
  let path = "";
  let [x, y] = points[0];
  const steps = [];
  for (const [nextX, nextY] of points.slice(1)) {
    if (nextX !== x || nextY !== y) steps.push(`${nextX - x} ${nextY - y}`);
    [x, y] = [nextX, nextY];
  }
  if (steps.length > 2) path = `M${points[0].join(" ")}l${steps.join(" ").replaceAll(" -", "-")}z`;
  return path;
}

console.log(`export default ${JSON.stringify(polygons.flat().map(draw).join(""))};`);
