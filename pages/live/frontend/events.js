// Typed events of the Lab; types.d.ts lists their names and data.

/** @template {object} E events by name */
export class Events {
  /** @type {Map<keyof E, Set<(detail: any) => void>>} */
  #listeners = new Map();

  /**
   * @template {keyof E} K
   * @param {K} name
   * @param {(detail: E[K]) => void} listener
   * @returns {() => void} removes the listener
   */
  on(name, listener) {
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all.add(listener));
    return () => { all.delete(listener); };
  }

  /**
   * @template {keyof E} K
   * @param {K} name
   * @param {E[K] extends void ? [] : [detail: E[K]]} detail
   */
  emit(name, ...detail) {
    for (const listener of this.#listeners.get(name) ?? []) listener(detail[0]);
  }
}
