// Encoding of frames between browser and server; the server's half is pages/live/server/wire.py.
/** @import { Edit } from "../types.js" */

const MAGIC = 0x4c464941;
const TYPES = { float32: Float32Array, uint32: Uint32Array, int16: Int16Array, uint8: Uint8Array };
export const FLAG_REST = 1;
export const FLAG_ALL_SLICES = 2;
export const FLAG_CONFIRM = 8; // at rest: the page has the maps, and needs the metrics and some voxels to compare
export const FLAG_THRESHOLD = 16; // the last value is a threshold of rCBF, in place of the settings'
export const FLAG_KEEP = 4; // a committed curve: other pages and a reload start from it

/**
 * Read every frame in a buffer: kind, header fields, and arrays by name.
 * @param {ArrayBuffer | Uint8Array<ArrayBuffer>} bytes
 * @returns {any[]} frames as types.d.ts describes them by kind
 */
export function unpack(bytes) {
  // Typed arrays need aligned offsets: a view into a larger message is copied once.
  const buffer = bytes instanceof ArrayBuffer ? bytes : bytes.slice().buffer;
  const frames = [];
  let at = 0;
  while (at + 16 <= buffer.byteLength) {
    const [magic, headerBytes, totalBytes] = new Uint32Array(buffer, at, 3);
    if (magic !== MAGIC || totalBytes < 16 + headerBytes || at + totalBytes > buffer.byteLength) {
      throw new Error("The frame is damaged.");
    }
    const frame = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, at + 16, headerBytes)));
    const start = at + 16 + headerBytes;
    for (const [name, [type, offset, size]] of Object.entries(frame.arrays)) {
      const [element, planes] = type.split(" ");
      const ArrayType = TYPES[/** @type {keyof typeof TYPES} */ (element)];
      const bytes = new Uint8Array(buffer, start + offset);
      frame.arrays[name] = new ArrayType(planes ? joinPlanes(bytes, size, ArrayType.BYTES_PER_ELEMENT) : buffer, planes ? 0 : start + offset, size);
    }
    frames.push(frame);
    at += totalBytes;
  }
  return frames;
}

/**
 * Values from the byte planes of their differences, lowest bytes first.
 * @param {Uint8Array} bytes
 * @param {number} size of the array
 * @param {number} width bytes of a value, 2 or 4
 */
function joinPlanes(bytes, size, width) {
  const words = width === 2 ? new Uint16Array(size) : new Uint32Array(size);
  for (let i = 0, value = 0; i < size; i++) {
    let step = 0;
    for (let k = width - 1; k >= 0; k--) step = (step << 8) | bytes[k * size + i];
    value = (value + step) >>> 0;
    words[i] = value;
  }
  return words.buffer;
}

/**
 * Write an edit: epoch of its case, sequence number, flags, visible slice, curve, and a threshold of rCBF if it has one.
 * @param {Edit} edit
 */
export function packEdit({ epoch, seq, flags, slice, curve, threshold }) {
  const values = threshold === undefined ? curve : [...curve, threshold];
  const buffer = new ArrayBuffer(16 + 4 * values.length);
  new Uint32Array(buffer, 0, 4).set([epoch, seq, flags | (threshold === undefined ? 0 : FLAG_THRESHOLD), slice]);
  new Float32Array(buffer, 16).set(values);
  return buffer;
}
