// Download of a file that the page has made.
import { element } from "./dom.js";

const KEEP_URL_MS = 10_000; // an object URL must stay valid until the download has begun

/** @param {string} name @param {Blob} content */
export function saveFile(name, content) {
  const link = element("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEEP_URL_MS);
}
