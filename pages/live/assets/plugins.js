// The parts of the Lab. Each is a function of the lab: it listens on lab.bus, adds to lab.actions (by the name in a
// button's data-action), and edits through lab.preview and lab.commit. It may return a clean-up.
import { announce } from "./announce.js";
import { compare } from "./compare.js";
import { choice } from "./choice.js";
import { commands } from "./commands.js";
import { effects } from "./effects.js";
import { gestures } from "./gestures.js";
import { mapTools } from "./maptools.js";
import { matters } from "./matters.js";
import { numbers } from "./numbers.js";
import { overlay } from "./overlay.js";
import { paint } from "./paint.js";
import { panes } from "./panes.js";
import { probes } from "./probes.js";
import { share } from "./share.js";
import { snapshots } from "./snapshots.js";
import { sources } from "./sources.js";
import { tornado } from "./tornado.js";
import { tune } from "./tune.js";
import { wholeCurve } from "./whole.js";

export const PLUGINS = [
  commands, mapTools, gestures, wholeCurve, sources, probes, numbers, effects, snapshots, share, compare,
  panes, overlay, tune, paint, matters, tornado, choice, announce,
];
