// @ts-nocheck
// What lies on the picture: the voxels of each selector, and the one whose curve is shown.
import { svg } from "../../live/frontend/common/svg_chart.js";
import { toScreen } from "../../live/frontend/common/voxel_coords.js";

const CROSS = 6; // half the crosshair, in screen pixels

export class Marks {
  constructor(layer) { this.layer = layer; }

  /** @param {{name: string, colour: string, voxels: number[][], vofVoxels: number[][]}[]} found shown selectors */
  draw(config, z, found, voxel) {
    const [x0, y0, w, h] = config.box;
    this.layer.setAttribute("viewBox", `0 0 ${w} ${h}`);
    this.layer.replaceChildren();
    for (const { name, colour, voxels, vofVoxels } of found) {
      for (const [kind, all] of [["vof", vofVoxels], ["aif", voxels]]) {
        for (const one of all) {
          if (one[2] !== z) continue;
          const [column, row] = toScreen(config, one);
          svg("rect", {
            x: column - x0, y: row - y0, width: 1, height: 1, class: kind, stroke: colour, fill: colour,
            "data-mark": `${name}:${kind}`, "data-voxel": one.join(","),
          }, this.layer);
        }
      }
    }
    if (voxel?.[2] === z) this.cross(toScreen(config, voxel), x0, y0);
  }

  cross([column, row], x0, y0) {
    const { width, height } = this.layer.getBoundingClientRect();
    const { width: w, height: h } = this.layer.viewBox.baseVal;
    const [x, y, dx, dy] = [column - x0 + 0.5, row - y0 + 0.5, (CROSS * w) / (width || 1), (CROSS * h) / (height || 1)];
    for (const kind of ["under", "over"]) {
      svg("path", { class: `cross ${kind}`, d: `M${x - 2 * dx} ${y}H${x - dx / 2}M${x + dx / 2} ${y}H${x + 2 * dx}M${x} ${y - 2 * dy}V${y - dy / 2}M${x} ${y + dy / 2}V${y + 2 * dy}` }, this.layer);
    }
  }
}
