// JSON in the tab's session storage; without storage (blocked by the browser) nothing is kept.

/**
 * @param {string} key
 * @returns {any} the stored value, or null
 */
export function readStored(key) {
  try { return JSON.parse(sessionStorage.getItem(key) ?? "null"); } catch { return null; }
}

/**
 * @param {string} key
 * @param {unknown} value
 */
export function store(key, value) {
  try { sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* storage may be off */ }
}
