// Annotations on the slice: the voxels of each selector's AIF, in its colour, and VOF, in that of veins, and a crosshair at the chosen voxel.
import { svg } from "../../live/frontend/common/svg_chart.js";
import { toScreen } from "../../live/frontend/common/voxel_coords.js";

/** @import { FoundAif, Pixel, PlayerConfig, Voxel } from "./types.js" */

const CROSS_PX = 6; // half the crosshair, in screen pixels

export class Annotations {
  /** @param {SVGSVGElement} layer */
  constructor(layer) { this.layer = layer; }

  /**
   * @param {PlayerConfig} config
   * @param {number} z slice
   * @param {FoundAif[]} found AIFs of the selectors that are shown
   * @param {Voxel | null} voxel
   */
  draw(config, z, found, voxel) {
    const [x0, y0, w, h] = config.box;
    this.layer.setAttribute("viewBox", `0 0 ${w} ${h}`);
    this.layer.replaceChildren();
    for (const { name, colour, voxels, vofVoxels } of found) {
      this.#squares(config, z, vofVoxels, { class: "vof", "data-annotation": `${name}:vof` });
      this.#squares(config, z, voxels, { class: "aif", "data-annotation": `${name}:aif`, stroke: colour, fill: colour });
    }
    if (voxel?.[2] === z) this.#cross(toScreen(config, voxel), x0, y0);
  }

  /**
   * @param {PlayerConfig} config
   * @param {number} z
   * @param {Voxel[]} voxels
   * @param {Record<string, string>} attributes
   */
  #squares(config, z, voxels, attributes) {
    const [x0, y0] = config.box;
    for (const voxel of voxels) {
      if (voxel[2] !== z) continue;
      const [column, row] = toScreen(config, voxel);
      svg("rect", {
        x: column - x0, y: row - y0, width: 1, height: 1, "data-voxel": voxel.join(","), ...attributes,
      }, this.layer);
    }
  }

  /** @param {Pixel} pixel @param {number} x0 @param {number} y0 */
  #cross([column, row], x0, y0) {
    const { width, height } = this.layer.getBoundingClientRect();
    const { width: w, height: h } = this.layer.viewBox.baseVal;
    const [x, y, dx, dy] = [column - x0 + 0.5, row - y0 + 0.5, (CROSS_PX * w) / (width || 1), (CROSS_PX * h) / (height || 1)];
    for (const kind of ["under", "over"]) {
      svg("path", { class: `cross ${kind}`, d: `M${x - 2 * dx} ${y}H${x - dx / 2}M${x + dx / 2} ${y}H${x + 2 * dx}M${x} ${y - 2 * dy}V${y - dy / 2}M${x} ${y + dy / 2}V${y + 2 * dy}` }, this.layer);
    }
  }
}
