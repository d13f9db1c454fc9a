/** The address bar: `#/twins/AC000W000340649?tab=plot` is path ["twins", "AC000W000340649"] and query {tab: "plot"}. */
import { useEffect, useState } from "./html.js";

/** @typedef {{path: string[], query: URLSearchParams}} Place */

/** @returns {Place} */
export function readPlace() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query ?? "") };
}

/** Write a link to a place. @param {string[]} path @param {Record<string, string>} [query] */
export function linkTo(path, query) {
  const tail = query && Object.keys(query).length ? `?${new URLSearchParams(query)}` : "";
  return `#/${path.map(encodeURIComponent).join("/")}${tail}`;
}

/** Go to a place; `replace` leaves no step behind for the back button. @param {string} link @param {boolean} [replace] */
export function goTo(link, replace = false) {
  if (replace) {
    history.replaceState(null, "", link);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else location.hash = link;
}

/** The present place, followed. @returns {Place} */
export function usePlace() {
  const [place, setPlace] = useState(readPlace);
  useEffect(() => {
    const follow = () => setPlace(readPlace());
    addEventListener("hashchange", follow);
    follow(); // it may have changed since the first drawing
    return () => removeEventListener("hashchange", follow);
  }, []);
  return place;
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
