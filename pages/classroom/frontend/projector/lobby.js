// Before the first task: code, link, QR code, and who has joined.
/** @import { RoomModel } from "./room_model.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { qrElement } from "../../../live/frontend/common/qr_code.js";

const MAX_CHIPS = 60; // more do not fit the screen; the count says how many there are

/** The link without its key, as people type it. @param {string} link */
export const typedLink = (link) => {
  const url = new URL(link);
  return url.host + url.pathname;
};

/** Show a link, which may break after a slash or a dot; a long one is smaller. @param {HTMLElement} host @param {string} link */
export function showLink(host, link) {
  const text = typedLink(link);
  host.replaceChildren(...text.split(/(?<=[/.])/).flatMap((part) => [part, element("wbr")]));
  host.style.setProperty("--n", String(text.length));
}

export class Lobby {
  #drawn = "";

  /** @param {HTMLElement} host */
  constructor(host) {
    this.code = element("p", { className: "giant-code" });
    this.code.dataset.testid = "code";
    this.link = element("p", { className: "link" });
    this.link.dataset.testid = "link";
    this.qr = element("div", { className: "qr-place" });
    this.count = element("p", { className: "joined" });
    this.count.dataset.testid = "joined";
    this.chips = element("ul", { className: "chips" });
    const intro = element("p", { className: "intro" }, "Scan the code, or open");
    host.append(element("div", { className: "lobby" }, element("div", {}, intro, this.link, element("p", { className: "intro" }, "and type"), this.code), this.qr, element("section", {}, this.count, this.chips)));
  }

  /** @param {RoomModel} model */
  update({ room, qr }) {
    if (!room) return;
    this.code.textContent = room.code;
    this.code.style.setProperty("--n", String(room.code.length));
    if (qr && qr.link !== this.#drawn) {
      this.#drawn = qr.link;
      showLink(this.link, qr.link);
      this.qr.replaceChildren(qrElement(qr.rows, "QR code of the link to join"));
    }
    const n = room.people.length;
    this.count.textContent = n === 1 ? "1 person has joined" : `${n} people have joined`;
    const newest = room.people.slice(-MAX_CHIPS).reverse(); // a new participant sees the own name at once
    this.chips.hidden = room.namesHidden;
    this.chips.replaceChildren(...(room.namesHidden ? [] : newest.map(({ name, connected }) =>
      element("li", { textContent: name || "hidden", className: `${name ? "" : "hidden-name"} ${connected ? "" : "away"}`.trim() }))));
  }
}
