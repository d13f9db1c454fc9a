/** To be written: Stream. */
import { html } from "../html.js";
import { Heading } from "../ui.js";

export function Stream() {
  return html`<${Heading} title="Stream" />`;
}
