/** Making a subscription, and changing one. */
import { html, useRef, useState } from "../html.js";
import { call, getSession } from "../session.js";
import { Dialog, Failure, Field } from "../ui.js";

export const TYPES = ["connectivity", "datapoint", "datapointack", "location", "registration"];

/** @param {{stream?: any, onClose: () => void, onDone: (subscription: any) => void}} props `stream`: the one to change */
export function StreamForm({ stream = null, onClose, onDone }) {
  const isStaff = getSession()?.role.startsWith("OEM::");
  const [clientType, setClientType] = useState(stream?.client_type ?? (isStaff ? "cloud" : "mobile"));
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const [busy, setBusy] = useState(false);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const isCloud = clientType === "cloud";
  const chosen = new Set((stream?.subscription_type ?? "datapoint").split(","));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (form.current));
    const text = (/** @type {string} */ name) => String(fields.get(name) ?? "").trim();
    const subscription = {
      name: text("name") || null,
      client_type: clientType,
      subscription_type: fields.getAll("type").join(","),
      dsn: text("dsn") || "*",
      oem_model: text("oem_model") || "*",
      property_name: text("property_name") || "*",
      batch_size: Number(text("batch_size") || 1),
      start_from: text("start_from"),
    };
    setBusy(true);
    try {
      const path = stream ? `/api/v1/subscriptions/${stream.id}.json` : "/api/v1/subscriptions.json";
      const answer = await call(stream ? "PUT" : "POST", path, { subscription });
      onClose();
      onDone(answer.subscription);
    } catch (failure) {
      setError(/** @type {Error} */ (failure));
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${stream ? "Change the subscription" : "New subscription"} onClose=${onClose}>
    <form ref=${form} onSubmit=${submit}>
      <${Field} label="Name" name="name" defaultValue=${stream?.name ?? ""} maxlength="255" />
      ${!stream && isStaff && html`<${Field} label="For">${(/** @type {any} */ attributes) => html`<select ...${attributes} value=${clientType} onChange=${(/** @type {any} */ event) => setClientType(event.target.value)}>
        <option value="cloud">A service: devices of the OEM (cloud)</option><option value="mobile">An app: my own devices (mobile)</option></select>`}<//>`}
      <fieldset><legend>Events</legend>${TYPES.map((type) => html`<label class="choice"><input type=${isCloud ? "radio" : "checkbox"} name="type" value=${type} defaultChecked=${chosen.has(type)} />${type}</label>`)}</fieldset>
      <${Field} label="Devices (DSN)" name="dsn" defaultValue=${stream?.dsn ?? "*"} hint="A comma list, or * for any." />
      <${Field} label="Models" name="oem_model" defaultValue=${stream?.oem_model ?? "*"} hint=${isCloud ? "A comma list, or *; devices and models can't both be *." : "A comma list, or * for any."} />
      <${Field} label="Properties" name="property_name" defaultValue=${stream?.property_name ?? "*"} hint="A comma list, or * for any." />
      <div class="pair">
        <${Field} label="Events per message" name="batch_size" type="number" min="1" max="1000" defaultValue=${stream?.batch_size ?? 1} hint="1 for clients that read one." />
        <${Field} label="Without seq_start, begin">${(/** @type {any} */ attributes) => html`<select ...${attributes} name="start_from" defaultValue=${stream?.start_from ?? "acknowledged"}>
          <option value="acknowledged" selected=${stream?.start_from !== "live"}>after the last acknowledged</option><option value="live" selected=${stream?.start_from === "live"}>with what happens from now on</option></select>`}<//>
      </div>
      <${Failure} error=${error} />
      <div class="actions"><button class="primary" disabled=${busy}>${stream ? "Save" : "Create"}</button><button type="button" onClick=${onClose}>Cancel</button></div>
    </form>
  <//>`;
}
