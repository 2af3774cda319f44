// Token of the lecturer's screens and code of the room, from the fragment of the address or from before a reload.
import { readStored, store } from "../../../live/frontend/common/storage.js";

const KEY = "class|host";

/** @typedef {{token: string, code: string}} Credentials */

/** @param {string} fragment of the address: `#host=TOKEN&room=CODE` @returns {Credentials | null} */
export function parseFragment(fragment) {
  const fields = new URLSearchParams(fragment.replace(/^#/, ""));
  const [token, code] = [fields.get("host"), fields.get("room")];
  return token && code ? { token, code } : null;
}

/** Read the credentials, and remove them from the address, which may be seen by all. @returns {Credentials | null} */
export function readCredentials() {
  const given = parseFragment(location.hash);
  if (given) {
    store(KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return given ?? readStored(KEY);
}
