// Messages between the engine and its workers. A part is a slice, or the sample of healthy voxels (the last part).

export interface OpenMessage { kind: "open"; module: WebAssembly.Module; q: number }
export interface StoreMessage { kind: "store"; part: number; coefficients: Int16Array }
export interface FlowJob {
  kind: "flow"; job: number; parts: number[];
  /** P for the temporal basis, nRows × q. */
  matrix: Float32Array;
  cbfPerK: number; startS: number; dtS: number;
}
export type WorkerMessage = OpenMessage | StoreMessage | FlowJob;
/** CBF and Tmax of the parts of a job, one after the other. */
export interface FlowResult { job: number; cbf: Float32Array; tmax: Float32Array }
