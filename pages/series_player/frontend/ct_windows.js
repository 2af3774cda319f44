// Grey-scale windows of the CT: presets, custom values, and how a drag changes them. All in the browser.
/** @import { Range, WindowLevel, WindowPreset } from "./types.js" */

/** @type {WindowPreset[]} */
export const PRESETS = [
  { name: "brain", label: "Brain", title: "Brain, centre 40, width 80 HU", centre: 40, width: 80, quantity: "frame" },
  { name: "stroke", label: "Stroke", title: "Stroke, centre 35, width 35 HU", centre: 35, width: 35, quantity: "frame" },
  { name: "vessels", label: "Vessels", title: "Enhancement, 0 to 150 HU", centre: 75, width: 150, quantity: "enhancement" },
  { name: "bone", label: "Bone", title: "Bone, centre 500, width 2000 HU", centre: 500, width: 2000, quantity: "frame" },
];
const DRAG_GAIN = 1; // widths per drag across the whole slice

export class CtWindows {
  name = "brain";
  /** Values that the user has set, by preset. @type {Record<string, WindowLevel>} */
  custom = {};
  /** Values in place of a preset's where the series is not in HU. @type {Record<string, WindowLevel>} */
  defaults = {};

  get preset() { return /** @type {WindowPreset} */ (PRESETS.find(({ name }) => name === this.name)); }

  /** @returns {WindowLevel} */
  get level() { return this.custom[this.name] ?? this.defaults[this.name] ?? this.preset; }

  /** Lowest and highest value shown. @returns {Range} */
  get range() {
    const { centre, width } = this.level;
    return [centre - width / 2, centre + width / 2];
  }

  /**
   * Set the window; values that are not finite and widths that are not positive are refused.
   * @param {number} centre
   * @param {number} width
   */
  set(centre, width) {
    if (!(Number.isFinite(centre) && Number.isFinite(width) && width > 0)) return false;
    this.custom[this.name] = { centre, width };
    return true;
  }

  reset() { delete this.custom[this.name]; }

  /**
   * Change the window by a drag: to the right is wider, down is darker, as on a reading console.
   * @param {WindowLevel} from window at the start of the drag
   * @param {number} across part of the slice's width
   * @param {number} down part of the slice's height
   */
  drag(from, across, down) {
    const reach = DRAG_GAIN * Math.max(from.width, this.preset.width / 4);
    this.set(from.centre + reach * down, Math.max(from.width + reach * across, this.preset.width / 100));
  }
}
