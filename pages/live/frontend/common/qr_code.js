// QR code as SVG: dark modules on white with the quiet zone of ISO/IEC 18004, in both themes.
import { svg } from "./svg_chart.js";

export const QUIET_MODULES = 4;

/**
 * Path of the dark modules, one rectangle for each run of a row.
 * @param {string[]} rows `1` for dark and `0` for light modules
 */
export function qrPath(rows) {
  let d = "";
  rows.forEach((row, y) => {
    for (const { index, 0: run } of row.matchAll(/1+/g)) d += `M${index + QUIET_MODULES} ${y + QUIET_MODULES}h${run.length}v1h-${run.length}z`;
  });
  return d;
}

/** @param {string[]} rows @param {string} label */
export function qrElement(rows, label) {
  const size = rows.length + 2 * QUIET_MODULES;
  const node = svg("svg", { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label, class: "qr", "shape-rendering": "crispEdges", "data-testid": "qr" });
  svg("rect", { width: size, height: size, fill: "#fff" }, node);
  svg("path", { d: qrPath(rows), fill: "#000", style: "stroke:none" }, node).style.fill = "#000";
  return node;
}
