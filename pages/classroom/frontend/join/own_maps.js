// Maps of the participant's curve: a curve that comes before the case has been loaded is computed once it has.
/** @import { Curve } from "../../../live/frontend/types.js" */
/** @import { TaskCase } from "../common/task_case.js" */

export class OwnMaps {
  /** @type {{curve: Curve, rest: boolean} | null} */
  #wanted = null;
  #taskCase;

  /** @param {Pick<TaskCase, "compute">} taskCase */
  constructor(taskCase) { this.#taskCase = taskCase; }

  /** @param {Curve} curve @param {{rest: boolean}} options */
  show(curve, { rest }) {
    this.#wanted = { curve: curve.slice(), rest };
    this.retry();
  }

  /** Compute the last curve if it could not be computed before: more of the case has come, or another slice is in view. */
  retry() {
    if (!this.#wanted) return;
    const { curve, rest } = this.#wanted;
    if (this.#taskCase.compute(curve, { rest })) this.#wanted = null;
    else if (rest) this.#taskCase.compute(curve, { rest: false }); // at least the slice in view
  }
}
