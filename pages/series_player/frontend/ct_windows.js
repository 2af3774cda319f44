// @ts-nocheck
// Windows of the CT: what each shows, and how a drag changes it. No server is asked.

/** `of`: what is windowed, the frame itself (HU) or what has come since the baseline (enhancement). */
export const PRESETS = [
  { name: "brain", label: "Brain", title: "Brain, centre 40, width 80 HU", centre: 40, width: 80, of: "frame" },
  { name: "stroke", label: "Stroke", title: "Stroke, centre 35, width 35 HU", centre: 35, width: 35, of: "frame" },
  { name: "vessels", label: "Vessels", title: "Enhancement, 0 to 150 HU", centre: 75, width: 150, of: "enhancement" },
  { name: "bone", label: "Bone", title: "Bone, centre 500, width 2000 HU", centre: 500, width: 2000, of: "frame" },
];
export const DRAG = 1; // of the width, over the height or width of the picture

export class Windows {
  constructor() {
    this.name = "brain";
    this.own = {}; // by preset: {centre, width} where a person has set one
    this.usual = {}; // by preset, where the series is not in HU
  }

  get preset() { return PRESETS.find(({ name }) => name === this.name); }

  get now() { return this.own[this.name] ?? this.usual[this.name] ?? this.preset; }

  /** [low, high] of what is shown. */
  get range() {
    const { centre, width } = this.now;
    return [centre - width / 2, centre + width / 2];
  }

  /** Nonsense (not finite, no width) is refused. */
  set(centre, width) {
    if (!(Number.isFinite(centre) && Number.isFinite(width) && width > 0)) return false;
    this.own[this.name] = { centre, width };
    return true;
  }

  reset() { delete this.own[this.name]; }

  /** A drag from where it began: across makes it wider, down makes it darker, as on a console. */
  drag(from, across, down) {
    const reach = Math.max(from.width, this.preset.width / 4);
    this.set(from.centre + DRAG * reach * down, Math.max(from.width + DRAG * reach * across, this.preset.width / 100));
  }
}
