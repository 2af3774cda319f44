// HTML of the Lab: its sections and buttons.

const ICONS = {
  undo: '<path d="M9 14 4 9l5-5M4 9h10.5a5.5 5.5 0 0 1 0 11H11"/>',
  redo: '<path d="m15 14 5-5-5-5m5 5H9.5a5.5 5.5 0 0 0 0 11H13"/>',
  reset: '<path d="M3 12a9 9 0 1 0 3-6.7L3 8M3 3v5h5"/>',
  points: '<path d="M3 18 8 9l5 6 4-9 4 6"/><circle cx="8" cy="9" r="2.2"/><circle cx="17" cy="6" r="2.2"/>',
  draw: '<path d="M17 3a2.8 2.8 0 0 1 4 4L7.5 20.5 2 22l1.5-5.5z"/>',
  fit: '<path d="M2 20h3c3 0 3-15 6-15 3.5 0 3.5 12 11 13"/>',
  pick: '<circle cx="12" cy="12" r="6"/><path d="M12 2v6m0 8v6M2 12h6m8 0h6"/>',
  whole: '<path d="M4 6h9m6 0h1M4 12h2m6 0h8M4 18h7m6 0h3"/><circle cx="16" cy="6" r="2.5"/><circle cx="9" cy="12" r="2.5"/><circle cx="14" cy="18" r="2.5"/>',
};
const icon = (/** @type {keyof typeof ICONS} */ name) => `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;
/** @type {(action: keyof typeof ICONS, label: string, keys: string) => string} */
const button = (action, label, keys) =>
  `<button data-action="${action}" title="${label} (${keys})" aria-label="${label}">${icon(action)}</button>`;
/** @type {(action: keyof typeof ICONS, label: string, title: string, more?: string) => string} */
const tool = (action, label, title, more = "") =>
  `<button class="tool" data-action="${action}" title="${title}" ${more}>${icon(action)}${label}</button>`;
/** @type {(name: keyof typeof ICONS, label: string, title: string) => string} */
const mode = (name, label, title) =>
  `<button role="radio" data-mode="${name}" title="${title}">${icon(name)}${label}</button>`;
/** @type {(kind: string, label: string, title: string) => string} */
const toggle = (kind, label, title) =>
  `<label class="toggle ${kind}" title="${title}"><input type="checkbox" data-outline="${kind}" checked><i></i>${label}</label>`;

// The role "application" lets a screen reader pass keys to the canvas; the label names them.
const MAP_KEYS = "Perfusion map. Arrows change the slice, Shift and arrows move the voxel, Enter picks it, plus and minus zoom, "
  + "0 shows the whole head, 1 to 9 choose the map.";
const CURVE_KEYS = "Points of the curve. Left and right go from point to point, up and down move it, with Shift by more; "
  + "square brackets set how many neighbours follow.";

export const HTML = `
<div class="panels">
<section class="maps" aria-label="Maps">
  <div class="row"><div class="segments" role="radiogroup" aria-label="Map"></div></div>
  <div class="stage"><div class="picture"><canvas data-testid="map" tabindex="0" role="application" aria-label="${MAP_KEYS}"></canvas>
    <span class="side left">R</span><span class="side right">L</span><div class="map-names" hidden><b data-out="first-map"></b><select data-control="second" aria-label="Map on the right"></select></div><button data-action="whole-head" title="Show the whole head (0, or double click)" hidden></button><div class="readout" data-out="readout" aria-live="off"></div></div>
    <div class="scale"><input type="number" step="any" data-window="high" aria-label="Window, upper end" title="Upper end of the window (right drag on the map: width and level)">
      <canvas class="bar" aria-hidden="true"></canvas>
      <input type="number" step="any" data-window="low" aria-label="Window, lower end" title="Lower end of the window">
    </div>
    <div class="scale second" hidden><canvas class="bar" aria-hidden="true"></canvas></div></div>
  <div class="lesions" role="group" aria-label="Lesions"></div>
  <div class="row slicer"><label>Slice <input type="range" data-control="slice" min="1" value="1" step="1"></label><output data-out="slice"></output>
    <div class="segments small" role="radiogroup" aria-label="Layout"><button role="radio" data-layout="one" title="One map of one slice">One</button><button role="radio" data-layout="two" title="Two maps of one slice side by side">Two</button><button role="radio" data-layout="all" title="All slices">All</button></div><span class="grow"></span>
    <select data-control="scale" aria-label="Colour scale" title="Colour scale of this map"></select>
    <button data-action="window" title="Usual window and colours of this map" aria-label="Usual window and colours">${icon("reset")}</button></div>
  <div class="row outlines" role="group" aria-label="Outlines">${toggle("core", "core", "Core: rCBF below its threshold")}${toggle("hypoperfused", "Tmax", "Hypoperfused: Tmax above its threshold")}${toggle("truth", "truth", "The known lesion")}${toggle("aif", "AIF voxels", "Voxels of the input function")}${toggle("vof", "VOF voxels", "Voxels of the vein")}</div>
