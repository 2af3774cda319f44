// Frames as bytes, as pages/live/server/wire.py packs them: the Lab receives those of this page in the same way.

const MAGIC = 0x4c464941;
const ALIGNMENT = 8;

/** @typedef {Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int16Array<ArrayBuffer> | Uint8Array<ArrayBuffer>} FrameArray */

/** @param {number} size */
const aligned = (size) => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

/**
 * One frame.
 * @param {object} header with its `kind`
 * @param {Record<string, FrameArray>} arrays
 */
export function packFrame(header, arrays) {
  /** @type {Record<string, [type: string, offset: number, length: number]>} */
  const index = {};
  let size = 0;
  for (const [name, array] of Object.entries(arrays)) {
    index[name] = [array.constructor.name.replace("Array", "").toLowerCase(), size, array.length];
    size += aligned(array.byteLength);
  }
  const text = new TextEncoder().encode(JSON.stringify({ ...header, arrays: index }));
  const start = 16 + aligned(text.length);
  const out = new Uint8Array(start + size).fill(32, 16, start); // JSON may end with spaces
  new Uint32Array(out.buffer, 0, 3).set([MAGIC, start - 16, out.length]);
  out.set(text, 16);
  for (const [name, array] of Object.entries(arrays)) {
    out.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), start + index[name][1]);
  }
  return out;
}
