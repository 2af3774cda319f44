// Region of interest: the pane with the table of a region and its mirror, their curves beside the AIF, and CSV files.
// The server finds the voxels and their curves; values that follow the AIF are those of the maps in the browser.
/** @import { Lab } from "../lab.js" */
/** @import { Case, Provided, RegionFrame, RegionStatistics } from "../types.js" */
/** @import { RegionShape } from "../map/region_shape.js" */
/** @import { RegionRow, RegionSide } from "./region_table.js" */
import { element, find, inTextField } from "../common/dom.js";
import { saveFile } from "../common/save_file.js";
import { statistics } from "../common/statistics.js";
import { readStored, store } from "../common/storage.js";
import { svg } from "../common/svg_chart.js";
import { magnification } from "../curve/aif_editor.js";
import { LABELS } from "../map/region_outline.js";
import { mirrored, toPolygon } from "../map/region_shape.js";
import { RADIUS, RegionTool } from "../map/region_tool.js";
import { cells, curvesCsv, tableCsv } from "./region_table.js";
import { icon } from "./snapshot_table.js";

const PANE = "region";
const STORED = "lab|regions"; // by case name
const MIN_INTERVAL_MS = 60; // between two requests while the region moves
/** @type {RegionSide[]} */
const SIDES = ["region", "mirror"];
const HINT = "Draw around tissue on the map: its mirror over the midline appears. A click places a circle; drag inside a region to move it.";
const HTML = `<div class="row region-tools"><button class="tool" data-action="region-lasso" aria-pressed="false" title="Draw a region freehand on the map">Lasso</button>
  <button class="tool" data-action="region-ellipse" aria-pressed="false" title="Draw an ellipse on the map; with Shift a circle">Ellipse</button>
  <button class="tool" data-action="region-circle" title="A circle at the voxel in view (Enter on the map while Lasso or Ellipse is on)">Circle</button>
  <label>radius <input type="number" data-control="region-radius" min="${RADIUS.min}" max="${RADIUS.max}" step="${RADIUS.step}" title="Radius of a circle ([ and ] on the map)"> mm</label>
  <span class="grow"></span><button data-action="region-delete" title="Remove the region (Delete; Esc also ends drawing)" aria-label="Remove the region">${icon("delete")}</button></div>
  <div class="region-hint">${HINT}</div>
  <div class="region-scroll" tabindex="0" role="group" aria-label="Region and mirror"><table class="region-table" data-testid="region-table"><thead><tr><th scope="col">Map <small>mean ± SD</small></th>
    ${SIDES.map((side) => `<th scope="col" class="${side}">${LABELS[side]} <small data-out="${side}-size"></small></th>`).join("")}<th scope="col" title="Mean of the region over that of the mirror">Ratio</th></tr></thead><tbody></tbody></table></div>
  <div class="row region-foot"><span class="soft" data-out="region"></span><span class="grow"></span><button data-action="region-csv" title="Mean, SD, median, voxels and volume of every map in both">Table (CSV)</button>
  <button data-action="region-curves" title="Mean measured curves of both, and the AIF">Curves (CSV)</button></div>`;
const TOGGLE = '<label class="toggle region" title="The region and its mirror"><input type="checkbox" data-outline="region"><i></i>region</label>';
const KEYS = '<span class="key region-on-aif" hidden></span><span class="key mirror-on-aif" hidden></span>';

/** @returns {Record<string, {region: RegionShape, grid: number[]}>} */
const stored = () => readStored(STORED) ?? {};

class RegionPanel {
  /** The last answer to the region that is drawn. @type {RegionFrame | null} */
  #answer = null;
  #number = 0; // of the last request
  /** Time of the last request, as performance.now(). */
  #requestedAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #caseName = "";

