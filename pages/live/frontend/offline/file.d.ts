// Data of a file that works without a server: frames of the server's kinds, and what its author says.

import type { BasisFrame, Case, CoefficientsFrame, ConfigFrame, Curve, Numbers, Voxel } from "../types.js";

/** The case with the metrics of its start AIF. */
export interface FileCase extends Case { startNumbers?: Numbers }
/** Curves of the start AIFs by id, and the voxels behind them. */
export interface SourcesFrame { kind: "sources"; voxels?: Record<string, Voxel[]>; arrays: Record<string, Curve> }
export interface FileFrames {
  config: ConfigFrame; case: FileCase; basis: BasisFrame; coefficients: CoefficientsFrame; sources: SourcesFrame;
}
export interface Lesson { title: string; steps: { heading: string; paragraphs: string[] }[] }
/** What the file is, and what its author says. */
export interface PageInfo {
  title: string; text: string; lesson: Lesson | null; notice: string | null; version: string; checksum: string;
  about: { label: string; value: string }[];
}
