// Fake WebSocket that a test opens, answers and closes, and an encoder of server frames.

/** @type {FakeSocket[]} */
export const sockets = [];

export class FakeSocket {
  readyState = 0;
  binaryType = "";
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((event: {data: ArrayBuffer}) => void) | null} */
  onmessage = null;
  /** @type {(() => void) | null} */
  onclose = null;
  /** @type {(string | ArrayBuffer)[]} */
  sent = [];

  /** @param {string} url */
  constructor(url) {
    this.url = url;
    sockets.push(this);
  }

  /** @param {string | ArrayBuffer} message */
  send(message) { this.sent.push(message); }

  close() { this.readyState = 3; }

  // The server's part, played by the test

  accept() {
    this.readyState = 1;
    this.onopen?.();
  }

  /** @param {{kind: string, [field: string]: unknown}[]} frames */
  answer(...frames) {
    const parts = frames.map((frame) => encode(frame));
    const data = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
    let at = 0;
    for (const part of parts) { data.set(new Uint8Array(part), at); at += part.byteLength; }
    this.onmessage?.({ data: data.buffer });
  }

  drop() {
    this.readyState = 3;
    this.onclose?.();
  }

  /** Sequence numbers of the edits that were sent. */
  get edits() {
    return this.sent.flatMap((message) => (message instanceof ArrayBuffer ? [new Uint32Array(message, 0, 4)[1]] : []));
  }

  /** Requests that were sent. */
  get requests() { return this.sent.flatMap((message) => (typeof message === "string" ? [JSON.parse(message)] : [])); }
}

/** @typedef {Uint8Array | Int16Array | Uint32Array | Float32Array} WireArray */

/**
 * A server frame, as wire.py packs it.
 * @param {{kind: string, [field: string]: unknown}} header
 * @param {Record<string, WireArray>} arrays
 */
export function encode(header, arrays = {}) {
  const aligned = (/** @type {number} */ n) => Math.ceil(n / 8) * 8;
  /** @type {Record<string, [string, number, number]>} */
  const index = {};
  let arrayBytes = 0;
  for (const [name, array] of Object.entries(arrays)) {
    index[name] = [array.constructor.name.replace("Array", "").toLowerCase(), arrayBytes, array.length];
    arrayBytes += aligned(array.byteLength);
  }
  const text = new TextEncoder().encode(JSON.stringify({ arrays: index, ...header }));
  const headerBytes = aligned(text.length);
  const bytes = new Uint8Array(16 + headerBytes + arrayBytes);
  new Uint32Array(bytes.buffer, 0, 4).set([0x4c464941, headerBytes, bytes.length, 0]);
  bytes.fill(32, 16, 16 + headerBytes).set(text, 16);
  for (const [name, { buffer, byteOffset, byteLength }] of Object.entries(arrays)) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), 16 + headerBytes + index[name][1]);
  }
  return bytes.buffer;
}
