/** To be written: Why. */
import { html } from "../html.js";
import { Heading } from "../ui.js";

export function Why() {
  return html`<${Heading} title="Why" />`;
}