  /** @param {Lab} lab @param {Pick<Provided, "tabs">} needed */
  constructor(lab, { tabs }) {
    this.lab = lab;
    this.tabs = tabs;
    this.pane = tabs.add(PANE, "Region", "Region of interest: mean of every map in a drawn region and in its mirror", { only: "lab" });
    this.pane.innerHTML = HTML;
    this.radius = find(this.pane, "[data-control=region-radius]", HTMLInputElement);
    this.body = find(this.pane, "tbody");
    this.tool = new RegionTool(lab, { onRegion: (region, step) => this.#changed(region, step), onMode: () => this.show() });
    this.radius.addEventListener("change", () => this.tool.setRadius(this.radius.valueAsNumber));
    find(lab.find(".legend"), ".tissue-on-aif").insertAdjacentHTML("afterend", KEYS);
    this.lines = SIDES.map((side) => {
      const line = svg("path", { class: `${side}-on-aif`, "clip-path": lab.editor.plot.clip });
      lab.editor.line.before(line);
      return line;
    });
    this.#installActions();
    this.show();
  }

  #installActions() {
    const { actions } = this.lab;
    actions["region-lasso"] = () => this.tool.setMode("lasso");
    actions["region-ellipse"] = () => this.tool.setMode("ellipse");
    actions["region-circle"] = () => this.tool.placeAt(this.lab.map.probed);
    actions["region-delete"] = () => this.tool.remove();
    actions["region-csv"] = () => this.#save("region.csv", tableCsv(this.#rows(), this.#answer?.voxelMl ?? NaN));
    actions["region-curves"] = () => {
      const { curve, times } = this.lab.editor;
      const { regionCurve, mirrorCurve } = this.#answer?.arrays ?? {};
      this.#save("region-curves.csv", curvesCsv(times, { region: regionCurve, mirror: mirrorCurve, aif: curve }));
    };
  }

  /** @param {string} name @param {string} text */
  #save(name, text) { if (this.#answer) saveFile(name, new Blob([text], { type: "text/csv" })); }

  /** @param {RegionShape | null} region @param {"outline" | "moving" | "settled"} step */
  #changed(region, step) {
    this.#showOutlines(region);
    if (step === "settled") {
      store(STORED, { ...stored(), [this.lab.values.open.name]: region ? { region, grid: this.lab.values.open.grid } : undefined });
      this.#request();
    } else if (step === "moving" && ["live", "offline"].includes(this.lab.socket.status)) this.#requestSoon();
  }

  /** @param {RegionShape | null} region */
  #showOutlines(region) {
    const { lab } = this;
    const mirror = region && lab.case ? mirrored(lab.case, region) : null;
    lab.map.regions = [];
    for (const [kind, shape] of /** @type {const} */ ([["mirror", mirror], ["region", region]])) {
      if (shape && lab.case && this.#isOffered) lab.map.regions.push({ kind, z: shape.slice, polygon: toPolygon(lab.case, shape) });
    }
    lab.draw();
  }

  get #isOffered() { return this.lab.config.page === "lab"; }

