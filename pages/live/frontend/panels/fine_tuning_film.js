// Filmstrip of fine-tuning: map, curve and Dice of some steps of the path; a press, or an arrow key, goes to that step.
/** @import { Lab } from "../lab.js" */
/** @import { Curve, TuneStep } from "../types.js" */
import { closest, element, find, findAll } from "../common/dom.js";
import { fixed } from "../common/number_format.js";
import { places } from "../map/slice_layout.js";

const [WIDTH, MAP_HEIGHT, CURVE_HEIGHT] = [62, 42, 14]; // in CSS pixels
const GAP = 4;
const MIN_FRAMES = 4;
const DICE_DIGITS = 2; // of the preview: the last digit of the number row is that of all frames

/**
 * How many steps lie between two pictures of a film of at most `max` with the last step: 1, 2, 4 …
 * @param {number} nSteps
 * @param {number} max
 */
export function filmInterval(nSteps, max) {
  let every = 1;
  while (Math.ceil((nSteps - 1) / every) + 1 > max) every *= 2;
  return every;
}

/**
 * Steps of the film: every first, second, fourth … step and the last, at most `max` of them. While it runs the last
 * one is left out, as it is in view and moves on.
 * @param {number} nSteps
 * @param {number} max
 * @param {boolean} isRunning
 * @returns {number[]}
 */
export function filmSteps(nSteps, max, isRunning = false) {
  if (nSteps < 1) return [];
  const every = filmInterval(nSteps, max);
  const steps = [];
  for (let i = 0; i < nSteps - 1; i += every) steps.push(i);
  const last = nSteps - 1;
  return isRunning && last % every ? steps : [...steps, last];
}

export class TuneFilm {
  /** Small maps by step, of the view that they were drawn in. @type {Map<number, HTMLCanvasElement>} */
  #maps = new Map();
  #view = "";
  #maxFrames = MIN_FRAMES;
  #nCaptured = 0;
  /** What is drawn: the same is not drawn again. @type {{path: TuneStep[], what: string} | null} */
  #drawn = null;

