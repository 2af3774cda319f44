// Code and key of a class in the address: /join?room=CODE#k=KEY.

/** A typed code without spaces and hyphens, in upper case. @param {string} text */
export const normalizeCode = (text) => text.replace(/[\s\p{Pd}]+/gu, "").toUpperCase();

/** A code in two groups, as the lecturer's screen shows it. @param {string} code */
export function displayCode(code) {
  const half = Math.ceil(code.length / 2);
  return `${code.slice(0, half)} ${code.slice(half)}`;
}

/**
 * Code and key of a link, and the address without the key.
 * @param {string} href
 */
export function readLink(href) {
  const url = new URL(href);
  const code = normalizeCode(url.searchParams.get("room") ?? "");
  const key = new URLSearchParams(url.hash.slice(1)).get("k") ?? "";
  url.hash = "";
  return { code, key, address: url.href };
}

/** An address with the code of another class, or without one. @param {string} href @param {string} code */
export function addressOf(href, code) {
  const url = new URL(href);
  url.hash = "";
  if (code) url.searchParams.set("room", code);
  else url.searchParams.delete("room");
  return url.href;
}
