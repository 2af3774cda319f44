// Reader of a lesson: one step at a time, beside the Lab.
/** @import { Lesson } from "./file.js" */
import { element } from "../common/dom.js";

/**
 * The lesson as a section.
 * @param {Lesson} lesson
 */
export function lessonReader({ title, steps }) {
  const heading = element("h3"), body = element("div", { className: "lesson-body" });
  const place = element("span", { className: "lesson-place" });
  const back = element("button", { textContent: "Back", title: "The step before" });
  const next = element("button", { textContent: "Next", title: "The next step", className: "solid" });
  const head = element("div", { className: "lesson-head" }, element("h2", { textContent: title }), place, back, next);
  const node = element("section", { className: "lesson" }, head, heading, body);
  node.setAttribute("aria-label", "Lesson");
  node.dataset.testid = "lesson";
  heading.tabIndex = -1;
  let at = 0;

  function show() {
    const step = steps[at];
    heading.textContent = step.heading;
    body.replaceChildren(...step.paragraphs.map((text) => element("p", { textContent: text })));
    place.textContent = `${at + 1} of ${steps.length}`;
    back.disabled = at === 0;
    next.disabled = at === steps.length - 1;
    node.dataset.step = String(at + 1);
  }

  /** @param {number} by */
  function go(by) {
    at = Math.min(Math.max(at + by, 0), steps.length - 1);
    show();
    heading.focus({ preventScroll: true }); // a screen reader reads on from the new step
  }

  back.addEventListener("click", () => go(-1));
  next.addEventListener("click", () => go(1));
  show();
  return node;
}
