/** To be written: Twin. */
import { html } from "../html.js";
import { Heading } from "../ui.js";

export function Twin() {
  return html`<${Heading} title="Twin" />`;
}
