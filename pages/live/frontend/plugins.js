// Parts of the Lab. A plugin listens to lab.events, adds to lab.actions (by the name in a button's data-action) and edits
// by lab.aif.preview and lab.aif.commit. It declares by name the plugins that it builds on, and receives their objects.
/** @import { Lab } from "./lab.js" */
/** @import { Provided } from "./types.js" */
import { installKeyBindings } from "./key_bindings.js";
import { installAifSources } from "./curve/aif_sources.js";
import { installCurveHandles } from "./curve/curve_handles.js";
import { installVariants } from "./curve/variants.js";
import { installEditHints } from "./curve/edit_hints.js";
import { installAbCompare } from "./map/ab_compare.js";
import { installLesionBrush } from "./map/lesion_brush.js";
import { installMapOverlay } from "./map/map_overlay.js";
import { installMapToolbar } from "./map/map_toolbar.js";
import { installMouseBindings } from "./map/mouse_bindings.js";
import { installAifQuality } from "./panels/aif_quality.js";
import { installAifUncertainty } from "./panels/aif_uncertainty.js";
import { installFineTuning } from "./panels/fine_tuning.js";
import { installHelp } from "./panels/help.js";
import { installLessonFocus } from "./panels/lesson_focus.js";
import { installLecture } from "./panels/lecture.js";
import { installNumbers } from "./panels/numbers.js";
import { installReference } from "./panels/reference.js";
import { installRegion } from "./panels/region.js";
import { installScreenReader } from "./panels/screen_reader.js";
import { installSensitivity } from "./panels/sensitivity.js";
import { installShareLink } from "./panels/share_link.js";
import { installSnapshots } from "./panels/snapshots.js";
import { installTabs } from "./panels/tabs.js";
import { installTornado } from "./panels/tornado.js";
import { installVoxelCurves } from "./panels/voxel_curves.js";

/**
 * An installed plugin: an object for the plugins that need it, and a clean-up.
 * @typedef {{provides?: Partial<Provided>, close?: () => void}} Installed
 */

/**
 * @template {string} [K=string]
 * @typedef {object} Plugin
 * @property {K} name
 * @property {string[]} [needs] names of the plugins that it builds on
 * @property {boolean} [needsServer] whether it is left out where there is no server
 * @property {(lab: Lab, needed: Provided) => Installed | void} install
 */

/** @type {Plugin[]} */
export const PLUGINS = [
  { name: "keyBindings", install: installKeyBindings },
  { name: "mapToolbar", install: installMapToolbar },
  { name: "mouseBindings", install: installMouseBindings },
  { name: "curveHandles", install: installCurveHandles },
  { name: "aifSources", install: installAifSources },
  { name: "variants", install: installVariants },
  { name: "voxelCurves", install: installVoxelCurves },
  { name: "reference", needs: ["snapshots"], install: installReference },
  { name: "numbers", needs: ["reference"], install: installNumbers },
  { name: "aifQuality", install: installAifQuality },
  { name: "editHints", install: installEditHints },
  { name: "snapshots", install: installSnapshots },
  { name: "compare", needs: ["snapshots"], install: installAbCompare },
  { name: "help", needs: ["snapshots", "variants", "reference"], install: installHelp },
  { name: "shareLink", needs: ["snapshots", "compare"], install: installShareLink },
  { name: "tabs", needs: ["voxelCurves"], install: installTabs },
  { name: "overlay", install: installMapOverlay },
  { name: "fineTuning", needs: ["tabs", "aifQuality"], needsServer: true, install: installFineTuning },
  { name: "lesionBrush", needs: ["fineTuning"], needsServer: true, install: installLesionBrush },
  { name: "sensitivity", needs: ["tabs", "overlay", "fineTuning"], needsServer: true, install: installSensitivity },
  { name: "tornado", needs: ["tabs"], needsServer: true, install: installTornado },
  { name: "aifUncertainty", needs: ["tabs", "overlay"], needsServer: true, install: installAifUncertainty },
  { name: "region", needs: ["tabs"], install: installRegion },
  { name: "lessonFocus", needs: ["tabs"], needsServer: true, install: installLessonFocus },
  { name: "lecture", needs: ["reference"], needsServer: true, install: installLecture },
  { name: "screenReader", needs: ["numbers"], install: installScreenReader },
];

/**
 * Plugins in an order in which each follows those that it needs; otherwise as listed.
 * @template {{name: string, needs?: string[]}} P
 * @param {readonly P[]} plugins
 * @returns {P[]}
 */
export function inOrder(plugins) {
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]));
  if (byName.size < plugins.length) throw new Error("Two plugins have the same name.");
  /** @type {P[]} */
  const ordered = [];
  /** @type {(plugin: P, path: string[]) => void} */
  const visit = (plugin, path) => {
    if (ordered.includes(plugin)) return;
    if (path.includes(plugin.name)) throw new Error(`Plugins need each other: ${[...path, plugin.name].join(" → ")}.`);
    for (const name of plugin.needs ?? []) {
      const needed = byName.get(name);
      if (!needed) throw new Error(`The plugin ${plugin.name} needs ${name}, which is not installed.`);
      visit(needed, [...path, plugin.name]);
    }
    ordered.push(plugin);
  };
  for (const plugin of plugins) visit(plugin, []);
  return ordered;
}

/**
 * Install plugins; each receives the objects of the plugins that it needs, and no others.
 * @param {Lab} lab
 * @param {readonly Plugin[]} plugins
 * @returns {() => void} closes all of them
 */
export function installPlugins(lab, plugins) {
  /** @type {Map<string, Partial<Provided>>} */
  const provided = new Map();
  /** @type {(() => void)[]} */
  const closers = [];
  for (const { name, needs = [], install } of inOrder(plugins)) {
    const needed = /** @type {Provided} */ (Object.assign({}, ...needs.map((other) => provided.get(other))));
    const { provides = {}, close } = install(lab, needed) ?? {};
    provided.set(name, provides);
    if (close) closers.push(close);
  }
  return () => { for (const close of closers) close(); };
}
