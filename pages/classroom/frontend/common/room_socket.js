// WebSocket to a room of a class; it reconnects by itself. The server's half is pages/classroom/socket.py.

const MIN_RETRY_MS = 250;
const MAX_RETRY_MS = 3000; // a phone that wakes is back within 5 s
const PING_MS = 25_000;
const TIMEOUT_MS = 8000; // no message although one is due: the connection was lost without a close event
const OPEN = 1;

/** @typedef {Record<string, any> & {type: string}} Message */
/**
 * @typedef {object} RoomHandlers
 * @property {() => Message} firstMessage authenticates a new connection: join, rejoin or host
 * @property {(message: Message) => void} onMessage
 * @property {(status: "connecting" | "live" | "reconnecting" | "closed") => void} onStatus
 */

export class RoomSocket {
  /** @type {WebSocket | null} */
  #socket = null;
  #failures = 0;
  #closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timeout;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ping;
  #handlers;
  #url;

  /** @param {string} code of the room; its first character picks the server process behind a proxy @param {RoomHandlers} handlers */
  constructor(code, handlers) {
    this.#handlers = handlers;
    this.#url = roomUrl("class/socket", code);
    this.#url.protocol = this.#url.protocol === "https:" ? "wss:" : "ws:";
    // A phone that wakes or changes its network: the old connection may be dead without an event.
    document.addEventListener("visibilitychange", this.#wake);
    addEventListener("online", this.#wake);
    addEventListener("pageshow", this.#wake);
    handlers.onStatus("connecting");
    this.#connect();
  }

  /** @param {Message} message @returns {boolean} whether the connection was open */
  send(message) {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  close() {
    this.#closed = true;
    document.removeEventListener("visibilitychange", this.#wake);
    removeEventListener("online", this.#wake);
    removeEventListener("pageshow", this.#wake);
    this.#drop();
    this.#handlers.onStatus("closed");
  }

  /** @param {Event} event */
  #wake = (event) => {
    if (this.#closed || document.hidden) return;
    if (event.type === "pageshow" && !(/** @type {PageTransitionEvent} */ (event).persisted)) return; // the first load
    if (this.#socket?.readyState !== OPEN) { this.#failures = 0; this.#connect(); return; }
    this.send({ type: "ping" });
    this.#expect();
  };

  #connect() {
    this.#drop();
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify(this.#handlers.firstMessage()));
    socket.onmessage = ({ data }) => {
      clearTimeout(this.#timeout);
      this.#failures = 0;
      this.#handlers.onStatus("live");
      this.#handlers.onMessage(JSON.parse(data));
    };
    socket.onclose = () => this.#lost();
    this.#ping = setInterval(() => { this.send({ type: "ping" }); this.#expect(); }, PING_MS);
    this.#expect();
  }

  /** A message of the server is due. */
  #expect() {
    clearTimeout(this.#timeout);
    this.#timeout = setTimeout(() => this.#lost(), TIMEOUT_MS);
  }

  #lost() {
    this.#drop();
    if (this.#closed) return;
    this.#handlers.onStatus("reconnecting");
    const wait = Math.min(MIN_RETRY_MS * 2 ** this.#failures++, MAX_RETRY_MS);
    this.#retry = setTimeout(() => this.#connect(), wait * (0.5 + Math.random())); // a whole class at different times
  }

  #drop() {
    clearTimeout(this.#retry);
    clearTimeout(this.#timeout);
    clearInterval(this.#ping);
    if (this.#socket) this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket?.close();
    this.#socket = null;
  }
}

/** Address of a route of the class, beside this page. @param {string} path @param {string} code */
export function roomUrl(path, code) {
  const url = new URL(path, document.baseURI);
  url.searchParams.set("room", code.slice(0, 1));
  return url;
}
