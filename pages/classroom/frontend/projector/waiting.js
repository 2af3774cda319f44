// An open task before its answers are revealed: what to do, and how many have answered.
/** @import { RoomModel } from "./room_model.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { showLink } from "./lobby.js";
import { qrElement } from "../../../live/frontend/common/qr_code.js";

const PHASES = { open: "", paused: "Paused", closed: "Closed: no more answers" };

export class Waiting {
  #drawn = "";

  /** @param {HTMLElement} host */
  constructor(host) {
    this.text = element("p", { className: "instruction" });
    this.questions = element("ul", { className: "questions" });
    this.n = element("strong");
    this.of = element("span");
    const count = element("p", { className: "answered" }, this.n, this.of);
    count.dataset.testid = "answered";
    this.progress = element("progress");
    this.progress.setAttribute("aria-label", "People who have answered");
    this.phase = element("p", { className: "phase" });
    this.qr = element("div", { className: "qr-place" });
    this.link = element("p", { className: "link" });
    this.code = element("p", { className: "late-code" });
    const late = element("aside", { className: "late" }, this.qr, element("div", {}, element("p", { textContent: "Join late:" }), this.link, this.code));
    host.append(element("div", { className: "waiting" }, element("div", { className: "ask" }, this.text, this.questions), element("div", { className: "count" }, count, this.progress, this.phase), late));
  }

  /** @param {RoomModel} model */
  update(model) {
    const { room, task, qr } = model;
    if (!room || !task) return;
    this.text.textContent = task.text;
    this.questions.hidden = task.items.length !== 1;
    this.questions.replaceChildren(...(task.items.length === 1 ? task.items.flatMap(({ text, options }) => [
      element("li", { textContent: text, className: "question" }), ...(options ?? []).map((option) => element("li", { textContent: option })),
    ]) : []));
    const n = model.answers(task.round).length, all = Math.max(room.people.length, n);
    this.n.textContent = String(n);
    this.of.textContent = ` of ${all} answered`;
    Object.assign(this.progress, { max: Math.max(all, 1), value: n });
    this.phase.textContent = PHASES[task.phase];
    this.code.textContent = room.code;
    if (qr && qr.link !== this.#drawn) {
      this.#drawn = qr.link;
      showLink(this.link, qr.link);
      this.qr.replaceChildren(qrElement(qr.rows, "QR code of the link to join"));
    }
  }
}
