// Form to join a class: code and pseudonym. An error stands beside the field that caused it.
import { element } from "../../../live/frontend/common/dom.js";
import { button } from "./controls.js";
import { displayCode, normalizeCode } from "./join_link.js";

const MAX_NAME_CHARS = 24;
const NO_CODE = "Type the code that the lecturer shows.";
const PRIVACY = "No account. Nothing is stored on the server; your answers are shown without a name unless the lecturer shows pseudonyms.";

/** @typedef {{code: string, name: string, notice: string}} JoinFormStart */

let nFields = 0;

/** @param {string} label @param {HTMLInputElement} input @param {Node[]} beside */
function field(label, input, ...beside) {
  const id = `field-${++nFields}`;
  input.id = id;
  const error = element("p", { className: "field-error", id: `${id}-error`, role: "alert" });
  input.setAttribute("aria-describedby", error.id);
  const caption = element("label", { textContent: label });
  caption.htmlFor = id;
  return { error, element: element("div", { className: "field" }, caption, element("div", { className: "input" }, input, ...beside), error) };
}

export class JoinForm {
  /** @param {JoinFormStart} start @param {(code: string, name: string) => void} onJoin */
  constructor({ code, name, notice }, onJoin) {
    this.code = element("input", {
      type: "text", autocomplete: "off", autocapitalize: "characters", spellcheck: false, enterKeyHint: "next",
      value: code && displayCode(code), placeholder: "ABC DEF", maxLength: 24,
    });
    this.name = element("input", {
      type: "text", autocomplete: "off", spellcheck: false, enterKeyHint: "go", value: name, maxLength: MAX_NAME_CHARS,
      placeholder: "empty: one is drawn",
    });
    const draw = button("Draw one", () => { this.name.value = ""; this.name.placeholder = "one is drawn when you join"; }, { name: "Draw a pseudonym" });
    const codeField = field("Code of the class", this.code), nameField = field("Pseudonym", this.name, draw);
    this.codeError = codeField.error;
    this.join = element("button", { type: "submit", className: "primary", textContent: "Join" });
    const form = element("form", { noValidate: true }, codeField.element, nameField.element, this.join);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const typed = normalizeCode(this.code.value);
      if (!typed) this.showError(NO_CODE);
      else onJoin(typed, this.name.value.trim());
    });
    this.title = element("h1", { textContent: "Join the class", tabIndex: -1 });
    this.element = element("div", { className: "card" }, this.title,
      ...(notice ? [element("p", { className: "notice", role: "alert", textContent: notice })] : []), form,
      element("p", { className: "hint", textContent: PRIVACY }));
  }

  /** @param {boolean} busy */
  set busy(busy) {
    this.join.disabled = busy;
    this.join.textContent = busy ? "Joining …" : "Join";
    if (busy) this.#mark("");
  }

  /** An error of the code. @param {string} message */
  showError(message) {
    this.busy = false;
    this.#mark(message);
    this.code.focus();
  }

  /** @param {string} message */
  #mark(message) {
    this.codeError.textContent = message;
    this.code.setAttribute("aria-invalid", String(Boolean(message)));
  }
}