  /** @param {Lab} lab @param {HTMLElement} pane @param {(step: number) => void} onChoose */
  constructor(lab, pane, onChoose) {
    this.lab = lab;
    this.pane = pane;
    this.strip = find(pane, ".film");
    this.strip.addEventListener("click", (event) => {
      const step = closest(event, "[data-film]")?.dataset.film;
      if (step !== undefined) onChoose(Number(step));
    });
    this.strip.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Read how many pictures fit; a drawing uses the last size, since reading it lays out the whole page. */
  measure() {
    this.#maxFrames = Math.max(Math.floor((this.pane.clientWidth + GAP) / (WIDTH + GAP)), MIN_FRAMES);
    this.#drawn = null;
  }

  /** Go along the film with the arrow keys, Home and End. @param {KeyboardEvent} event */
  #onKey(event) {
    const frames = findAll(this.strip, "button", HTMLButtonElement);
    const at = frames.findIndex((frame) => frame.contains(/** @type {Node} */ (event.target)));
    /** @type {Record<string, number>} */
    const goals = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: frames.length - 1 };
    if (at < 0 || !(event.key in goals)) return;
    event.preventDefault();
    event.stopPropagation();
    frames[goals[event.key]]?.focus();
    frames[goals[event.key]]?.click();
  }

  /**
   * Keep a small copy of the map of the step that has just been drawn, if the film shows it.
   * @param {number} step
   * @param {number} nSteps
   * @param {boolean} isRunning
   */
  capture(step, nSteps, isRunning) {
    const { view, map, case: open } = this.lab;
    if (!open || !filmSteps(nSteps, this.#maxFrames, isRunning).includes(step)) return;
    const key = [...view.maps, view.slice, view.montage].join("|");
    if (key !== this.#view) this.#maps.clear(); // of another slice or map
    this.#view = key;
    const ratio = map.ratio;
    const small = element("canvas", { width: WIDTH * ratio, height: MAP_HEIGHT * ratio });
    const ctx = /** @type {CanvasRenderingContext2D} */ (small.getContext("2d"));
    const heads = places(open, view, map.canvas);
    const [x, y] = [Math.min(...heads.map((head) => head.x)), Math.min(...heads.map((head) => head.y))];
    const [w, h] = [Math.max(...heads.map((head) => head.x + head.w)) - x, Math.max(...heads.map((head) => head.y + head.h)) - y];
    const scale = Math.min(small.width / w, small.height / h);
    ctx.imageSmoothingQuality = "medium";
    ctx.drawImage(map.canvas, x, y, w, h, (small.width - w * scale) / 2, (small.height - h * scale) / 2, w * scale, h * scale);
    this.#maps.set(step, small);
    this.#nCaptured += 1;
  }

  /**
   * @param {TuneStep[]} path
   * @param {number} at step in view
   * @param {boolean} isRunning
   */
  draw(path, at, isRunning) {
    const wanted = filmSteps(path.length, this.#maxFrames, isRunning);
    const what = `${wanted.join()}|${wanted.includes(at) ? at : ""}|${this.#nCaptured}`;
    if (this.#drawn?.path === path && this.#drawn.what === what) return;
    this.#drawn = { path, what };
    for (const step of this.#maps.keys()) if (!wanted.includes(step)) this.#maps.delete(step);
    this.strip.hidden = path.length < 2;
    const frames = findAll(this.strip, "button", HTMLButtonElement);
    for (let i = frames.length; i < wanted.length; i++) this.strip.append(this.#frame());
    for (let i = wanted.length; i < frames.length; i++) frames[i].remove();
    findAll(this.strip, "button", HTMLButtonElement).forEach((button, i) => this.#drawFrame(button, path, wanted[i], at));
  }

  #frame() {
    const { ratio } = this.lab.map;
    const canvas = element("canvas", { width: WIDTH * ratio, height: (MAP_HEIGHT + CURVE_HEIGHT) * ratio });
    return element("button", {}, element("span", {}, element("small"), element("b")), canvas);
  }

  /** @param {HTMLButtonElement} button @param {TuneStep[]} path @param {number} step @param {number} at */
  #drawFrame(button, path, step, at) {
    const dice = fixed(path[step].dice, DICE_DIGITS);
    button.dataset.film = String(step);
    button.title = `Go to step ${step}: Dice ${dice}`;
    button.setAttribute("aria-label", button.title);
    button.setAttribute("aria-pressed", String(step === at));
    find(button, "small").textContent = String(step);
    find(button, "b").textContent = dice;
    const canvas = find(button, "canvas", HTMLCanvasElement);
    const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    ctx.fillStyle = "#000";
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    const small = this.#maps.get(step);
    if (small) ctx.drawImage(small, 0, 0);
    const room = small ? CURVE_HEIGHT / (MAP_HEIGHT + CURVE_HEIGHT) : 1;
    drawCurve(ctx, path[step].curve, canvas.height * (1 - room), this.lab.map.colours.aif);
  }
}

/**
 * Draw a curve over the width of a canvas, from a height down to its lower end.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Curve} curve
 * @param {number} top
 * @param {string} colour
 */
function drawCurve(ctx, curve, top, colour) {
  const { width, height } = ctx.canvas;
  const [low, high] = [Math.min(...curve, 0), Math.max(...curve)];
  const y = (/** @type {number} */ value) => height - 2 - ((value - low) / (high - low || 1)) * (height - top - 4);
  ctx.beginPath();
  curve.forEach((value, i) => ctx.lineTo((i / (curve.length - 1)) * width, y(value)));
  ctx.strokeStyle = colour;
  ctx.lineWidth = Math.max(width / WIDTH, 1);
  ctx.stroke();
}
