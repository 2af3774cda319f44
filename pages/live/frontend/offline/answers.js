// Answers of the page's session to the requests and edits of the Lab: the frames that a server would send.
/** @import { Edit, Frame, Request } from "../types.js" */
/** @import { PageSession } from "./session.js" */
import { kernelModule } from "../engine/assets.js";
import { sliceFlow } from "./first_slice.js";
import { fitGammaVariate } from "./gamma_fit.js";
import { measureRegion } from "./region_answer.js";
import { Residues } from "./residue.js";

const SMOOTHED = "This is the mean of the smoothed curves: the file does not hold the measured ones, whose peak is higher.";
const residues = new Residues();

/** @typedef {Extract<Request, {type: "probe"}>["voxel"]} Voxel */

/**
 * The frame that answers a request; null where there is nothing to show.
 * @param {PageSession} session
 * @param {Request} request
 * @returns {Promise<Frame | null>}
 * @throws {RangeError} The request cannot be answered; the message says why.
 */
export async function answer(session, request) {
  switch (request.type) {
    case "case": return session.caseFrame(request.have);
    case "probe": return probe(session, request.voxel);
    case "fit": return fitGammaVariate(Float64Array.from(request.curve), session.opened.dt);
    case "voxels": {
      const { voxels, mean, sd } = await session.tissue.meanOf(request.voxels);
      return { kind: "voxels", voxels, flags: [SMOOTHED], number: request.number, arrays: { mean, sd } };
    }
    case "reference": return { kind: "reference", source: request.source, numbers: await session.numbersOf(request.source) };
    case "region": return measureRegion(session, request);
    case "snapshot": return snapshotMaps(session, request.number);
    default: return null;
  }
}

/** All maps and metrics of an edit. @param {PageSession} session @param {Edit} edit @returns {Promise<Frame>} */
export async function answerEdit(session, { epoch, seq, slice, curve }) {
  const { cbf, tmax, ref, numbers } = await session.volumes.of(curve);
  const start = await session.startNumbers();
  return { kind: "volume", epoch, seq, z: slice, ref, numbers, start, arrays: { cbf, tmax } };
}

/** Maps of the slice in view, while the whole case is loading; null where that is done. @param {PageSession} session @param {Edit} edit @returns {Promise<Frame | null>} */
export async function answerSlice({ volumes, opened, config, basis, coefficientsOf }, { epoch, seq, slice, curve }) {
  const module = await kernelModule();
  if (volumes.isWhole || !module || !curve.some((value) => value > 0)) return null;
  const { ref, cbf, tmax } = sliceFlow(curve, opened.dt, config, basis, await coefficientsOf(slice), module);
  return { kind: "slice", epoch, seq, z: slice, ref, arrays: { cbf, tmax } };
}

/** @param {PageSession} session @param {Voxel} voxel @returns {Promise<Frame>} */
async function probe({ tissue, opened, config, basis, curve }, voxel) {
  const found = await tissue.curveOf(voxel);
  if (!found) return { kind: "probe", voxel, arrays: {} };
  const k = residues.of(curve, opened.dt, config, { basis, module: await kernelModule() }, found);
  return { kind: "probe", voxel, arrays: { tissue: Float32Array.from(found), ...k } };
}

/** @param {PageSession} session @param {number} number @returns {Promise<Frame>} */
async function snapshotMaps({ shelf, volumes, opened, config }, number) {
  const { curve } = shelf.get(number);
  const { cbf, tmax, ref } = await volumes.of(curve);
  const aifArea = curve.reduce((sum, value) => sum + value, 0) * opened.dt;
  return { kind: "snapshot", key: opened.key, number, ref, aifArea, thresholds: config.thresholds, arrays: { cbf, tmax } };
}
