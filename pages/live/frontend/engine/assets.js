// Files that the engine loads beside its modules: the compiled kernel and the script of the workers.

/** @type {Promise<WebAssembly.Module> | null} */
let compiled = null;

/** The compiled kernel; null where the browser has no WebAssembly SIMD. @returns {Promise<WebAssembly.Module | null>} */
export async function kernelModule() {
  compiled ??= fetch(new URL("peak.wasm", import.meta.url))
    .then((response) => response.arrayBuffer()).then((bytes) => WebAssembly.compile(bytes));
  return compiled.catch(() => null);
}

/** A new worker that runs worker.js. */
export const newWorker = () => new Worker(new URL("worker.js", import.meta.url), { type: "module" });
