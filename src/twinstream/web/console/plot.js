/** Plots over time: uPlot in the console's colours, as wide as their place, drawn again when the scheme changes. */
import { html, useEffect, useRef } from "./html.js";
import uPlot from "./vendor/uplot.js";

/** @typedef {{label: string, colour?: string, stepped?: boolean, fill?: boolean}} Line */

/** How the axis writes times, by the distance of its marks: [from s, always, at a new year, …, at a new day, …]. */
const TIMES = [
  [86_400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", null, null, "\n{D} {MMM}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", null, null, "\n{D} {MMM}", null, null, null, 1],
];
/** What happened within less is shown at the end of so much, in whole seconds. */
const LEAST_SPAN_S = 30;

/**
 * @param {{label: string, times: number[], lines: (Line & {values: (number | null)[]})[], height?: number, unit?: string, isFromZero?: boolean,
 *   words?: string[] | null, summary: string}} props  `times` in seconds since 1970; `isFromZero`: the axis shows zero; `words` stand for the values 0, 1, …;
 *   `summary` says in words what the plot shows
 */
export function Plot({ label, times, lines, height = 180, unit = "", isFromZero = true, words = null, summary }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {any} */ (null));
  const shape = JSON.stringify([lines.map(({ label: name, colour, stepped, fill }) => [name, colour, stepped, fill]), height, unit, isFromZero, words]);
  const table = /** @type {uPlot.AlignedData} */ ([times, ...lines.map((line) => line.values)]);
  const latest = useRef(table);
  latest.current = table;
  useEffect(() => {
    const box = /** @type {HTMLElement} */ (place.current);
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(describe(box, lines, height, unit, isFromZero, words), latest.current, box);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height }));
    resized.observe(box);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    addEventListener("themechange", draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener("change", draw);
      removeEventListener("themechange", draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(table), [times, lines]);
  return html`<figure class="plot" role="img" aria-label="${label}: ${summary}"><div ref=${place}></div></figure>`;
}

/** Some room around, or zero at the bottom. @param {number} low @param {number} high @param {boolean} isFromZero @returns {[number, number]} */
function widen(low, high, isFromZero) {
  const room = low === high ? 1 : (high - low) * 0.08;
  return [isFromZero ? Math.min(0, low) : low - room, high + room];
}

/** @param {HTMLElement} box @param {Line[]} lines @param {number} height @param {string} unit @param {boolean} isFromZero @param {string[] | null} words @returns {uPlot.Options} */
function describe(box, lines, height, unit, isFromZero, words) {
  const colour = makePalette(box);
  const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  return {
    width: box.clientWidth || 600,
    height,
    padding: [10, 30, 0, 0],
    cursor: { drag: { x: false, y: false } },
    legend: { show: lines.length > 1, live: false },
    axes: [{ ...axis, space: 70, values: TIMES }, { ...axis, size: 52, values: (/** @type {any} */ _, /** @type {number[]} */ ticks) => ticks.map((tick) => (words ? (words[tick] ?? "") : `${tick}${unit}`)) }],
    scales: { x: { range: (_, low, high) => [Math.min(low, high - LEAST_SPAN_S), high] }, y: { range: (_, low, high) => (words ? [-0.1, words.length - 0.9] : widen(low, high, isFromZero)) } },
    series: [
      {},
      ...lines.map(({ label, colour: name = "accent", stepped = false, fill = false }) => ({
        label,
        stroke: colour(name),
        width: 1.75,
        fill: fill ? `color-mix(in srgb, ${colour(name)} 14%, transparent)` : undefined,
        paths: stepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined,
        points: { show: false },
      })),
    ],
  };
}

/** A canvas takes no light-dark(): ask the browser what a token comes to here. @param {HTMLElement} box */
function makePalette(box) {
  const probe = document.createElement("span");
  return (/** @type {string} */ name) => {
    box.append(probe);
    probe.style.color = `var(--${name})`;
    const resolved = getComputedStyle(probe).color;
    probe.remove();
    return resolved;
  };
}
