/** The console: its frame, its places, and who is signed in. Each view is a module of `views/`. */
import { html, render, useEffect, useRef, useState } from "./html.js";
import { linkTo, usePlace } from "./router.js";
import { farewell, getSession, onSession, signIn, signOut } from "./session.js";
import { Failure, Field } from "./ui.js";
import { Live } from "./views/live.js";
import { Overview } from "./views/overview.js";
import { Stream } from "./views/stream.js";
import { Streams } from "./views/streams.js";
import { Twin } from "./views/twin.js";
import { Twins } from "./views/twins.js";
import { Why } from "./views/why.js";

/** @type {{id: string, name: string, icon: string, list: any, one?: any}[]} in the order of the navigation */
const PLACES = [
  { id: "overview", name: "Overview", icon: "M4 13h6V4H4zm0 7h6v-5H4zm10 0h6v-9h-6zm0-16v5h6V4z", list: Overview },
  { id: "twins", name: "Twins", icon: "M6 3h9a2 2 0 0 1 2 2v9H8a2 2 0 0 1-2-2zM4 8v10a2 2 0 0 0 2 2h10", list: Twins, one: Twin },
  { id: "streams", name: "Streams", icon: "M3 8c4-5 6-5 9 0s5 5 9 0M3 16c4-5 6-5 9 0s5 5 9 0", list: Streams, one: Stream },
  { id: "live", name: "Live", icon: "M12 12h.01M8 8a6 6 0 0 0 0 8m8 0a6 6 0 0 0 0-8M5 5a10 10 0 0 0 0 14m14 0a10 10 0 0 0 0-14", list: Live },
  { id: "why", name: "Why not?", icon: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2m0 3h.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18", list: Why },
];

const THEMES = /** @type {const} */ (["system", "light", "dark"]);

function App() {
  const [session, setSession] = useState(getSession);
  useEffect(() => onSession(() => setSession(getSession())), []);
  return html`<a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    ${session ? html`<${Frame} session=${session} />` : html`<${SignIn} />`}`;
}

/** @param {Event} event the hash is ours: the link may not change it */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** @param {{session: import("./session.js").Session}} props */
function Frame({ session }) {
  const { path, query } = usePlace();
  const place = PLACES.find((candidate) => candidate.id === path[0]) ?? PLACES[0];
  const View = path[1] && place.one ? place.one : place.list;
  return html`<div class="frame">
    <header class="side">
      <a class="brand" href="#/overview"><img src="/console/icon.svg" alt="" width="26" height="26" />twinstream</a>
      <nav aria-label="Views">${PLACES.map(({ id, name, icon }) => html`<a href=${linkTo([id])} aria-current=${id === place.id ? "page" : null}><${Icon} path=${icon} /><span>${name}</span></a>`)}</nav>
      <div class="who">
        <span class="quiet" title=${session.role}>${session.email}</span>
        <div class="row"><${Theme} /><button class="small" onClick=${signOut}>Sign out</button></div>
        <p class="small-print"><a href="/api">REST APIs</a> · <a href="/api/stream">The stream</a></p>
      </div>
    </header>
    <main id="main" tabindex="-1"><${View} key=${path.slice(0, 2).join("/")} id=${path[1]} query=${query} /></main>
  </div>`;
}

/** @param {{path: string}} props */
const Icon = ({ path }) => html`<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d=${path} /></svg>`;

function Theme() {
  const [theme, setTheme] = useState(() => localStorage.getItem("twinstream.theme") ?? "system");
  useEffect(() => {
    applyTheme(theme);
  }, [theme]);
  const next = THEMES[(THEMES.indexOf(/** @type {any} */ (theme)) + 1) % THEMES.length];
  return html`<button class="small" onClick=${() => setTheme(next)} aria-label=${`Colours: ${theme}. Change to ${next}`}>${{ system: "Auto", light: "Light", dark: "Dark" }[theme]}</button>`;
}

/** @param {string} theme */
function applyTheme(theme) {
  localStorage.setItem("twinstream.theme", theme);
  document.documentElement.style.colorScheme = theme === "system" ? "" : theme;
  dispatchEvent(new Event("themechange"));
}

function SignIn() {
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const [busy, setBusy] = useState(false);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => {
    document.title = "Sign in · twinstream";
  }, []);
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (form.current)));
    setBusy(true);
    try {
      const application = fields.app_id ? { app_id: String(fields.app_id), app_secret: String(fields.app_secret) } : null;
      await signIn(String(fields.email), String(fields.password), application);
    } catch (failure) {
      setError(/** @type {Error} */ (failure));
      setBusy(false);
    }
  };
  return html`<main id="main" class="sign-in" tabindex="-1">
    <h1><img src="/console/icon.svg" alt="" width="34" height="34" /> twinstream</h1>
    <p class="quiet">${farewell || "Watch twins and streams live."}</p>
    <form ref=${form} onSubmit=${submit}>
      <${Field} label="Email" name="email" type="email" autocomplete="username" required autofocus />
      <${Field} label="Password" name="password" type="password" autocomplete="current-password" required />
      <details><summary>With an application</summary>
        <${Field} label="App id" name="app_id" autocomplete="off" spellcheck="false" hint="Needed only where the OEM demands it." />
        <${Field} label="App secret" name="app_secret" type="password" autocomplete="off" />
      </details>
      <${Failure} error=${error} />
      <button class="primary" disabled=${busy}>${busy ? "Signing in…" : "Sign in"}</button>
    </form>
    <p class="small-print quiet">In the demo, the email and the password are printed at its start, and kept in <code>demo.json</code>.</p>
    <p class="small-print"><a href="/api">REST APIs</a> · <a href="/api/stream">The stream</a></p>
  </main>`;
}

applyTheme(localStorage.getItem("twinstream.theme") ?? "system");
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.replaceChildren();
render(html`<${App} />`, root);
