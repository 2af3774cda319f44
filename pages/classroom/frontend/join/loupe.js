// Magnifier above the finger, which hides what it points at. The voxel under the finger is marked.
/** @import { Voxel } from "../../../live/frontend/types.js" */
/** @import { MapCanvas } from "../../../live/frontend/map/map_canvas.js" */
import { SliceRenderer } from "../../../live/frontend/map/slice_renderer.js";
import { LOUPE, loupePlace, loupeSource } from "./loupe_place.js";

export class Loupe {
  #renderer = new SliceRenderer();

  constructor() {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "loupe";
    this.canvas.dataset.testid = "loupe";
    this.canvas.setAttribute("aria-hidden", "true");
    this.canvas.hidden = true;
  }

  /**
   * @param {MapCanvas} map
   * @param {{x: number, y: number, z: number}} at in pixels of the slice
   * @param {{clientX: number, clientY: number}} finger
   * @param {readonly Voxel[]} picked
   */
  show(map, at, { clientX, clientY }, picked) {
    const { left, top } = loupePlace({ x: clientX, y: clientY }, { width: innerWidth, height: innerHeight }, LOUPE);
    Object.assign(this.canvas.style, { left: `${left}px`, top: `${top}px`, width: `${LOUPE.size}px`, height: `${LOUPE.size}px` });
    this.canvas.hidden = false;
    this.#draw(map, at, picked);
  }

  hide() { this.canvas.hidden = true; }

  /** @param {MapCanvas} map @param {{x: number, y: number, z: number}} at @param {readonly Voxel[]} picked */
  #draw(map, at, picked) {
    const { canvas } = this;
    const now = map.values.open, ratio = window.devicePixelRatio || 1, size = Math.round(LOUPE.size * ratio);
    if (canvas.width !== size) Object.assign(canvas, { width: size, height: size });
    const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const { x, y, w, square } = loupeSource(at, { size, nVoxels: LOUPE.nVoxels });
    ctx.imageSmoothingEnabled = false;
    ctx.fillStyle = "#000";
    ctx.fillRect(0, 0, size, size);
    ctx.drawImage(this.#renderer.draw(map.values, now, at.z, map.style()), x, y, w, w, 0, 0, size, size);
    const mark = (/** @type {number} */ column, /** @type {number} */ row, /** @type {string} */ colour) => {
      const box = square(column, row);
      ctx.strokeStyle = colour;
      ctx.lineWidth = 2 * ratio;
      ctx.strokeRect(box.x, box.y, box.w, box.w);
    };
    for (const voxel of picked) {
      if (voxel[2] === at.z) mark(...map.values.pixelOf(voxel), map.colours.aif);
    }
    mark(Math.floor(at.x), Math.floor(at.y), map.colours.probe);
  }
}
