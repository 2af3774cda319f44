// Messages between browser and server, and the values that the modules of the Lab share.
// Field names of frames are those of the Python encoders in pages/live; a test compares the two.

import type { AifQuality } from "./curve/aif_quality.js";
import type { VolumeStore } from "./map/volume_store.js";

// Values

/** Indices into the series: x, y, z. */
export type Voxel = [number, number, number];
/** A pixel of the screen's layout of slice z; `map`: the map in which it was found. */
export interface SlicePixel { column: number; row: number; z: number; map?: string }
export interface Point { x: number; y: number }
export interface Box extends Point { w: number; h: number }
/** The place of a map of slice z on the canvas, in canvas pixels. */
export interface SlicePlace extends Box { z: number; map: string }
export type Curve = Float32Array;
export type Range = [number, number];
export type OutlineKind = "core" | "hypoperfused" | "truth";
export type Thresholds = { core: number; tmax: number };
/** `offline`: the page answers itself, in a file that works without a server. */
export type ConnectionStatus = "connecting" | "live" | "reconnecting" | "fallback" | "offline";

/** Lesion metrics of a volume, by name; null where a metric does not apply. */
export interface Numbers {
  core_ml: number; hypoperfused_ml: number | null; mismatch_ml: number | null; mismatch_ratio: number | null;
  reference_cbf: number; dice: number | null; auc: number | null;
}

/** Parameters of the whole-curve edit; perfcore/aif/edits.py defines them. */
export interface WholeEdit {
  smooth_s: number; width: number; dispersion_s: number; shift_s: number;
  tail: number; amplitude: number; baseline: number; cut_s: number | null;
}

/** One state of the edited AIF, as undo keeps it. */
export interface CurveState {
  curve: Curve;
  /** Voxels whose mean the curve is, if any. */
  voxels: Voxel[];
  /** Standard deviation over those voxels. */
  spread: ArrayLike<number> | null;
  /** The whole-curve handles and the curve they act on. */
  whole: { base: Curve; handles: WholeEdit } | null;
  /** Sequence number of the edit that requested its maps. */
  seq?: number;
}

/** A colour scale or window of a map, as drawn. */
export interface MapStyle extends MapInfo {
  map: string; usual: Range; scale: string; window: Range; lut: Uint32Array;
}
/** The part of a volume that the renderer and the annotations read. */
export type VolumeReader = Pick<VolumeStore, "range" | "lesion" | "pixelOf" | "field"> & {
  readonly case: Case | null; readonly painted?: Uint8Array | null; readonly paintedShown?: boolean;
};
/** A volume drawn over a part of each slice's width. */
export interface Layer { values: VolumeReader; meta: MapStyle; from: number; to: number }

// Server → browser

export type CaseArray = "baseline" | "tmip";
export interface MapInfo {
  label: string; title: string; unit: string; digits: number; window: Range; lut: string; case_array?: CaseArray;
  /** Does not depend on the curve: its values are sent with the case. */
  static?: boolean;
}
export interface SourceInfo { id: string; label: string; colour: string; group: string }

export interface MetricInfo { id: keyof Numbers; label: string; unit: string; digits: number; help: string }
/** A handle of the whole curve: its limits (null: the end of the slider) and the slider's low, high and step. */
export interface HandleInfo {
  id: keyof WholeEdit; label: string; unit: string; help: string; neutral: number | null;
  limits: [number, number | null]; span: [number, number, number];
}
/** A variant of the start AIF: an edit of it, or the VOF; see perfcore/aif/variants.py. */
export interface VariantInfo {
  id: string; label: string; help: string; effect: string; edit: WholeEdit | null; cut_after_peak_s: number | null;
}
/** A quantity whose gradient by the curve is drawn; of a region where it is a mean. */
export interface QuantityInfo { id: string; label: string; unit: string; per_region: boolean }
export interface RegionInfo { id: string; label: string }
/** A check of the AIF quality: see perfcore/plausibility/check.py; null is an open end. */
export interface AifCheck {
  id: string; code: string; measured: string; unit: string; low: string; high: string; remedy: string;
  normal: [number | null, number | null]; possible: [number | null, number | null];
}
/** What the curves of a case are compared with: see perfcore/aif/quality.py. */
export interface CurveReference { inHu: boolean; tissueArrivalS: number; tissuePeak: number; doubts: SeriesDoubt[] }
/** Why no curve of the series is good. */
export interface SeriesDoubt { cause: string; sentence: string }
export interface DirectionInfo { id: string; label: string; unit: string }

/** What the task of a lesson looks at: maps from left to right, the id of a metric, and what is open beside the curve. */
export interface LessonFocus { id: string; maps: [string, string]; slice: number; watch: string; opens: "" | "handles" | "tuning"; windows?: Record<string, Range> }

