// Uploads under way. Streamlit's file chooser reports no progress, so its requests are observed.

/** @typedef {{sent: number, total: number}} Upload bytes of one request */

const UPLOAD_PATH = "/_stcore/upload_file/";

/** Observes the requests of a page that send files to the server. */
export class UploadRequests {
  /** @type {Map<object, Upload>} */
  #active = new Map();
  /** @type {Set<(uploads: Upload[]) => void>} */
  #listeners = new Set();

  /** @param {{prototype: XMLHttpRequest}} [requests] class of the requests */
  constructor(requests = globalThis.XMLHttpRequest) {
    const observe = (/** @type {XMLHttpRequest} */ request, /** @type {number} */ n) => this.#observe(request, n);
    const { open, send } = requests.prototype;
    /** @type {WeakSet<XMLHttpRequest>} */
    const uploads = new WeakSet();
    /** @this {XMLHttpRequest} @param {any[]} given */
    requests.prototype.open = function (...given) {
      if (given[0] === "PUT" && String(given[1]).includes(UPLOAD_PATH)) uploads.add(this);
      return open.apply(this, /** @type {Parameters<typeof open>} */ (given));
    };
    /** @this {XMLHttpRequest} @param {Document | XMLHttpRequestBodyInit | null} [body] */
    requests.prototype.send = function (body) {
      if (uploads.has(this)) observe(this, sizeOf(body));
      return send.call(this, body);
    };
  }

  /**
   * Call a function with the uploads under way, now and at every change; returns a function that ends this.
   * @param {(uploads: Upload[]) => void} listener
   */
  listen(listener) {
    this.#listeners.add(listener);
    listener([...this.#active.values()]);
    return () => this.#listeners.delete(listener);
  }

  /** @param {XMLHttpRequest} request @param {number} total */
  #observe(request, total) {
    this.#active.set(request, { sent: 0, total });
    request.upload.addEventListener("progress", (event) => {
      if (!this.#active.has(request)) return;
      this.#active.set(request, { sent: event.loaded, total: event.lengthComputable ? event.total : total });
      this.#tell();
    });
    request.addEventListener("loadend", () => { this.#active.delete(request); this.#tell(); });
    this.#tell();
  }

  #tell() {
    const uploads = [...this.#active.values()];
    for (const listener of this.#listeners) listener(uploads);
  }
}

/** Bytes of the files in a request. @param {unknown} body */
function sizeOf(body) {
  if (!(body instanceof FormData)) return 0;
  return [...body.values()].reduce((sum, value) => sum + (value instanceof Blob ? value.size : 0), 0);
}

const MB = 1e6;

/** Progress in words: "2 files, 1.6 of 3.7 MB". @param {Upload[]} uploads */
export function progressText(uploads) {
  const sent = uploads.reduce((sum, one) => sum + Math.min(one.sent, one.total), 0);
  const total = uploads.reduce((sum, one) => sum + one.total, 0);
  const digits = total < 100 * MB ? 1 : 0;
  const files = uploads.length > 1 ? `${uploads.length} files, ` : "";
  return `${files}${(sent / MB).toFixed(digits)} of ${(total / MB).toFixed(digits)} MB`;
}

/** Part that is sent, 0 to 1. @param {Upload[]} uploads */
export function progressPart(uploads) {
  const total = uploads.reduce((sum, one) => sum + one.total, 0);
  return total ? Math.min(uploads.reduce((sum, one) => sum + one.sent, 0) / total, 1) : 0;
}
