// The player's buttons, sliders and number fields.
import { find, setRadio } from "../../live/frontend/common/dom.js";
import { PRESETS } from "./ct_windows.js";

/** @import { WindowLevel } from "./types.js" */
/** @typedef {import("./player.js").SeriesPlayer} SeriesPlayer */

/** @type {Record<string, number>} */
const RADIO_STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** @param {SeriesPlayer} player */
export function bindControls(player) {
  /** @type {(name: string, event: string, act: (value: string) => void) => void} */
  const on = (name, event, act) => {
    const node = player.control(name);
    node.addEventListener(event, () => act(node.value));
  };
  on("play", "click", () => player.play(!player.playback.playing));
  on("frame", "input", (value) => player.goToFrame(Number(value)));
  on("slice", "input", (value) => player.goToSlice(Number(value)));
  on("maximum", "click", () => player.showMaximum(!player.maximum));
  on("speed", "change", (value) => player.setRate(Number(value)));
  player.control("speed").value = String(player.playback.rate);
  const setWindow = (/** @type {Partial<WindowLevel>} */ change) => {
    const { centre, width } = { ...player.windows.level, ...change };
    player.windows.set(centre, width);
    player.showWindow();
  };
  on("centre", "change", (value) => setWindow({ centre: Number(value) }));
  on("width", "change", (value) => setWindow({ width: Number(value) }));
  bindPresets(player, find(player.root, ".segments"));
}

/** @param {SeriesPlayer} player @param {HTMLElement} group */
function bindPresets(player, group) {
  group.addEventListener("click", ({ target }) => {
    const { preset } = /** @type {HTMLElement} */ (target).dataset;
    if (preset) player.usePreset(preset);
  });
  group.addEventListener("keydown", (event) => {
    const by = RADIO_STEPS[event.key];
    if (!by) return;
    event.preventDefault();
    const usable = PRESETS.filter((preset) => player.canUse(preset));
    const at = usable.findIndex(({ name }) => name === player.windows.name);
    player.usePreset(usable[(at + by + usable.length) % usable.length].name);
    find(group, `[data-preset=${player.windows.name}]`).focus();
  });
}

/** Show the window in the number fields and the presets. @param {SeriesPlayer} player */
export function showWindowControls(player) {
  const { centre, width } = player.windows.level;
  const digits = width < 10 ? 2 : 0;
  player.control("centre").value = centre.toFixed(digits);
  player.control("width").value = width.toFixed(digits);
  for (const { name } of PRESETS) setRadio(find(player.root, `[data-preset=${name}]`), name === player.windows.name);
  player.control("maximum").setAttribute("aria-checked", String(player.maximum));
}
