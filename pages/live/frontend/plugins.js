// The parts of the Lab. Each is a function of the lab: it listens on lab.bus, adds to lab.actions (by the name in a
// button's data-action), and edits through lab.preview and lab.commit. It may return a clean-up.
import { announce } from "./panels/screen_reader.js";
import { compare } from "./map/ab_compare.js";
import { choice } from "./panels/aif_uncertainty.js";
import { commands } from "./key_bindings.js";
import { effects } from "./curve/edit_hints.js";
import { gestures } from "./map/mouse_bindings.js";
import { mapTools } from "./map/map_toolbar.js";
import { matters } from "./panels/sensitivity.js";
import { numbers } from "./panels/numbers.js";
import { overlay } from "./map/map_overlay.js";
import { paint } from "./map/lesion_brush.js";
import { panes } from "./panels/tabs.js";
import { probes } from "./panels/voxel_curves.js";
import { share } from "./panels/share_link.js";
import { snapshots } from "./panels/snapshots.js";
import { sources } from "./curve/aif_sources.js";
import { tornado } from "./panels/tornado.js";
import { tune } from "./panels/fine_tuning.js";
import { wholeCurve } from "./curve/curve_handles.js";

export const PLUGINS = [
  commands, mapTools, gestures, wholeCurve, sources, probes, numbers, effects, snapshots, share, compare,
  panes, overlay, tune, paint, matters, tornado, choice, announce,
];
