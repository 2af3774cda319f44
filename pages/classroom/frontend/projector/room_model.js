// State of the room as the messages of the socket tell it.
/** @import { Answer, HostMessage, QrMessage, Reference, RoomMessage, RoundHeader, SetupMessage, TaskInfo, TaskKind } from "./messages.js" */

/** @typedef {"connecting" | "lobby" | "open" | "revealed" | "ended"} Stage */

/** Kinds whose answers have the same numbers. @param {TaskKind} kind */
const family = (kind) => (kind === "artery" || kind === "curve" ? "aif" : kind);

export class RoomModel {
  /** @type {SetupMessage | null} */
  setup = null;
  /** @type {RoomMessage | null} */
  room = null;
  /** @type {QrMessage | null} */
  qr = null;
  /** Why nothing more comes. @type {string | null} */
  ended = null;
  /** By round and participant. @type {Map<number, Map<number, Answer>>} */
  #answers = new Map();
  /** By round and source. @type {Map<number, Map<string, Reference>>} */
  #references = new Map();

  /** @param {HostMessage} message */
  receive(message) {
    if (message.type === "room") this.room = message;
    else if (message.type === "setup") this.setup = message;
    else if (message.type === "qr") this.qr = message;
    else if (message.type === "ended" || message.type === "refused") this.ended = message.message;
    else if (message.type === "reference") {
      const { type: _type, round, ...reference } = message;
      entry(this.#references, round).set(reference.id, reference);
    } else if (message.type === "answers") {
      const of = entry(this.#answers, message.round);
      if (message.whole) of.clear();
      for (const id of message.removed) of.delete(id);
      for (const answer of message.answers) of.set(answer.id, answer);
    }
  }

  /** @returns {Stage} */
  get stage() {
    if (this.ended !== null) return "ended";
    if (!this.room) return "connecting";
    if (!this.room.task) return "lobby";
    return this.room.revealed ? "revealed" : "open";
  }

  /** @returns {TaskInfo | null} */
  get task() { return this.room?.task ?? null; }

  /** The round that is shown beside the current one, where their answers can be compared. @returns {RoundHeader | null} */
  get compared() {
    const { room, task } = this;
    const found = room?.rounds.find(({ round }) => round === room.compare);
    return task && found && found.round !== task.round && family(found.kind) === family(task.kind) ? found : null;
  }

  /** Answers of a round, in the order of joining. @param {number | undefined} round */
  answers(round) {
    return [...(this.#answers.get(round ?? -1)?.values() ?? [])].sort((a, b) => a.id - b.id);
  }

  /** @param {number | undefined} round @returns {Reference[]} */
  references(round) { return [...(this.#references.get(round ?? -1)?.values() ?? [])]; }

  /** Name of a participant; empty where it is hidden. @param {number} id */
  nameOf(id) {
    if (!this.room || this.room.namesHidden) return "";
    return this.room.people.find((person) => person.id === id)?.name ?? "";
  }
}

/** @template K, L, V @param {Map<K, Map<L, V>>} all @param {K} key @returns {Map<L, V>} */
function entry(all, key) {
  const found = all.get(key) ?? new Map();
  all.set(key, found);
  return found;
}
