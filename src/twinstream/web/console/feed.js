/**
 * What happens to the signed-in user's devices, for every view that shows it live: one subscription of the console's
 * own (mobile, from now on), made when the first view listens and deleted at sign-out or after a day by the server.
 */
import { useEffect, useRef } from "./html.js";
import { ApiError, call, getSession, goodbyes, onSession } from "./session.js";
import { ObservingSocket } from "./socket.js";

export const FEED_NAME = "console";
/** @typedef {import("./socket.js").Received} Received */
/** @type {Set<{onEvent: (received: Received) => void, onState: (state: string) => void}>} */
const listeners = new Set();
/** @type {{id: number, key: string} | null} */
let subscription = null;
/** @type {ObservingSocket | null} */
let socket = null;
/** @type {Promise<void> | null} */
let opening = null;
/** @type {object | null} the opening that counts; none does after a sign-out */
let asking = null;
let state = "connecting";

onSession(() => {
  if (!getSession()) stop();
});

/** Hear of every event of the user's devices while the component is shown. @param {(received: Received) => void} onEvent @param {(state: string) => void} [onState] */
export function useFeed(onEvent, onState = () => {}) {
  const latest = useRef({ onEvent, onState });
  latest.current = { onEvent, onState };
  useEffect(() => {
    const listener = {
      onEvent: (/** @type {Received} */ received) => latest.current.onEvent(received),
      onState: (/** @type {string} */ next) => latest.current.onState(next),
    };
    listeners.add(listener);
    listener.onState(state);
    opening ??= open();
    return () => {
      listeners.delete(listener);
    };
  }, []);
}

/** The id of the feed's subscription, once there is one: some questions need any subscription. @returns {Promise<number>} */
export async function feedSubscription() {
  await (opening ??= open());
  if (!subscription) throw new ApiError(0, "The console's own subscription could not be made.");
  return subscription.id;
}

async function open() {
  const stored = JSON.parse(sessionStorage.getItem("twinstream.feed") ?? "null");
  const asker = {};
  asking = asker;
  try {
    const found = stored ?? (await make());
    if (asking !== asker) return; // whoever asked has signed out: the next user must not see this one's events
    subscription = found;
    sessionStorage.setItem("twinstream.feed", JSON.stringify(subscription));
    goodbyes.add(remove);
    socket = new ObservingSocket(/** @type {{key: string}} */ (subscription).key, {
      onRecords: (records) => records.forEach((record) => listeners.forEach((listener) => listener.onEvent(record))),
      onState: (next) => {
        tell(next);
        if (next === "ended" || (next === "reconnecting" && stored && !socket?.counts.events)) verify();
      },
    });
  } catch {
    if (asking !== asker) return;
    opening = null; // the next view tries again
    tell("reconnecting");
  }
}

async function make() {
  const body = { name: FEED_NAME, client_type: "mobile", subscription_type: "connectivity,datapoint,datapointack,location,registration", batch_size: 100, start_from: "live" };
  const { subscription: made } = await call("POST", "/api/v1/subscriptions.json", { subscription: body });
  return { id: made.id, key: made.stream_key };
}

/** A subscription that is gone (expired, or the server's data were) is made anew. */
async function verify() {
  try {
    await call("GET", `/api/v1/subscriptions/${subscription?.id}.json`);
  } catch (error) {
    if (/** @type {any} */ (error).status !== 404) return;
    stop();
    if (listeners.size && getSession()) opening = open();
  }
}

async function remove() {
  socket?.close();
  if (subscription) await call("DELETE", `/api/v1/subscriptions/${subscription.id}.json`);
}

function stop() {
  socket?.close();
  sessionStorage.removeItem("twinstream.feed");
  goodbyes.delete(remove);
  socket = subscription = opening = asking = null;
  state = "connecting";
}

/** @param {string} next */
function tell(next) {
  state = next;
  for (const listener of listeners) listener.onState(next);
}
