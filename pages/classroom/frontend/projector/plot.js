// Sizes of the charts: all lengths follow the root's font size, which follows the window.
/** @import { Reference } from "./messages.js" */

/** @typedef {"now" | "before"} GroupKey the current round, and the one it is compared with */

const POINTS = 11; // text of SvgChart at scale 1
export const TEXT_REM = 1.1;

/** The root's font size in pixels. */
export const rem = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

/** Scale of an SvgChart whose text has the size of the projector's text. */
export const chartScale = () => (TEXT_REM * rem()) / POINTS;

/** One selector of each sort, which are named everywhere: the known AIF, the default selector, a network. @param {Reference[]} all */
export function mainReferences(all) {
  const isKnown = (/** @type {Reference} */ { id }) => id === "truth" || id === "expert";
  const isNetwork = (/** @type {Reference} */ { id }) => id.startsWith("cnn");
  const isSelector = (/** @type {Reference} */ one) => !isKnown(one) && !isNetwork(one) && one.id !== "vein" && one.id !== "tissue";
  return [isKnown, isSelector, isNetwork].flatMap((is) => all.find(is) ?? []);
}

/** Name without what follows a comma. @param {string} label */
export const shortName = (label) => label.split(",")[0];

/**
 * Move places apart until none is nearer to its neighbour than a distance; their order stays.
 * @param {number[]} places ascending
 * @param {number} distance
 * @param {number} low @param {number} high
 */
export function spreadOut(places, distance, low, high) {
  const out = [...places];
  out.forEach((y, i) => { out[i] = Math.max(y, i ? out[i - 1] + distance : low); });
  for (let i = out.length - 1; i >= 0; i--) out[i] = Math.min(out[i], i < out.length - 1 ? out[i + 1] - distance : high);
  return out;
}

/**
 * Join labels that would overlap into groups; each group is centred over its members.
 * @template T
 * @param {{at: number, width: number, item: T}[]} labels
 * @param {number} low @param {number} high ends of the row
 * @returns {{x: number, width: number, items: T[]}[]} x: the middle
 */
export function joinLabels(labels, low, high) {
  const middle = (/** @type {{sum: number, n: number, width: number}} */ { sum, n, width }) =>
    Math.max(Math.min(sum / n, high - width / 2), low + width / 2);
  /** @type {{sum: number, n: number, width: number, items: T[]}[]} */
  const groups = [];
  for (const { at, width, item } of [...labels].sort((a, b) => a.at - b.at)) {
    groups.push({ sum: at, n: 1, width, items: [item] });
    while (groups.length > 1) {
      const [a, b] = groups.slice(-2);
      if (middle(b) - middle(a) >= (a.width + b.width) / 2) break;
      groups.splice(-2, 2, { sum: a.sum + b.sum, n: a.n + b.n, width: a.width + b.width, items: [...a.items, ...b.items] });
    }
  }
  return groups.map((group) => ({ x: middle(group), width: group.width, items: group.items }));
}
