// Top of the page: pseudonym, state of the connection and of the last answer, and the menu with "Leave".
/** @import { SendStatus } from "./answer_outbox.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { button } from "./controls.js";
import { displayCode } from "./join_link.js";

/** @typedef {"connecting" | "live" | "reconnecting" | "closed"} Connection */

/** @type {Record<SendStatus, string>} */
const SENT = { "": "Connected", waiting: "Not sent yet", sending: "Sending …", sent: "Sent", refused: "Not accepted" };
const RECONNECTING = "Reconnecting …";

export class TopBar {
  /** @param {{onLeave: () => boolean}} handlers `onLeave`: false without a connection */
  constructor({ onLeave }) {
    this.name = element("b", {});
    this.status = element("span", { className: "status", role: "status" });
    this.menu = button("☰", () => this.#open(), { kind: "square menu", name: "Menu" });
    this.element = element("div", { className: "top", hidden: true, role: "banner" },
      element("div", { className: "who" }, this.name, this.status), this.menu);
    this.room = element("p", { className: "hint" });
    this.offline = element("p", { className: "field-error", role: "alert" });
    this.ask = element("div", { className: "choices" },
      button("Leave and remove my answers", () => this.#confirm(true), { kind: "danger" }), button("Back", () => this.dialog.close()));
    this.confirm = element("div", { className: "choices", hidden: true },
      element("p", { textContent: "Your answers are removed from the class. This cannot be undone." }), this.offline,
      button("Leave", () => {
        if (onLeave()) this.dialog.close();
        else this.offline.textContent = "There is no connection now; try again when there is.";
      }, { kind: "danger" }), button("Stay", () => this.dialog.close()));
    this.heading = element("h2", { id: "menu-heading", tabIndex: -1 });
    this.dialog = element("dialog", {}, this.heading, this.room, this.ask, this.confirm);
    this.dialog.setAttribute("aria-labelledby", "menu-heading");
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
  }

  /** @param {{name: string, code: string} | null} person null outside a class */
  show(person) {
    this.element.hidden = !person;
    if (!person) { this.dialog.close(); return; }
    this.name.textContent = this.heading.textContent = person.name;
    this.room.textContent = `Class ${displayCode(person.code)}`;
  }

  /** @param {Connection} connection @param {SendStatus} sent */
  showStatus(connection, sent) {
    const text = connection === "live" ? SENT[sent] : RECONNECTING;
    if (this.status.textContent !== text) this.status.textContent = text;
    this.status.dataset.connection = connection;
  }

  #open() {
    this.#confirm(false);
    this.dialog.showModal();
    this.heading.focus();
  }

  /** @param {boolean} asked */
  #confirm(asked) {
    this.offline.textContent = "";
    this.ask.hidden = asked;
    this.confirm.hidden = !asked;
    if (asked) this.heading.focus();
  }
}
