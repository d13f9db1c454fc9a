/** To be written: Overview. */
import { html } from "../html.js";
import { Heading } from "../ui.js";

export function Overview() {
  return html`<${Heading} title="Overview" />`;
}
