// Help on the keys of a page that has no help of its own.
import { EVERY_PAGE, keyLists, SERIES_PLAYER } from "../../live/frontend/common/key_texts.js";
import { element, find } from "../../live/frontend/common/dom.js";

export class KeyHelp {
  /** @param {Node} place */
  constructor(place) {
    this.dialog = element("dialog", { className: "keys", tabIndex: -1 }); // a click on its text keeps the focus in it
    this.dialog.setAttribute("aria-label", "Keys");
    place.appendChild(this.dialog);
  }

  /** Open the page's own help if it has one, else the dialog. @param {string} page URL path */
  open(page) {
    if (this.dialog.open) return;
    if (!document.dispatchEvent(new CustomEvent("aif-lab:help", { cancelable: true }))) return; // the Lab has answered
    const groups = page === "cases" ? [...SERIES_PLAYER, EVERY_PAGE] : [EVERY_PAGE];
    this.dialog.innerHTML = `<h2>Keys</h2>${keyLists(groups)}<button type="button" title="Close (Esc)">Close</button>`;
    find(this.dialog, "button").addEventListener("click", () => this.dialog.close());
    this.dialog.showModal();
  }

  close() { this.dialog.remove(); }
}
