// Case frames: an update of the open case, or a new one whose slices are still to come.
/** @import { Case, CaseFrame, CaseHead, SliceArrays } from "../types.js" */

const AIR_HU = -1024;
const NO_PIXEL = 0xffffffff; // nothing is drawn there

/**
 * The case of a received frame; null where the frame is an update of another one.
 * @param {Case | null} open
 * @param {CaseFrame} received
 * @returns {Case | null}
 */
export function joinCase(open, received) {
  if (received.arrays.pixel) {
    const whole = /** @type {Case} */ (received);
    return { ...whole, loaded: new Set(Array(whole.slices).keys()) };
  }
  const isOpen = open?.key === received.key;
  if (received.arrays.starts && !isOpen) return withoutSlices(/** @type {CaseHead} */ (received));
  if (!open || !isOpen) return null;
  return { ...open, ...received, arrays: { ...open.arrays, ...received.arrays, pixel: open.arrays.pixel } };
}

/** A case with room for its slices. @param {CaseHead} head @returns {Case} */
function withoutSlices(head) {
  const { rows, columns, slices, hasLesion, staticMaps, arrays } = head;
  const nVoxels = arrays.starts.at(-1) ?? 0, nPixels = rows * columns * slices;
  const maps = Object.fromEntries(staticMaps.map((name) => [name, new Float32Array(nVoxels).fill(NaN)]));
  return /** @type {Case} */ ({
    ...head, loaded: new Set(),
    arrays: {
      ...arrays, ...maps,
      pixel: new Uint32Array(nVoxels).fill(NO_PIXEL), area: new Float32Array(nVoxels).fill(NaN),
      baseline: new Int16Array(nPixels).fill(AIR_HU), tmip: new Int16Array(nPixels).fill(AIR_HU),
      ...(hasLesion && { lesion: new Uint8Array(nVoxels) }),
    },
  });
}

/** Take the static data of a slice. @param {Case} open @param {number} z @param {SliceArrays} received */
export function addSlice(open, z, received) {
  const { rows, columns, arrays } = open;
  const all = /** @type {Record<string, any>} */ (arrays);
  for (const [name, values] of Object.entries(received)) {
    all[name].set(values, name === "baseline" || name === "tmip" ? z * rows * columns : arrays.starts[z]);
  }
  open.loaded.add(z);
}