export interface ConfigFrame {
  kind: "config"; page: string; token: string; path: string; epoch: number; start: string;
  sources: SourceInfo[]; notice: { id: number; text: string } | null;
  deconvolution: string; regularization: string; discretization: string; lambda: number; tmaxReference: string;
  casePath: string; computesInBrowser: boolean;
  /** What a lesson opens and highlights. */
  focus?: LessonFocus | null;
  /** Whether the page is in lecture mode: one screen, large type. */
  lecture?: boolean;
  /** Curves that the user's class has given for this case; 0 where they are too few. */
  classCurves: number;
  /** Whether the session keeps the voxels that a curve was picked from; a class and a file do not. */
  keepsVoxels?: boolean;
  maps: Record<string, MapInfo>; scales: Record<string, string>; colours: Record<string, string>;
  slope: number; thresholds: Thresholds; quantities: QuantityInfo[]; regions: RegionInfo[];
  metrics: MetricInfo[]; tornado: string[]; handles: HandleInfo[]; variants: VariantInfo[];
  /** Limits of a target mismatch. */
  target: { core_ml: number; ratio: number; mismatch_ml: number }; directions: DirectionInfo[]; aifChecks: AifCheck[];
  arrays: Record<string, Uint8Array>;
}

/** A case whose slices are still to come. `mirror`: of each slice, the six numbers of its reflection in the midline (voxel
    indices); absent for sagittal slices. */
export interface CaseHead {
  kind: "case"; epoch: number; key: string; curveKey: string; aifVoxels: Voxel[]; vofVoxels: Voxel[];
  name: string; rows: number; columns: number; slices: number; firstSlice: number; grid: Voxel;
  swap: boolean; flipX: boolean; flipY: boolean; pixelMm: [number, number]; dt: number; cbvPerRatio: number;
  hasLesion: boolean; hasHypoperfused: boolean; hasBaseline: boolean; enhancementUnit: string; staticMaps: string[]; curveReference: CurveReference;
  /** The part of a slice that holds the head, the same for all slices, in pixels. */
  head: Box;
  arrays: { start: Curve; edited?: Curve; starts: Uint32Array; mirror?: Float32Array; vof?: Curve; pixel?: undefined };
}
/** A case as the browser keeps it; arrays over voxels are in slice order. */
export interface Case extends Omit<CaseHead, "arrays"> {
  /** Slices whose static data are here. */
  loaded: Set<number>;
  arrays: {
    start: Curve; edited?: Curve; starts: Uint32Array; pixel: Uint32Array; area: Float32Array; ttp: Float32Array;
    baseline: Int16Array; tmip: Int16Array; mirror?: Float32Array; vof?: Curve; lesion?: Uint8Array;
  };
}
/** Settings or start of a case that the browser has already: nothing else is sent again. */
export interface CaseUpdate {
  kind: "case"; epoch: number; key: string; curveKey: string; aifVoxels: Voxel[];
  arrays: { start: Curve; edited?: Curve; pixel?: undefined; starts?: undefined };
}
export type CaseFrame = Omit<Case, "loaded"> | CaseHead | CaseUpdate;
/** Static data of a slice, by name. */
export type SliceArrays = Record<string, Uint32Array | Float32Array | Int16Array | Uint8Array>;
export interface StaticFrame { kind: "static"; z: number; arrays: SliceArrays }

