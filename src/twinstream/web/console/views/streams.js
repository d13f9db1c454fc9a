/** To be written: Streams. */
import { html } from "../html.js";
import { Heading } from "../ui.js";

export function Streams() {
  return html`<${Heading} title="Streams" />`;
}
