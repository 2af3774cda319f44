// HTML of the series player: the slice with its controls, the curves with the selectors.
import { PRESETS } from "./ct_windows.js";

/** @import { SelectorInfo } from "./types.js" */

const icon = (/** @type {string} */ path) => `<svg viewBox="0 0 24 24" aria-hidden="true">${path}</svg>`;
export const PLAY = icon('<path d="M8 5.5v13l11-6.5z" fill="currentColor"/>');
export const PAUSE = icon('<path d="M7 5h3.5v14H7zM13.5 5H17v14h-3.5z" fill="currentColor" stroke="none"/>');
export const SPEEDS = [5, 10, 20, 30];

const presets = PRESETS.map(({ name, label, title }, i) =>
  `<button role="radio" data-preset="${name}" title="${title} (${i + 1})">${label}</button>`).join("");

export const HTML = `
<section class="view" aria-label="Series">
  <div class="row"><div class="segments" role="radiogroup" aria-label="Window">${presets}</div>
    <span class="together"><label class="field" title="Centre of the window">C <input type="number" data-control="centre" step="5"></label>
    <label class="field" title="Width of the window">W <input type="number" data-control="width" step="5" min="1"></label></span>
    <span class="grow"></span>
    <button role="switch" data-control="maximum" aria-checked="false" title="Temporal maximum: the largest value over time (M)">tMIP</button></div>
  <div class="picture"><div class="head"><canvas data-testid="series-image" tabindex="0" role="application"
      aria-label="CT perfusion slice. Space plays, left and right step through time, up and down through slices, Shift and arrows move the voxel."></canvas>
    <svg class="annotations" preserveAspectRatio="none" aria-hidden="true"></svg></div>
    <span class="side left">R</span><span class="side right">L</span>
    <span class="corner" data-out="readout"></span><div class="notices" role="status"><div class="notice" hidden></div></div></div>
  <div class="row"><button class="play" data-control="play" aria-label="Play" title="Play (space)">${PLAY}</button>
    <input type="range" class="grow" data-control="frame" min="0" step="1" aria-label="Frame"><output data-out="frame"></output>
    <select data-control="speed" aria-label="Speed" title="Frames per second">${SPEEDS.map((n) => `<option value="${n}">${n}\u00a0/s</option>`).join("")}</select></div>
  <div class="row"><span class="name">Slice</span><input type="range" class="grow" data-control="slice" min="0" step="1" aria-label="Slice"><output data-out="slice"></output></div>
</section>
<section class="curves" aria-label="Curves">
  <div class="row"><h3>Voxel</h3><span class="soft" data-out="voxel" title="Click the slice to choose a voxel"></span><span class="grow"></span>
    <span class="together"><span class="key measured">measured</span><span class="key smoothed">smoothed</span></span></div>
  <svg class="chart" data-chart="voxel" data-testid="series-voxel" role="img" aria-label="Curve of the voxel"></svg>
  <div class="row"><h3>Input functions</h3><span class="soft wide">found by each selector</span><span class="grow"></span>
    <span class="together"><span class="key measured solid">artery</span><span class="key dashed">vein</span></span></div>
  <svg class="chart" data-chart="vessels" data-testid="series-vessels" role="img" aria-label="Input functions of the selectors shown"></svg>
  <div class="selectors"></div>
</section>`;

/** Row of a selector: switch with its colour, quality, button to its slice, and causes. @param {string} name @param {SelectorInfo} info */
export const selectorRow = (name, { label, colour }) => `
<div class="selector" data-selector="${name}" style="--own:${colour}">
  <label class="switch"><input type="checkbox" data-show="${name}"><i></i>${label}</label>
  <b data-out="quality"></b><span class="soft why" data-out="why">searching …</span>
  <button data-goto="${name}" hidden title="Show its slice"></button></div>`;
