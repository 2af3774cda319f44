// Typed look-ups and small helpers for DOM elements.

/**
 * The element that the templates are known to hold.
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => E} [_type] narrows the type of the result
 * @returns {E}
 */
export function find(root, selector, _type) {
  const node = root.querySelector(selector);
  if (!node) throw new Error(`The template has no ${selector}.`);
  return /** @type {E} */ (node);
}

/**
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => E} [_type]
 * @returns {E[]}
 */
export function findAll(root, selector, _type) {
  return /** @type {E[]} */ ([...root.querySelectorAll(selector)]);
}

/**
 * The nearest ancestor of an event's target that matches.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closest(event, selector) {
  return /** @type {HTMLElement} */ (event.target).closest?.(selector) ?? null;
}

/** Size of a point of type in screen pixels: 1, more in lecture mode. @param {Element} element */
export const typeScale = (element) => Number.parseFloat(getComputedStyle(element).getPropertyValue("--pt")) || 1;

/** Whether the main pointer is a finger. */
export const isCoarse = () => globalThis.matchMedia?.("(pointer: coarse)").matches ?? false;

const TEXT_FIELDS = "input[type=number], input[type=text], textarea, select";

/** Whether a key goes to a field in which one types. @param {KeyboardEvent} event */
export const inTextField = (event) => Boolean(/** @type {HTMLElement} */ (event.target).matches?.(TEXT_FIELDS));

/**
 * Whether a plain letter key was pressed outside every text field.
 * @param {KeyboardEvent} event
 * @param {string} letter
 */
export function isShortcut(event, letter) {
  return event.key.toLowerCase() === letter && !inTextField(event) && !event.ctrlKey && !event.metaKey && !event.altKey;
}

/**
 * Check one of a radio group's buttons: it alone is a tab stop.
 * @param {HTMLElement} node
 * @param {boolean} checked
 */
export function setRadio(node, checked) {
  node.setAttribute("aria-checked", String(checked));
  node.tabIndex = checked ? 0 : -1;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Partial<HTMLElementTagNameMap[K]>} attributes
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(name, attributes = {}, ...children) {
  const node = Object.assign(document.createElement(name), attributes);
  node.append(...children);
  return node;
}
