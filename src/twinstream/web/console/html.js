/**
 * What every view writes with: `html` templates of Preact, and its hooks. The only module that names the vendored ones.
 * A value in a template is text, never markup: nothing here takes HTML from a string.
 */
import { h, render, Fragment } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export { render, Fragment };
export { useCallback, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState } from "./vendor/hooks.js";
export const html = htm.bind(h);
