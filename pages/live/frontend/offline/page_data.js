// Data of the file: frames and assets in script elements, compressed and in base64; each is decoded once.
/** @import { FileFrames, PageInfo } from "./file.js" */
import { unpack } from "../common/wire.js";

/** @type {Map<string, Promise<any>>} */
const frames = new Map();

/** @param {string} id */
function contentOf(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`This file is damaged: ${id} is missing. Save it again.`);
  return node.textContent;
}

/** Whether the file holds an element. @param {string} id */
export const holds = (id) => document.getElementById(id) !== null;

/** @param {string} text in base64 @returns {Uint8Array<ArrayBuffer>} */
export function fromBase64(text) {
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Bytes of an asset: `worker` or `kernel`. @param {string} name */
export const assetBytes = (name) => fromBase64(contentOf(`asset-${name}`));

/** @param {string} name @returns {Promise<any>} */
async function decode(name) {
  const stream = new Blob([fromBase64(contentOf(`data-${name}`))]).stream().pipeThrough(new DecompressionStream("gzip"));
  return unpack(await new Response(stream).arrayBuffer())[0];
}

/**
 * A frame of the file.
 * @template {keyof FileFrames} K
 * @param {string} name
 * @param {K} _kind narrows the type of the result
 * @returns {Promise<FileFrames[K]>}
 */
export function readFrame(name, _kind) {
  const found = frames.get(name) ?? decode(name);
  frames.set(name, found);
  return found;
}

/** Coefficients of a slice. @param {number} z */
export const readCoefficients = (z) => readFrame(`coefficients-${z}`, "coefficients");

/** @returns {PageInfo} */
export const readPage = () => JSON.parse(contentOf("page"));
