/** A property of a twin: what it is, and for those that devices take, the way to set it. */
import { html, useState } from "../html.js";
import { showValue } from "../format.js";
import { linkTo } from "../router.js";
import { State, Switch, Time } from "../ui.js";
import { Content, isAddress } from "./twin_content.js";

const OUTCOMES = /** @type {const} */ ({
  pending: ["busy", "pending"],
  sent: ["busy", "sent"],
  acknowledged: ["good", "acknowledged"],
  refused: ["bad", "refused"],
  failed: ["bad", "not sent"],
});
const NUMERIC = { integer: "1", decimal: "any" };

/** @param {{dsn: string, property: any, outcome?: import("./twin.js").Outcome, onSet: (property: any, value: unknown) => void}} props */
export function PropertyRow({ dsn, property, outcome, onSet }) {
  const settable = property.direction === "input" && !property.read_only;
  const [kind, words] = outcome ? OUTCOMES[outcome.state] : [null, ""];
  return html`<li class="property">
    <div class="what">
      <a href=${linkTo(["twins", dsn], { tab: "history", property: property.name })} title="Its history">${property.display_name ?? property.name}</a>
      <span class="quiet">${property.base_type}, ${property.direction === "input" ? "to the device" : "from the device"}${property.ack_enabled ? ", acknowledged" : ""}</span>
    </div>
    <div class="value" aria-live="polite">
      ${settable ? html`<${Setter} property=${property} busy=${outcome?.state === "pending"} onSet=${onSet} />` : html`<${Shown} property=${property} />`}
    </div>
    <div class="outcome" role="status">${kind && html`<${State} kind=${kind}>${words}${outcome?.why ? `: ${outcome.why}` : ""}<//>`}</div>
    <div class="quiet when"><${Time} at=${property.data_updated_at} /></div>
  </li>`;
}

/** A value as the device reports it; a boolean as a lamp. @param {{property: any}} props */
function Shown({ property }) {
  const text = showValue(property.value, property.base_type);
  if (property.base_type === "boolean") return html`<span class="lamp ${Number(property.value) ? "on" : ""}" aria-hidden="true"></span><span>${text}</span>`;
  if (isAddress(property.value)) return html`<${Content} key=${property.value} value=${property.value} name=${property.name} />`;
  return html`<span class="text" title=${text}>${text}</span>`;
}

/** @param {{property: any, busy: boolean, onSet: (property: any, value: unknown) => void}} props */
function Setter({ property, busy, onSet }) {
  const [draft, setDraft] = useState(/** @type {string | null} */ (null));
  if (property.base_type === "boolean") {
    const on = Boolean(Number(property.value));
    return html`<${Switch} on=${on} label=${property.display_name ?? property.name} busy=${busy} onChange=${(/** @type {boolean} */ next) => onSet(property, next ? 1 : 0)} /><span>${on ? "on" : "off"}</span>`;
  }
  if (property.base_type === "file" || property.base_type === "message") return html`<${Shown} property=${property} />`;
  const step = NUMERIC[/** @type {"integer" | "decimal"} */ (property.base_type)];
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    onSet(property, step ? Number(draft) : draft);
    setDraft(null);
  };
  return html`<form onSubmit=${send}>
    <input aria-label=${property.display_name ?? property.name} type=${step ? "number" : "text"} step=${step} required
      value=${draft ?? property.value ?? ""} onInput=${(/** @type {any} */ event) => setDraft(event.target.value)} />
    <button class="small" disabled=${draft === null}>Send</button>
  </form>`;
}
