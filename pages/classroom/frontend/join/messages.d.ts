// Messages of a class between the server and a participant, as pages/classroom/messages.py writes them.

import type { Voxel } from "../../../live/frontend/types.js";

export type TaskKind = "artery" | "curve" | "predict" | "quiz" | "paint";
export type Phase = "open" | "paused" | "closed";
export interface ChoiceItem { text: string; options: string[] }
export interface NumberItem { text: string; low: number; high: number; step: number; unit: string }
export type Item = ChoiceItem | NumberItem;
export interface TaskMessage {
  round: number; repeats: number | null; kind: TaskKind; phase: Phase; title: string; text: string; items: Item[];
  case: { key: string; title: string; slice: number } | null;
}
/** Lesion metrics by id; null where one is undefined. */
export type AnswerNumbers = Record<string, number | null>;
export interface OwnAnswer {
  seq: number; numbers: AnswerNumbers; curve?: number[]; voxels?: Voxel[]; values?: number[]; runs?: number[];
}
export interface Spread { n: number; mean: number | null; median: number | null; sd: number | null; cv: number | null; low: number | null; high: number | null }
export interface ItemSummary { values: number[]; right: number | null; nRight: number | null }
/** The class's answers to a round, without names; `values`: sorted, by metric. */
export interface Summary {
  round: number; n: number; spreads: Record<string, Spread>; values: Record<string, number[]>;
  decisions: { label: string; n: number; of: number }[]; items: ItemSummary[];
}
export interface StateMessage {
  type: "state"; name: string; task: TaskMessage | null; answer: OwnAnswer | null; summary: Summary | null;
}
/** The state while there is a task. */
export type TaskState = StateMessage & { task: TaskMessage };
export interface AnsweredMessage extends OwnAnswer { type: "answered"; round: number }
/** The value of an answer, as its kind of task needs it. */
export type AnswerValue = { voxels: Voxel[] } | { curve: number[] } | { values: number[] } | { runs: number[] };

/** What a task may do with its page. */
export interface TaskSession {
  credentials: { token: string; code: string };
  /** Send an answer; returns its number. */
  send: (value: AnswerValue) => number;
}
/** The view of a task. */
export interface TaskView {
  element: HTMLElement;
  /** Another phase, the reveal, or an answer of another tab. */
  update: (state: TaskState) => void;
  answered: (message: AnsweredMessage) => void;
  showError: (message: string) => void;
  close: () => void;
}
