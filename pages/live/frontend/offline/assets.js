// In the file that works without a server, in place of engine/assets.js: kernel and workers from the file itself.
import { assetBytes } from "./page_data.js";

/** @type {Promise<WebAssembly.Module> | null} */
let compiled = null;
let workerUrl = "";

/** The compiled kernel; null where the browser has no WebAssembly SIMD. @returns {Promise<WebAssembly.Module | null>} */
export async function kernelModule() {
  compiled ??= WebAssembly.compile(assetBytes("kernel"));
  return compiled.catch(() => null);
}

/** A new worker that runs worker.js, as a classic script: Chromium opens no module from a blob in a local file. */
export function newWorker() {
  workerUrl ||= URL.createObjectURL(new Blob([assetBytes("worker")], { type: "text/javascript" }));
  return new Worker(workerUrl);
}
