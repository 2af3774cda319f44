// Keys and what they do, for the help of the Lab and that of every other page.

/** @typedef {[group: string, rows: [keys: string, text: string][]]} KeyGroup */

/** Keys that the bar of every page takes. @type {KeyGroup} */
export const EVERY_PAGE = ["Every page", [
  ["F", "lecture mode: one screen, large type"], ["Page ↑ ↓", "in a lecture: previous or next step of the lesson"],
  ["Esc", "close what is open, leave lecture mode"], ["?", "this help"],
]];
/** @type {KeyGroup[]} */
export const LAB = [
  ["Maps", [["1 … 9", "choose the map"], ["↑ ↓", "next or previous slice"], ["+ − 0", "zoom in, out, whole head"], ["Shift + arrows", "move the voxel in view"], ["Right drag", "window of the map"]]],
  ["Curve", [["D", "drag points or draw"], ["G", "gamma-variate fit"], ["W", "handles of the whole curve"], ["P", "pick voxels on the map"], ["R", "reset"], ["Z, Ctrl + Z", "undo"], ["Ctrl + Shift + Z", "redo"], ["[ ]", "how many neighbours follow"]]],
  ["Lab", [["K", "save a snapshot"], ["M", "what matters: the gradient below the curve"], ["Esc", "stop comparing"]]],
];
/** @type {KeyGroup[]} */
export const SERIES_PLAYER = [
  ["Series", [["← →", "one frame back or on"], ["↑ ↓", "next or previous slice"], ["1 … 4", "window of the slice"], ["M", "temporal maximum (tMIP)"], ["Shift + arrows", "move the voxel"]]],
  ["With the focus on the slice", [["Space", "play or pause"], ["Home, End", "first or last frame"]]],
];

/** Lists of the keys, a section for each group. @param {KeyGroup[]} groups */
export const keyLists = (groups) =>
  `<div class="shortcuts">${groups.map(([group, rows]) => `<section><h4>${group}</h4><dl>${rows.map(([keys, text]) => `<dt>${keys}</dt><dd>${text}</dd>`).join("")}</dl></section>`).join("")}</div>`;
