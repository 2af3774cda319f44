// What happens in the Lab, told to whoever listens. The names are in lab.js, where they are told.

export class Bus {
  constructor() { this.listeners = new Map(); }

  /** @returns {Function} takes the listener away again */
  on(name, listener) {
    const all = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, all.add(listener));
    return () => all.delete(listener);
  }

  emit(name, detail) {
    for (const listener of this.listeners.get(name) ?? []) listener(detail);
  }
}
