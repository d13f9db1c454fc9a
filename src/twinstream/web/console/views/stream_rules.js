/** Access rules: which role of the OEM may subscribe to what. */
import { html, useRef, useState } from "../html.js";
import { call, get } from "../session.js";
import { Confirm, Empty, Failure, Field, Pending, Table, useResource } from "../ui.js";
import { TYPES } from "./stream_form.js";

export function AccessRules() {
  const rules = useResource(async () => (await get("/api/v1/oemAccessRules.json")).map((/** @type {any} */ wrapped) => wrapped.OemAccessRule), []);
  const [doomed, setDoomed] = useState(/** @type {any} */ (null));
  if (!rules.value) return html`<${Pending} resource=${rules} what="access rules" />`;
  const columns = [
    { name: "Role", show: (/** @type {any} */ rule) => rule.role },
    { name: "Events", show: (/** @type {any} */ rule) => rule.subscription_type },
    { name: "Models", show: (/** @type {any} */ rule) => rule.oem_model },
    { name: "Properties", show: (/** @type {any} */ rule) => rule.property_name },
    { name: "Action", show: (/** @type {any} */ rule) => html`<button class="small" aria-label=${`Delete the rule for ${rule.role}, ${rule.subscription_type}`} onClick=${() => setDoomed(rule)}>Delete</button>` },
  ];
  return html`<p class="quiet">Cloud subscriptions see what their terms and a rule for the role of their owner have in common.</p>
    ${rules.value.length ? html`<${Table} label="Access rules" columns=${columns} rows=${rules.value} keyOf=${(/** @type {any} */ rule) => rule.id} />` : html`<${Empty} title="No rules"><p>Without any, nobody can make a cloud subscription.</p><//>`}
    <${NewRule} onDone=${rules.reload} />
    ${doomed && html`<${Confirm} title="Delete the access rule?" verb="Delete" onClose=${() => setDoomed(null)}
      onConfirm=${async () => { await call("DELETE", `/api/v1/oemAccessRules/${doomed.id}.json`); await rules.reload(); }}>
      <p>Subscriptions of ${doomed.role} to ${doomed.subscription_type} events see nothing more from now on, unless another rule lets them.</p><//>`}`;
}

/** @param {{onDone: () => void}} props */
function NewRule({ onDone }) {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (form.current)));
    try {
      await call("POST", "/api/v1/oemAccessRules.json", { OemAccessRule: { ...fields, client_type: "cloud" } });
      setError(null);
      form.current?.reset();
      onDone();
    } catch (failure) {
      setError(/** @type {Error} */ (failure));
    }
  };
  return html`<form class="panel" ref=${form} onSubmit=${submit}><h2>New access rule</h2><div class="fields">
    <${Field} label="Role" name="role" defaultValue="OEM::Staff" required />
    <${Field} label="Events">${(/** @type {any} */ attributes) => html`<select ...${attributes} name="subscription_type">${TYPES.map((type) => html`<option>${type}</option>`)}</select>`}<//>
    <${Field} label="Models" name="oem_model" defaultValue="*" required />
    <${Field} label="Properties" name="property_name" defaultValue="*" required />
    </div><${Failure} error=${error} /><button>Add the rule</button></form>`;
}
