// Tokens of this browser by class, in local storage: a reload or a closed tab returns to the class.

const KEY = "aif-lab|class";
const MAX_CLASSES = 5;

/** @typedef {{code: string, token: string, name: string}} Participant */

export class ParticipantStore {
  #storage;

  /** @param {() => Pick<Storage, "getItem" | "setItem">} storage reading it throws where the browser blocks it */
  constructor(storage = () => localStorage) { this.#storage = storage; }

  /** @param {string} code @returns {Participant | null} */
  find(code) { return this.#read().find((one) => one.code === code) ?? null; }

  /** The pseudonym of the last class, or empty. */
  get lastName() { return this.#read()[0]?.name ?? ""; }

  /** @param {Participant} participant */
  keep({ code, token, name }) {
    const others = this.#read().filter((one) => one.code !== code);
    this.#write([{ code, token, name }, ...others].slice(0, MAX_CLASSES));
  }

  /** @param {string} code */
  forget(code) { this.#write(this.#read().filter((one) => one.code !== code)); }

  /** @returns {Participant[]} */
  #read() {
    try {
      const found = JSON.parse(this.#storage().getItem(KEY) ?? "[]");
      return Array.isArray(found) ? found.filter((one) => one && typeof one.code === "string" && typeof one.token === "string") : [];
    } catch { return []; }
  }

  /** @param {Participant[]} all */
  #write(all) {
    try { this.#storage().setItem(KEY, JSON.stringify(all)); } catch { /* storage may be off: a reload asks for the code again */ }
  }
}
