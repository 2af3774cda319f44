// What the Lab is built of, once: its sections, buttons and numbers.

/** Name in the frames, label, unit, digits. */
export const NUMBERS = [
  ["core_ml", "Core", "ml", 1], ["hypoperfused_ml", "Hypoperfused", "ml", 1], ["mismatch_ml", "Mismatch", "ml", 1],
  ["mismatch_ratio", "Ratio", "", 2], ["dice", "Dice", "", 3], ["reference_cbf", "Healthy CBF", "ml/100 g/min", 1],
];

const icon = {
  undo: '<path d="M9 14 4 9l5-5M4 9h10.5a5.5 5.5 0 0 1 0 11H11"/>',
  redo: '<path d="m15 14 5-5-5-5m5 5H9.5a5.5 5.5 0 0 0 0 11H13"/>',
  reset: '<path d="M3 12a9 9 0 1 0 3-6.7L3 8M3 3v5h5"/>',
};
const button = (action, label, keys) =>
  `<button data-action="${action}" title="${label} (${keys})" aria-label="${label}"><svg viewBox="0 0 24 24">${icon[action]}</svg></button>`;
const toggle = (kind, label) =>
  `<label class="toggle ${kind}"><input type="checkbox" data-outline="${kind}" checked><i></i>${label}</label>`;

export const HTML = `
<section class="maps" aria-label="Maps">
  <div class="row"><div class="segments" role="radiogroup" aria-label="Map"></div></div>
  <div class="stage"><div class="picture"><canvas data-testid="map" tabindex="0" aria-label="Perfusion map"></canvas>
    <span class="side left">R</span><span class="side right">L</span></div><canvas class="bar"></canvas></div>
  <div class="row slicer"><label>Slice <input type="range" data-control="slice" min="1" value="1" step="1"></label><output data-out="slice"></output>
    <div class="segments small" role="radiogroup" aria-label="Layout"><button data-layout="one">One</button><button data-layout="all">All</button></div>
    <span class="grow"></span>${toggle("core", "core")}${toggle("hypoperfused", "Tmax")}${toggle("truth", "truth")}</div>
  <div class="row readout" data-out="readout" aria-live="off"></div>
</section>
<section class="curve" aria-label="Arterial input function">
  <div class="row"><h3>Arterial input function</h3><span class="source" data-out="source"></span><span class="grow"></span>
    ${button("undo", "Undo", "Ctrl+Z")}${button("redo", "Redo", "Ctrl+Shift+Z")}${button("reset", "Reset", "R")}</div>
  <svg data-testid="aif-editor" class="editor"></svg>
  <div class="row legend"><span class="key aif">edited</span><span class="key ghost">start</span><span class="key vof">vein (VOF)</span>
    <span class="grow"></span><span data-out="brush"></span></div>
  <div class="row legend"><span class="key raw">tissue, measured</span><span class="key smooth">smoothed; k(t)</span><span class="grow"></span>
    <span class="key probed" data-out="probed"></span></div>
  <div class="probes"><svg class="probe tissue"></svg><svg class="probe residue"></svg></div>
</section>
<section class="numbers" aria-label="Numbers">${NUMBERS.map(([key, label, unit]) =>
  `<div class="number" data-number="${key}"><span>${label}</span><b>–</b><small>${unit}</small><em></em></div>`).join("")}
  <div class="status"><i></i><span data-out="status">connecting</span></div></section>
<div class="notice" role="status" hidden></div>`;
