// Messages of the class socket to the lecturer's screens; pages/classroom/messages.py writes them.

import type { Voxel } from "../../../live/frontend/types.js";

export interface Person { id: number; name: string; connected: boolean }
export type TaskKind = "artery" | "curve" | "predict" | "quiz" | "paint";
export type Phase = "open" | "paused" | "closed";
export interface RoundHeader { round: number; repeats: number | null; kind: TaskKind; title: string; phase: Phase }
export interface ChoiceItem { text: string; options: string[] }
export interface NumberItem { text: string; options?: undefined; low: number; high: number; step: number; unit: string }
export type Item = ChoiceItem | NumberItem;
/** The right answer to a question, and the largest error of a right answer. */
export interface Right { value: number; tolerance: number }
export interface CaseInfo { key: string; title: string; slice: number }
export interface TaskInfo extends RoundHeader { text: string; items: Item[]; case: CaseInfo | null }
export interface RoomMessage {
  type: "room"; code: string; people: Person[]; rounds: RoundHeader[]; task: TaskInfo | null;
  revealed: boolean; frozen: boolean; namesHidden: boolean; compare: number | null; publicAddress: string; right: (Right | null)[] | null;
}
/** Lesion metrics by id; null where one is undefined. */
export type Numbers = Record<string, number | null>;
export interface Answer {
  /** Of the participant. */
  id: number;
  seq: number; numbers: Numbers; curve?: number[]; voxels?: Voxel[]; values?: number[];
  /** Start and length, in turn, of the painted voxels of the slice. */
  runs?: number[];
}
export interface AnswersMessage { type: "answers"; round: number; whole: boolean; removed: number[]; answers: Answer[] }
export interface Reference { id: string; label: string; colour: string; curve: number[]; voxels: Voxel[]; numbers: Numbers }
export interface ReferenceMessage extends Reference { type: "reference"; round: number }
export interface QrMessage { type: "qr"; link: string; size: number; rows: string[] }
export interface PublishedSpread { metric: string; label: string; cv: number; source: string; doi: string }
export interface SetupMessage { type: "setup"; largeCoreMl: number; targetRatio: number; published: PublishedSpread[] }
export interface EndMessage { type: "ended" | "refused"; message: string }
export type HostMessage =
  | RoomMessage | AnswersMessage | ReferenceMessage | QrMessage | SetupMessage | EndMessage
  | { type: "pong" } | { type: "error"; message: string };
