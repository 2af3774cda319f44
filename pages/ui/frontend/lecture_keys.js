// Keys of the bar. A presenter's remote sends page up and page down.

/** @typedef {"lecture" | "leave" | "next" | "back" | "help"} BarAction */

const TEXT_FIELDS = 'input:not([type=range], [type=radio], [type=checkbox], [type=button]), textarea, select, [contenteditable=""], [contenteditable=true]';
/** What Esc closes before it leaves lecture mode: dialogs, menus and pop-overs of the page. */
const OPEN = '[role=dialog], [role=listbox], [data-testid="stPopoverBody"]';

/**
 * What a key does, or null. A key that goes to a text field, or with a modifier, does nothing; a question mark needs Shift.
 * @param {KeyboardEvent} event
 * @param {{lecture: boolean, hasSteps: boolean}} state whether lecture mode is on, and whether the page has steps
 * @returns {BarAction | null}
 */
export function actionOf(event, { lecture, hasSteps }) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  const [target, ...above] = event.composedPath();
  const matches = (/** @type {EventTarget} */ node, /** @type {string} */ css) => node instanceof Element && node.matches(css);
  if (matches(target, TEXT_FIELDS) || [target, ...above].some((node) => matches(node, "dialog[open]"))) return null;
  if (event.key === "?") return "help";
  if (event.shiftKey) return null;
  if (event.key.toLowerCase() === "f") return "lecture";
  if (!lecture) return null;
  if (event.key === "Escape") return document.querySelector(OPEN) ? null : "leave";
  if (!hasSteps) return null;
  return event.key === "PageDown" ? "next" : event.key === "PageUp" ? "back" : null;
}
