// Worker of the engine: holds a case's tissue in a temporal basis and computes CBF and Tmax of slices.
/** @import { FlowJob, WorkerMessage } from "./messages.js" */
import { PeakKernel } from "./peak_kernel.js";

/** @type {PeakKernel | null} */
let kernel = null;
/** @type {import("./peak_kernel.js").Block[]} by slice; the healthy sample is the last */
let blocks = [];

/** @param {FlowJob} job */
function flow({ matrix, parts, cbfPerK, startS, dtS }) {
  if (!kernel) throw new Error("No case is open.");
  const { top, row } = kernel.peaks(matrix, parts.map((part) => blocks[part]));
  for (let i = 0; i < top.length; i++) {
    top[i] *= cbfPerK;
    row[i] = startS + dtS * row[i];
  }
  return { cbf: top, tmax: row };
}

self.onmessage = (/** @type {MessageEvent<WorkerMessage>} */ { data }) => {
  if (data.kind === "open") {
    kernel = new PeakKernel(data.module, data.q);
    blocks = [];
  } else if (data.kind === "store") {
    if (kernel) blocks[data.part] = kernel.store(data.coefficients);
  } else {
    const { cbf, tmax } = flow(data);
    self.postMessage({ job: data.job, cbf, tmax }, { transfer: [cbf.buffer, tmax.buffer] });
  }
};
