// Dialog with the QR code of the page's link: black on white, as large as the window lets it be.
/** @import { BarData } from "./types.js" */
import { element } from "../../live/frontend/common/dom.js";
import { qrElement } from "../../live/frontend/common/qr_code.js";

/**
 * The link to what is shown: of the Lab with its curve and view, of a lesson by its name, else the page's address.
 * @param {BarData["steps"]} steps
 */
export function linkOf(steps) {
  if (steps) return `${location.origin}${location.pathname}?${new URLSearchParams(steps.params)}`.replace(/\?$/, "");
  const asked = { link: "" };
  document.dispatchEvent(new CustomEvent("aif-lab:link", { detail: asked })); // the Lab answers, if it is on the page
  return asked.link || location.href;
}

/** A link to be read: the values of its curve are many letters. @param {string} link */
export const shortLink = (link) => decodeURI(link).replace(/(curve=.{8})[^&]*/, "$1…");

export class LinkCode {
  #asked = "";

  /** @param {Node} place @param {(link: string) => void} ask sends a link to the server, which makes its code */
  constructor(place, ask) {
    this.ask = ask;
    this.dialog = element("dialog", { className: "code" });
    this.dialog.setAttribute("aria-label", "QR code of the link");
    this.dialog.addEventListener("click", () => this.dialog.close());
    place.appendChild(this.dialog);
  }

  /** @param {BarData["steps"]} steps */
  open(steps) {
    this.#asked = linkOf(steps);
    this.dialog.replaceChildren(element("p", { textContent: "…" }));
    this.dialog.showModal();
    this.ask(this.#asked);
  }

  /** @param {BarData["code"]} code */
  show(code) {
    if (!this.dialog.open || code?.of !== this.#asked) return;
    const close = element("button", { type: "button", textContent: "Close", title: "Close (Esc)" });
    this.dialog.replaceChildren(
      qrElement(code.rows, "QR code of the link"),
      element("div", {}, element("p", { className: "link", textContent: shortLink(code.link), title: code.link }),
        ...(code.problem ? [element("p", { className: "problem", textContent: `⚠ ${code.problem}` })] : []), close),
    );
    close.focus();
  }

  close() { this.dialog.remove(); }
}
