// Toolbar of the map: map, colour scale, window, outlines, layout (one slice or all), slice.
/** @import { Lab } from "../lab.js" */
/** @import { ConfigFrame } from "../types.js" */
import { closest, findAll, setRadio } from "../common/dom.js";
import { headAspect, places } from "./slice_layout.js";

class MapToolbar {
  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    this.scale = lab.find("[data-control=scale]", HTMLSelectElement);
    this.second = lab.find("[data-control=second]", HTMLSelectElement);
    this.second.addEventListener("change", () => { lab.view.second = this.second.value; this.#viewChanged(); });
    this.low = lab.find("[data-window=low]", HTMLInputElement);
    this.high = lab.find("[data-window=high]", HTMLInputElement);
    lab.root.addEventListener("click", (event) => this.#onClick(event));
    lab.root.addEventListener("keydown", (event) => moveChoice(event));
    lab.root.addEventListener("change", (event) => this.#onOutline(event));
    this.scale.addEventListener("change", () => {
      lab.view.scales[lab.view.map] = this.scale.value;
      this.#viewChanged();
    });
    for (const node of [this.low, this.high]) node.addEventListener("change", () => this.#setWindow(node));
    lab.actions.window = () => {
      delete lab.view.windows[lab.view.map];
      delete lab.view.scales[lab.view.map];
      this.#viewChanged();
    };
    lab.actions["whole-head"] = () => { lab.view.resetZoom(); lab.viewChanged(); };
    const slider = lab.find("[data-control=slice]", HTMLInputElement);
    slider.addEventListener("input", () => lab.goTo(Number(slider.value) - 1));
  }

  /** Build the maps' buttons and the colour scales, once. @param {ConfigFrame} config */
  configure({ maps, scales }) {
    const { lab } = this;
    if (lab.root.querySelector("[data-map]")) return;
    lab.find(".maps .segments").innerHTML = Object.entries(maps).map(([name, meta], i) =>
      `<button role="radio" data-map="${name}" title="${meta.title} (${i + 1})">${meta.label}</button>`).join("");
    this.scale.innerHTML = Object.entries(scales).map(([name, label]) => `<option value="${name}">${label}</option>`).join("");
    this.second.innerHTML = Object.entries(maps).map(([name, { label }]) => `<option value="${name}">${label}</option>`).join("");
    if (!maps[lab.view.map]) lab.view.map = Object.keys(maps)[0];
    if (!maps[lab.view.second]) lab.view.second = "tmax";
    this.show();
  }

  show() {
    const { lab, low, high } = this;
    const { map, root, shadow, view } = lab;
    for (const node of findAll(root, "[data-map]")) setRadio(node, node.dataset.map === view.map);
    const layout = view.montage ? "all" : view.two ? "two" : "one";
    for (const node of findAll(root, "[data-layout]")) setRadio(node, node.dataset.layout === layout);
    lab.find(".stage").dataset.shows = layout;
    lab.find(".map-names").hidden = lab.find(".scale.second").hidden = layout !== "two";
    lab.find("[data-out=first-map]").textContent = map.maps[view.map].label;
    this.second.value = view.second;
    for (const node of findAll(root, "[data-outline]", HTMLInputElement)) node.checked = view.outlines[node.dataset.outline ?? ""];
    const meta = map.style();
    this.scale.value = meta.scale;
    const digits = Math.max(meta.digits, meta.usual[1] - meta.usual[0] < 5 ? 2 : 0);
    if (shadow.activeElement !== low) low.value = String(Number(meta.window[0].toFixed(digits)));
    if (shadow.activeElement !== high) high.value = String(Number(meta.window[1].toFixed(digits)));
    lab.find("[data-action=window]", HTMLButtonElement).disabled = !view.windows[view.map] && !view.scales[view.map];
    const zoom = lab.find("[data-action=whole-head]");
    zoom.hidden = view.zoom === 1;
    map.canvas.dataset.zoomed = String(view.zoom > 1); // one finger then moves the view, and does not scroll the page
    zoom.textContent = `×${view.zoom.toFixed(1)}`;
  }

  /** Place the names of two maps: side by side, or one above the other. */
  layOutNames() {
    const { map, values, view, root } = this.lab;
    if (!values.case || view.maps.length < 2) return;
    const [first, second] = places(values.case, view, map.canvas);
    root.dataset.stacked = String(first.y !== second.y);
  }

  #viewChanged() {
    this.lab.view.store();
    this.lab.viewChanged();
  }

  /** @param {string} name */
  setMap(name) {
    this.lab.view.setMap(name);
    this.#viewChanged();
  }

  /** @param {string} layout "one", "two" or "all" */
  #setLayout(layout) {
    const { lab } = this;
    const montage = layout === "all", wasMontage = lab.view.montage;
    lab.view.montage = montage;
    if (!montage) lab.view.two = layout === "two";
    this.#viewChanged();
    if (lab.case && montage !== wasMontage) lab.aif.recompute();
  }

  /** @param {HTMLInputElement} field the edited field */
  #setWindow(field) {
    const { lab } = this;
    const accepted = lab.view.setWindow(lab.view.map, this.low.valueAsNumber, this.high.valueAsNumber);
    lab.notice(accepted ? "" : "A window needs a lower and a higher value; the last one stays.");
    field.blur();
    this.#viewChanged();
  }

  /** @param {Event} event */
  #onClick(event) {
    const data = closest(event, "button")?.dataset;
    if (data?.map) this.lab.events.emit("map", data.map);
    if (data?.layout) this.#setLayout(data.layout);
  }

  /** @param {Event} event */
  #onOutline(event) {
    const node = /** @type {HTMLInputElement} */ (event.target);
    const { outline } = node.dataset;
    if (!outline) return;
    this.lab.view.outlines[outline] = node.checked;
    this.#viewChanged();
  }
}

/** Move the choice of a radio group by the arrow keys; the group has one tab stop. @param {KeyboardEvent} event */
function moveChoice(event) {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const group = closest(event, "[role=radiogroup]");
  if (!by || !group) return;
  event.preventDefault();
  const all = findAll(group, "[role=radio]");
  const next = all[(all.indexOf(/** @type {HTMLElement} */ (event.target)) + by + all.length) % all.length];
  next.click();
  next.focus();
}

/** @param {Lab} lab */
export function installMapToolbar(lab) {
  const toolbar = new MapToolbar(lab);
  lab.events.on("config", (config) => toolbar.configure(config));
  lab.events.on("case", (opened) => {
    lab.root.style.setProperty("--head-aspect", headAspect(opened).toFixed(3)); // the map's height on a small screen
    toolbar.show();
  });
  lab.events.on("view", () => toolbar.show());
  lab.events.on("painted", () => toolbar.layOutNames());
  lab.events.on("map", (name) => toolbar.setMap(name));
}