export interface FlowFrame {
  kind: "slice" | "volume"; epoch: number; seq: number; ref: number; z: number;
  /** Every how manyth voxel the maps have; absent for all. */
  step?: number;
  numbers?: Numbers; start?: Numbers;
  arrays: { cbf?: Float32Array; tmax?: Float32Array };
}
/** A flow frame that carries maps. */
export type MapsFrame = Pick<FlowFrame, "seq" | "ref" | "z"> & { arrays: { cbf: Float32Array; tmax: Float32Array } };
/** Maps of the engine; `moving`: of a volume during a drag. */
export interface EngineFrame extends FlowFrame { moving?: boolean }
/** What the engine needs of a case beside the coefficients of its slices. */
export interface BasisFrame {
  kind: "basis"; q: number; cbfPerK: number; voxelMl: number; lesionVoxels: number;
  arrays: { vectors: Float32Array; reference: Uint8Array; sample: Int16Array };
}
export interface CoefficientsFrame { kind: "coefficients"; z: number; arrays: { coefficients: Int16Array } }
/** Where the maps of an edit are computed. */
export type EngineStatus = "server" | "loading" | "browser";
export interface StaleFrame { kind: "stale"; epoch: number; seq: number }
/** Metrics of an AIF source. */
export interface ReferenceFrame { kind: "reference"; source: string; numbers: Numbers }
export interface ErrorFrame { kind: "error"; message: string; epoch?: number; seq?: number }
export interface ProbeFrame {
  kind: "probe"; voxel: Voxel;
  arrays: { raw?: Curve; tissue?: Curve; residue?: Float32Array; residue_time?: Float32Array };
}
export interface FitFrame {
  kind: "fit"; fit: { onset_s: number; alpha: number; beta_s: number; peak: number; rms: number };
  arrays: { curve: Curve };
}
export interface VoxelsFrame {
  kind: "voxels"; voxels: Voxel[]; flags: string[]; number: number; arrays: { mean: Curve; sd: Curve };
}
/** The session keeps the voxels that the committed curve was picked from. */
export interface PickedFrame { kind: "picked"; n: number }
/** Statistics of the values in a region; null where it has too few voxels. */
export interface RegionStatistics { voxels: number; mean: number | null; sd: number | null; median: number | null }
/** A drawn region and its mirror: positions of their voxels in slice order, mean curves, and maps that do not follow the AIF. */
export interface RegionFrame {
  kind: "region"; number: number; slice: number; voxelMl: number;
  fixed: { region: Record<string, RegionStatistics>; mirror: Record<string, RegionStatistics> };
  arrays: { region: Uint32Array; mirror: Uint32Array; regionCurve?: Curve; mirrorCurve?: Curve };
}
export interface TargetFrame { kind: "target"; slice: number; voxels: number; ml: number }
export interface SnapshotFrame {
  kind: "snapshot"; key: string; number: number; ref: number; aifArea: number; thresholds: Thresholds;
  arrays: { cbf: Float32Array; tmax: Float32Array; area?: Float32Array; ttp?: Float32Array };
}
export interface SnapshotRow {
  number: number; name: string; title: string; here: boolean; settings: string;
  numbers: Partial<Numbers>; made: number; link: string;
}
export interface ShelfFrame {
  kind: "shelf"; done: number; rows: SnapshotRow[]; link: string; shared: boolean; known: boolean; title: string;
  wanted: { number: number; curveKey: string; map: string; slice: number | null; montage: boolean | null; morph?: Partial<WholeEdit> | null } | null;
  arrays: { curve?: Curve };
}

/** Fields of every frame of a stream. */
export interface StreamFrame { run: number; epoch: number }
export interface StreamEndFrame { run: number; message: string | null }
export interface TuneFrame extends StreamFrame {
  kind: "tune"; shows: "slice" | "volume"; z: number; ref: number; number: number;
  /** What the loss has: the target of the core, and whether the hypoperfused tissue is part of it. */
  target: "truth" | "painted"; with_tmax: boolean;
  loss: number; dice: number; held_out_dice: number | null; hypoperfused_dice: number | null;
  distance: number; roughness: number; negative: number; threshold: number; numbers: Numbers; start: Numbers;
  arrays: { curve: Curve; gradient: Float32Array; cbf: Float32Array; tmax: Float32Array };
}
export interface TornadoFrame extends StreamFrame {
  kind: "tornado"; handle: string; name: string; unit: string; settings: [number, number];
  here: Partial<Numbers>; low: Partial<Numbers> | null; high: Partial<Numbers> | null; n: number; arrays: object;
}
export interface UncertaintyFrame extends StreamFrame {
  kind: "uncertainty"; finding: null; n_done: number; n_total: number; of: string[];
  quantiles: [number, number, number]; decisions: { label: string; fraction: number }[]; basis_error: number | null;
  arrays: { core_ml: Float32Array; low: Curve; middle: Curve; high: Curve; fraction: Uint8Array };
}
/** Progress of mixtures: the curve of the source `finding` is computed next. */
export interface UncertaintyProgressFrame extends StreamFrame {
  kind: "uncertainty"; finding: string; n_done: number; n_total: number; arrays: object;
}
export interface SensitivityFrame extends StreamFrame {
  kind: "sensitivity"; quantity: string; region: string; value: number; arrays: { gradient: Float32Array };
}
export interface SensitivityMapFrame extends StreamFrame {
  kind: "sensitivity_map"; direction: string; arrays: { change: Float32Array };
}
export interface StreamFrames {
  tune: TuneFrame; tornado: TornadoFrame; uncertainty: UncertaintyFrame | UncertaintyProgressFrame; sensitivity: SensitivityFrame; sensitivity_map: SensitivityMapFrame;
}

export interface Frames extends StreamFrames {
  config: ConfigFrame; case: CaseFrame; slice: FlowFrame; volume: FlowFrame; stale: StaleFrame;
  error: ErrorFrame; reference: ReferenceFrame; probe: ProbeFrame; fit: FitFrame; voxels: VoxelsFrame; picked: PickedFrame; target: TargetFrame; region: RegionFrame;
  snapshot: SnapshotFrame; shelf: ShelfFrame; basis: BasisFrame; static: StaticFrame; coefficients: CoefficientsFrame;
}
export type Frame = Frames[keyof Frames];

