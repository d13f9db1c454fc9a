/** To be written: Live. */
import { html } from "../html.js";
import { Heading } from "../ui.js";

export function Live() {
  return html`<${Heading} title="Live" />`;
}
