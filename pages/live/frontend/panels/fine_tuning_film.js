// Filmstrip of fine-tuning: a small map and curve of some steps of the path; a press goes back to that step.
/** @import { Lab } from "../lab.js" */
/** @import { Curve, TuneStep } from "../types.js" */
import { closest, element, find, findAll } from "../common/dom.js";

const [WIDTH, MAP_HEIGHT, CURVE_HEIGHT] = [46, 50, 14]; // in CSS pixels
const GAP = 4;
const MIN_FRAMES = 4;

/**
 * Steps of the film: every first, second, fourth … step and the last, at most `max` of them.
 * @param {number} nSteps
 * @param {number} max
 * @returns {number[]}
 */
export function filmSteps(nSteps, max) {
  if (nSteps < 1) return [];
  let every = 1;
  while (Math.ceil((nSteps - 1) / every) + 1 > max) every *= 2;
  const steps = [];
  for (let i = 0; i < nSteps - 1; i += every) steps.push(i);
  return [...steps, nSteps - 1];
}

export class TuneFilm {
  /** Small maps by step, of the view that they were drawn in. @type {Map<number, HTMLCanvasElement>} */
  #maps = new Map();
  #view = "";

  /** @param {Lab} lab @param {HTMLElement} pane @param {(step: number) => void} onChoose */
  constructor(lab, pane, onChoose) {
    this.lab = lab;
    this.strip = find(pane, ".film");
    this.strip.addEventListener("click", (event) => {
      const step = closest(event, "[data-film]")?.dataset.film;
      if (step !== undefined) onChoose(Number(step));
    });
  }

  get #maxFrames() { return Math.max(Math.floor((this.strip.clientWidth + GAP) / (WIDTH + GAP)), MIN_FRAMES); }

  /** Keep a small copy of the map of the step that has just been drawn. @param {number} step */
  capture(step) {
    const { view, map } = this.lab;
    const key = [view.map, view.slice, view.montage].join("|");
    if (key !== this.#view) this.#maps.clear(); // of another slice or map
    this.#view = key;
    const ratio = map.ratio;
    const small = element("canvas", { width: WIDTH * ratio, height: MAP_HEIGHT * ratio });
    const ctx = /** @type {CanvasRenderingContext2D} */ (small.getContext("2d"));
    const scale = Math.min(small.width / map.canvas.width, small.height / map.canvas.height);
    const [w, h] = [map.canvas.width * scale, map.canvas.height * scale];
    ctx.imageSmoothingQuality = "high";
    ctx.drawImage(map.canvas, (small.width - w) / 2, (small.height - h) / 2, w, h);
    this.#maps.set(step, small);
  }

  /**
   * @param {TuneStep[]} path
   * @param {number} at step in view
   */
  draw(path, at) {
    const wanted = filmSteps(path.length, this.#maxFrames);
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
    return element("button", {}, canvas, element("small"));
  }

  /** @param {HTMLButtonElement} button @param {TuneStep[]} path @param {number} step @param {number} at */
  #drawFrame(button, path, step, at) {
    button.dataset.film = String(step);
    button.title = `Go to step ${step}`;
    button.setAttribute("aria-label", button.title);
    button.setAttribute("aria-pressed", String(step === at));
    find(button, "small").textContent = String(step);
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