</section>
<section class="curve" aria-label="Arterial input function">
  <div class="row"><h3 title="Arterial input function: the contrast in a feeding artery over time, which every map is deconvolved with">AIF</h3><select data-control="source" aria-label="Source of the arterial input function" title="The curve that edits start from, drawn as the ghost"></select>
    <input type="file" data-control="csv" accept=".csv,text/csv" hidden>
    <button class="where" data-action="where" title="Go to the voxels of this curve" hidden></button><span class="grow"></span>
    ${button("undo", "Undo", "Ctrl+Z")}${button("redo", "Redo", "Ctrl+Shift+Z")}${button("reset", "Reset", "R")}</div>
  <div class="row tools"><div class="segments" role="radiogroup" aria-label="What a drag does">${mode("points", "Drag", "Drag a point; the wheel sets how many neighbours follow")}${mode("draw", "Draw", "Draw the curve freehand (D)")}</div>
    ${tool("fit", "Fit", "Replace the curve by the gamma variate that fits its first pass (G)")}
    ${tool("pick", "Pick", "Click voxels on the map: their mean becomes the curve (P)", 'aria-pressed="false"')}<button data-action="unpick" title="Take all picked voxels away" hidden>clear</button>
    <span class="grow"></span>${tool("whole", "Whole curve", "Amplitude, shift, width, tail … with sliders and numbers (W)", 'aria-expanded="false"')}</div>
  <svg data-testid="aif-editor" class="editor" data-mode="points" role="group" aria-label="${CURVE_KEYS}"></svg>
  <div class="row legend"><span class="key aif">edited</span><span class="key ghost">start</span><span class="key vof" title="Venous output function: the contrast in a large vein, on the same axis">VOF</span><span class="key tissue-on-aif">tissue</span><span class="key band" hidden>± SD</span>
    <span class="grow"></span><span class="brush"><button data-action="narrower" title="Fewer neighbours follow ([)" aria-label="Fewer neighbours follow">−</button><span data-out="brush"></span><button data-action="wider" title="More neighbours follow (])" aria-label="More neighbours follow">+</button></span></div>
  <div class="whole" data-panel="whole" hidden></div>
  <div class="notices" role="status"><div class="notice" hidden></div></div>
  <div class="row effect" data-out="effect" role="status"></div>
  <div class="probes"><svg class="probe tissue" role="img" aria-label="Curve c(t) of the voxel"></svg><svg class="probe residue" role="img" aria-label="Residue function k(t) of the voxel"></svg></div>
  <div class="row legend"><span class="key raw">measured</span><span class="key smooth">smoothed</span><span class="grow"></span>
    <span class="key probed" data-out="probed"></span></div>
</section>
<section class="numbers" aria-label="Numbers">
  <div class="status" role="status"><i></i><span data-out="status">connecting</span><span data-out="engine" hidden title="Where the maps of a drag are computed: in this browser, or by the server. While the case is loading, the slices that have come are counted. At rest the server computes every map exactly.">server</span></div></section>
<div class="unseen" role="status" data-out="heard"></div>
</div>
<div class="shelf" data-slot="shelf"></div>`;
