// Screens without a task: waiting, ended, left.
import { element } from "../../../live/frontend/common/dom.js";
import { button } from "./controls.js";

/** @param {{title: string, lines: string[], again?: () => void}} content `again`: join another class */
export function noticeScreen({ title, lines, again }) {
  const heading = element("h1", { textContent: title, tabIndex: -1 });
  const node = element("div", { className: "card" }, heading, ...lines.map((textContent) => element("p", { textContent })));
  if (again) node.append(button("Join another class", again, { kind: "primary" }));
  return { element: node, title: heading };
}
