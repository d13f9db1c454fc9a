/**
 * Who is signed in, and calls of the REST APIs in that user's name.
 * The tokens live in this tab's sessionStorage: a reload keeps them, closing the tab forgets them.
 * Invariant: a call that gets 401 tries once to refresh; if that fails, the session ends and everybody hears of it.
 */

/** @typedef {{access_token: string, refresh_token: string, email: string, role: string}} Session */

const KEY = "twinstream.session";
/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {Session | null} */
let session = load();
/** @type {Promise<boolean> | null} */
let refreshing = null;
/** Why the last session ended, for the sign-in form. */
export let farewell = "";

/** An answer that is no success. `status` 0: the server could not be reached. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message @param {string} [code] */
  constructor(status, message, code = "") {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }
}

/** @returns {Session | null} */
export function getSession() {
  return session;
}

/** Call back after each sign-in and sign-out. @param {() => void} listener @returns {() => void} stops it */
export function onSession(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Sign in. Raises ApiError.
 * @param {string} email @param {string} password @param {{app_id: string, app_secret: string} | null} application
 */
export async function signIn(email, password, application) {
  const user = application ? { email, password, application } : { email, password };
  const answer = await exchange("POST", "/users/sign_in.json", { user }, null);
  farewell = "";
  keep({ access_token: answer.access_token, refresh_token: answer.refresh_token, email, role: answer.role });
}

/** Sign out, on the server too if it can be reached. */
export async function signOut() {
  const token = session?.access_token;
  await Promise.allSettled([...goodbyes].map((goodbye) => goodbye()));
  keep(null);
  if (!token) return;
  try {
    await exchange("POST", "/users/sign_out.json", { user: { access_token: token } }, token);
  } catch {
    // the token ends by itself
  }
}

/** @type {Set<() => Promise<void>>} what is to be undone on the server before the token goes */
export const goodbyes = new Set();

/**
 * Call the API and answer the decoded body (null if there is none). Raises ApiError.
 * @param {string} method @param {string} path @param {unknown} [body]
 * @returns {Promise<any>}
 */
export async function call(method, path, body) {
  const token = session?.access_token ?? null;
  try {
    return await exchange(method, path, body, token);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401 || token === null) throw error;
    if (session?.access_token === token && !(await refresh())) throw error;
    return exchange(method, path, body, session?.access_token ?? null);
  }
}

/** @param {string} path @returns {Promise<any>} */
export const get = (path) => call("GET", path);

/** @returns {Promise<boolean>} whether there is a fresh token */
function refresh() {
  refreshing ??= (async () => {
    try {
      const answer = await exchange("POST", "/users/refresh_token.json", { user: { refresh_token: session?.refresh_token } }, null);
      if (session) keep({ ...session, access_token: answer.access_token, refresh_token: answer.refresh_token });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
        farewell = "Your session has ended. Sign in again.";
        keep(null);
      }
      return false;
    } finally {
      refreshing = null;
    }
  })();
  return refreshing;
}

/**
 * @param {string} method @param {string} path @param {unknown} body @param {string | null} token
 * @returns {Promise<any>}
 */
async function exchange(method, path, body, token) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (token !== null) headers.Authorization = `auth_token ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
  } catch {
    throw new ApiError(0, "The server could not be reached.");
  }
  const text = await response.text();
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    // told below, if it matters
  }
  if (!response.ok) throw new ApiError(response.status, explain(answer) || `The server answered ${response.status}.`, answer?.code);
  return answer;
}

/** Find the sentence in any of the shapes of errors that the services have. @param {any} answer @returns {string} */
function explain(answer) {
  const error = answer?.error ?? answer?.detail ?? answer?.errors;
  if (typeof error === "string") return error;
  if (Array.isArray(error)) return error.map((one) => (typeof one === "string" ? one : (one?.message ?? ""))).filter(Boolean).join(" ");
  if (typeof error?.message === "string") return error.message;
  if (error && typeof error === "object") {
    return Object.entries(error)
      .map(([field, problem]) => `${field}: ${[problem].flat().join(", ")}`)
      .join("; ");
  }
  return "";
}

/** @param {Session | null} next */
function keep(next) {
  session = next;
  if (next) sessionStorage.setItem(KEY, JSON.stringify(next));
  else sessionStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

/** @returns {Session | null} */
function load() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}
