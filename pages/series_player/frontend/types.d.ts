// Messages between the series player and the server, and the values that its modules share.
// Field names of frames are those of the Python encoders in pages/series_player/messages.py; a test compares the two.

import type { Curve, Range, Voxel } from "../../live/frontend/types.js";

export type { Curve, Range, Voxel };
/** A pixel of the whole slice on the screen: column, row. */
export type Pixel = [number, number];
/** The shown part of a slice: first column, first row, width, height. */
export type CropBox = [number, number, number, number];

/** Quantity that a window shows: the value of a frame (HU), or its difference to the baseline. */
export type Quantity = "frame" | "enhancement";
/** Centre and width of a grey-scale window, in the unit of the series. */
export interface WindowLevel { centre: number; width: number }
export interface WindowPreset extends WindowLevel { name: string; label: string; title: string; quantity: Quantity }

// Server → browser

export interface SelectorInfo { label: string; colour: string }
export interface PlayerConfig {
  kind: "config"; token: string; path: string; selectors: Record<string, SelectorInfo>; shown: string;
  case: string; name: string; slices: number; firstSlice: number; firstVoxel: Voxel; nTime: number; dt: number;
  rows: number; columns: number; swap: boolean; flipX: boolean; flipY: boolean; pixelMm: [number, number];
  box: CropBox; hu: boolean; arrays: object;
}
/** All frames of one slice: a value is `scale` times the stored one. */
export interface SliceFrame {
  kind: "slice"; case: string; z: number; scale: number; arrays: { frames: Int16Array; baseline: Float32Array };
}
export interface VoxelFrame { kind: "voxel"; case: string; voxel: Voxel; arrays: { measured: Curve; smoothed?: Curve } }
/** The AIF and VOF that a selector found. */
export interface FoundFrame {
  kind: "selector"; case: string; name: string; found: boolean; why: string; verdict: "good" | "doubtful" | "bad"; reason: string;
  voxels: Voxel[]; vofVoxels: Voxel[]; arrays: { aif: Curve; vof?: Curve };
}
/** Why a selector found no AIF. */
export interface NotFoundFrame { kind: "selector"; case: string; name: string; found: boolean; why: string; arrays: object }

// Browser → server

/** The request of each kind and the frame that answers it. */
export interface Exchanges {
  slice: { request: { kind: "slice"; slice: number }; answer: SliceFrame };
  voxel: { request: { kind: "voxel"; voxel: Voxel }; answer: VoxelFrame };
  selector: { request: { kind: "selector"; name: string }; answer: FoundFrame | NotFoundFrame };
}

// Within the player

/** An AIF with the name and colour of the selector that found it. */
export type FoundAif = FoundFrame & SelectorInfo;
/** A curve of a chart. */
export interface ChartLine { values: Curve; kind: string; colour?: string; id: string }
/** Slice, frame and voxel at which a case was left. */
export interface Position { z: number; frame: number; voxel: Voxel | null }
