// Browser globals that pure modules use and Node lacks: session storage and canvas paths.

/** Session storage in memory. */
export class FakeStorage {
  /** @type {Map<string, string>} */
  items = new Map();

  /** @param {string} key */
  getItem(key) { return this.items.get(key) ?? null; }

  /** @param {string} key @param {string} value */
  setItem(key, value) { this.items.set(key, value); }
}

/** Path that records its polylines. */
export class FakePath {
  /** @type {[number, number][][]} */
  lines = [];

  /** @param {number} x @param {number} y */
  moveTo(x, y) { this.lines.push([[x, y]]); }

  /** @param {number} x @param {number} y */
  lineTo(x, y) { this.lines.at(-1)?.push([x, y]); }
}
