// AIF editor for fingers: a touch takes the nearest point of the curve, not the one exactly under it.
import { AifEditor } from "../../../live/frontend/curve/aif_editor.js";
import { nearestHandle } from "./nearest_handle.js";

const REACH = { x: 44, y: 88 }; // points; a drag moves the curve by as much as the finger, which need not cover it

export class TouchAifEditor extends AifEditor {
  /** @param {Event} event @returns {number} */
  pointAt(event) {
    const at = super.pointAt(event);
    if (!Number.isNaN(at) || !(event instanceof PointerEvent) || !this.points.length) return at;
    const { plot } = this, bounds = plot.element.getBoundingClientRect();
    const handles = Array.from(this.times, (time, i) => ({ x: plot.x(time), y: plot.y(this.curve[i]) }));
    return nearestHandle(handles, { x: event.clientX - bounds.left, y: event.clientY - bounds.top }, REACH);
  }
}