  #requestSoon() {
    if (this.#timer) return;
    const wait = Math.max(this.#requestedAt + MIN_INTERVAL_MS - performance.now(), 0);
    this.#timer = setTimeout(() => this.#request(), wait);
  }

  /** Request the voxels of the region. */
  #request() {
    const { lab, tool: { region } } = this;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#number += 1;
    lab.root.dataset.regionSent = String(this.#number);
    if (!region || !this.#isOffered) { this.#setAnswer(null); return; }
    this.#requestedAt = performance.now();
    lab.request({ type: "region", number: this.#number, ...region });
  }

  /** @param {RegionFrame} frame */
  receive(frame) { if (frame.number === this.#number) this.#setAnswer(frame); }

  /** @param {RegionFrame | null} answer */
  #setAnswer(answer) {
    const { dataset } = this.lab.root;
    this.#answer = answer;
    dataset.regionShown = String(this.#number);
    for (const side of SIDES) {
      if (answer) dataset[`${side}Voxels`] = String(answer.arrays[side].length);
      else delete dataset[`${side}Voxels`];
    }
    this.show();
    this.drawCurves();
  }

  /** A case has come: the region that was drawn on it is shown again. @param {Case} opened */
  openCase({ name, grid }) {
    if (this.#caseName !== name) {
      this.#caseName = name;
      this.tool.abandon();
      const kept = stored()[name];
      this.tool.region = kept && String(kept.grid) === String(grid) ? kept.region : null;
      this.#answer = null;
    }
    this.#showOutlines(this.tool.region);
    this.#request();
  }

  /** Another pane or page: drawing ends. */
  layOut() {
    if (this.tool.mode && this.lab.root.dataset.pane !== PANE) this.tool.setMode(null);
    this.drawTable();
    this.drawCurves();
  }

  /** Show buttons, hint and the toggle of the outlines. */
  show() {
    const { lab, pane, tool } = this;
    const answer = this.#answer;
    for (const mode of ["lasso", "ellipse"]) find(pane, `[data-action=region-${mode}]`).setAttribute("aria-pressed", String(tool.mode === mode));
    if (lab.shadow.activeElement !== this.radius) this.radius.value = String(tool.radius);
    find(pane, "[data-action=region-delete]", HTMLButtonElement).disabled = !tool.region;
    find(pane, ".region-hint").hidden = Boolean(answer);
    for (const selector of [".region-scroll", ".region-foot"]) find(pane, selector).hidden = !answer;
    this.#showToggle();
    if (!answer) return;
    find(pane, "[data-out=region]").textContent = this.#note(answer);
    for (const side of SIDES) {
      const n = answer.arrays[side].length;
      find(pane, `[data-out=${side}-size]`).textContent = `${n} voxels, ${(n * answer.voxelMl).toFixed(1)} ml`;
    }
    this.drawTable();
  }

  /** The outlines have a toggle while there is a region. */
  #showToggle() {
    const row = this.lab.find(".outlines");
    const toggle = row.querySelector(".toggle.region");
    const isWanted = Boolean(this.tool.region) && this.#answer !== null;
    if (isWanted && !toggle) {
      row.insertAdjacentHTML("beforeend", TOGGLE);
      find(row, "[data-outline=region]", HTMLInputElement).checked = this.lab.view.outlines.region !== false;
    } else if (!isWanted) toggle?.remove();
  }

  /** @param {RegionFrame} answer */
  #note({ slice, arrays: { region, mirror } }) {
    const place = `slice ${slice + 1}`;
    if (!region.length) return `${place}: no voxel of the brain lies inside; draw it larger.`;
    if (!this.lab.case?.arrays.mirror) return `${place}: sagittal, without a mirror`;
    if (!mirror.length) return `${place}: the mirror lies outside the brain`;
    const own = new Set(region);
    const shared = mirror.reduce((n, voxel) => n + (own.has(voxel) ? 1 : 0), 0);
    return shared ? `${place}: crosses the midline, ${shared} voxels in both` : place;
  }

  /** Statistics of every map on both sides. @returns {RegionRow[]} */
  #rows() {
    const answer = this.#answer;
    const { config, values } = this.lab;
    if (!answer) return [];
    const [from] = values.range(answer.slice);
    return Object.entries(config.maps).map(([map, info]) => {
      if (answer.fixed.region[map]) return { map, info, region: answer.fixed.region[map], mirror: answer.fixed.mirror[map] };
      const field = values.field(map, answer.slice);
      const [region, mirror] = SIDES.map((side) => statistics(Float32Array.from(answer.arrays[side], (at) => field[at - from])));
      return { map, info, region, mirror };
    });
  }

  /** Write the values; they follow the maps. */
  drawTable() {
    const { body, lab } = this;
    if (!this.#answer || lab.root.dataset.pane !== PANE) return;
    const rows = this.#rows();
    if (body.children.length !== rows.length) {
      body.replaceChildren(...rows.map(({ map, info }) => {
        const head = element("th", { scope: "row" }, info.label, " ", element("small", { textContent: info.unit.replace("\n", "") }));
        const row = element("tr", {}, head, element("td"), element("td"), element("td"));
        row.dataset.regionMap = map;
        return row;
      }));
    }
    rows.forEach((row, i) => {
      const line = body.children[i];
      line.classList.toggle("in-view", row.map === lab.view.map);
      cells(row).forEach((text, k) => {
        const cell = line.children[k + 1];
        if (cell.textContent !== text) cell.textContent = text;
      });
    });
  }

  /** Draw both curves over the AIF, enlarged by one round factor; in the other panes there is the voxel's in their place. */
  drawCurves() {
    const { lab, lines } = this;
    const { editor } = lab;
    const isShown = this.#answer !== null && lab.root.dataset.pane === PANE;
    const curves = SIDES.map((side) => (isShown ? this.#answer?.arrays[`${side}Curve`] : undefined));
    const peak = Math.max(0, ...curves.map((curve) => (curve ? Math.max(...curve) : 0)));
    const factor = magnification(peak, editor.ghost);
    curves.forEach((curve, i) => {
      lines[i].setAttribute("d", curve && factor ? editor.plot.path(editor.times, curve.map((v) => v * factor)) : "");
      const key = lab.find(`.key.${SIDES[i]}-on-aif`);
      key.hidden = !curve || !factor;
      key.textContent = factor > 1 ? `${LABELS[SIDES[i]]} ×${factor}` : LABELS[SIDES[i]];
    });
    lab.find(".key.tissue-on-aif").hidden = isShown;
    lab.root.dataset.regionCurves = String(isShown);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    this.tool.onKey(event);
    if (event.key.toLowerCase() === "l" && !inTextField(event) && !event.ctrlKey && !event.metaKey && !event.altKey && this.#isOffered) {
      this.tabs.open(PANE);
      this.tool.setMode("lasso");
    }
  }

  close() { clearTimeout(this.#timer); }
}

/** @param {Lab} lab @param {Pick<Provided, "tabs">} needed */
export function installRegion(lab, needed) {
  const panel = new RegionPanel(lab, needed);
  const onKey = (/** @type {KeyboardEvent} */ event) => panel.onKey(event);
  lab.root.addEventListener("keydown", onKey);
  lab.events.on("frame:region", (frame) => panel.receive(frame));
  lab.events.on("case", (opened) => panel.openCase(opened));
  lab.events.on("painted", () => panel.drawTable());
  lab.events.on("committed", () => panel.drawCurves());
  lab.events.on("resize", () => panel.layOut());
  return { close() { lab.root.removeEventListener("keydown", onKey); panel.close(); } };
}