// Browser → server

/** Header and curve of a binary edit message; `threshold` of rCBF, where it is not the settings'. */
export interface Edit { epoch: number; seq: number; flags: number; slice: number; curve: Curve; threshold?: number }
export type Request =
  | { type: "case"; have?: string | null }
  | { type: "probe"; voxel: Voxel }
  | { type: "fit"; curve: number[] }
  | { type: "reference"; source: string }
  | { type: "voxels"; voxels: Voxel[]; number: number }
  | { type: "picked"; key: string; voxels: Voxel[] }
  | { type: "target"; slice: number; fresh: boolean; runs: number[] }
  | { type: "region"; number: number; slice: number; vertices: [number, number][] }
  | { type: "snapshot"; number: number }
  | { type: "stream"; of: keyof StreamFrames; act: StreamAct; run: number; viewport: { slice: number; all: boolean }; [option: string]: unknown };
export type StreamAct = "start" | "run" | "pause" | "step" | "seen" | "stop";
/** A message by a rerun of the page: an edit, a request, or nothing but a request for the case. */
export type RerunMessage = { request: Request } | (Omit<Edit, "curve"> & { curve: number[] }) | Record<string, never>;

/** A change of the snapshots, as the page carries it out. */
export type SnapshotCommand =
  | { act: "keep"; name: string; curve: string; threshold?: number }
  | { act: "rename"; number: number; name: string }
  | { act: "delete" | "restore"; number: number }
  | { act: "bring"; rows: Pick<SnapshotRow, "name" | "link" | "numbers" | "made">[] };
export type QueuedCommand = SnapshotCommand & { id: number };

// Streamlit

export interface Component {
  parentElement: HTMLElement;
  data: Uint8Array<ArrayBuffer> | ArrayBuffer;
  setStateValue: (name: "curve", value: CommittedCurve) => void;
  setTriggerValue: (name: "fallback" | "source" | "csv" | "shelf", value: unknown) => void;
}
export interface CommittedCurve { key: string; value: number[] }

// Within the Lab

export type Side = "now" | number | null;
export interface Sides { a: Side; b: Side }
/** One step of fine-tuning, as its path keeps it. */
export type TuneStep = Omit<TuneFrame, "arrays"> & { curve: Curve; gradient: Float32Array };

type FrameEvents = { [K in keyof Frames as `frame:${K}`]: Frames[K] };
type StreamEndEvents = { [K in keyof StreamFrames as `frame:${K}-end`]: StreamEndFrame };
/** Events of the Lab, by name, with their data. */
export interface LabEvents extends FrameEvents, StreamEndEvents {
  config: ConfigFrame;
  case: Case;
  /** Another map, window, outline, slice or zoom. */
  view: void;
  /** The chosen map. */
  map: string;
  /** A curve that is being edited. */
  edit: Curve;
  /** A committed curve. */
  committed: CurveState;
  /** A curve that the one in view is to morph into, with the handles that make it of the start (none: another curve). */
  morph: { curve: Curve; handles: Partial<WholeEdit> };
  /** Name of the last edit, for its hint. */
  effect: string | null;
  numbers: { numbers: Numbers; start: Numbers };
  /** The maps of all slices at rest have come. */
  volume: null;
  /** The static data of a slice have come. */
  static: number;
  painted: void;
  resize: void;
  hover: SlicePixel | null;
  pick: Voxel | null;
  status: ConnectionStatus;
  /** Snapshots chosen for the two sides of the comparison. */
  sides: Sides;
  uncompare: void;
  "overlay-closed": string;
  /** A source of the AIF that the user has chosen from the list. */
  source: string;
  /** The source of the curve that fine-tuning starts from, where that is not the page's. */
  "start-source": string | null;
  /** The lesion that fine-tuning aims at. */
  target: string;
  /** The step of fine-tuning in view. */
  tuned: TuneStep | null;
}

/** Objects that plugins provide to those that declare a need for them. */
export interface Provided {
  tabs: { row: HTMLElement; add(name: string, label: string, title: string, options?: { only?: string | null; first?: boolean }): HTMLElement; open(name: string): void };
  overlay: { readonly of: string | null; show(what: object | null): void; close(of?: string): void };
  aifQuality: { readonly quality: AifQuality | null; judge(curve: Curve): AifQuality };
  compare: { readonly title: string | undefined };
  fineTuning: { readonly target: string; readonly step: TuneStep | null };
  reference: { readonly numbers: Partial<Numbers> | null; onChange(listener: () => void): void };
  snapshots: { readonly sides: Sides; readonly shelf: ShelfFrame | null; setReference(reference: Partial<Numbers> | null): void };
}
