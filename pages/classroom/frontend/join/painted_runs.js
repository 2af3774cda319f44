// Runs of painted voxels, start and length in turn, as an answer has them; PaintedLesion.runs writes them.

/** Set the flags of runs, and clear all others. @param {Uint8Array} flags of the voxels of one slice @param {readonly number[]} runs */
export function setRuns(flags, runs) {
  flags.fill(0);
  for (let i = 0; i + 1 < runs.length; i += 2) flags.fill(1, runs[i], runs[i] + runs[i + 1]);
}
