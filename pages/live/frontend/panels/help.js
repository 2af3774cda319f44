// Help: all shortcuts (?), a tour of the Lab, and a hint that goes with the first edit.
/** @import { Lab } from "../lab.js" */
import { element, find, inTextField } from "../common/dom.js";
import { EVERY_PAGE, keyLists, LAB } from "../common/key_texts.js";

const HINTED = "aif-lab|hinted"; // in local storage: the hint is shown once
const HINT = "Drag a point of the curve, or press one of the buttons: the maps follow.";
const ABOUT = "The arterial input function (AIF) is the contrast in a feeding artery over time; every map is a deconvolution of the tissue's curves with it. Change the curve, and the maps and volumes show what depends on it.";
/** Terms of the Lab. @type {[term: string, text: string][]} */
const TERMS = [
  ["CBF", "blood flow, ml/100 g/min; rCBF is relative to healthy tissue"],
  ["Tmax", "time at which k(t) is highest: how late blood arrives after the AIF, and how slowly it passes"],
  ["VOF", "venous output function: the contrast in a large vein, which sets the height of the AIF"],
  ["k(t)", "residue function: the tissue's response to an instant bolus; its height is CBF"],
];
/** Steps of the tour: what is framed, and the text. @type {[selector: string, text: string][]} */
const TOUR = [
  [".maps", "The maps of one slice: relative blood flow on the left, Tmax on the right. Point at a voxel: the cross and its values follow in both."],
  [".curve svg.editor", "The arterial input function. Every map is deconvolved with this curve. Drag a point, and the maps follow at once."],
  [".variants", "Each button morphs the curve into a common mistake. Try the vein: Tmax collapses, the core hardly changes."],
  [".lesions", "Core, hypoperfused volume, mismatch and the decision that follows from them; beside each the change from the reference."],
  [".versus", "The reference of the changes: it stays when you choose another artery or another λ. Pin any curve here."],
  ["[data-control=source]", "Where the curve comes from: selectors, networks, the known artery, a file, or voxels that you pick (P)."],
  [".panes", "Below the curve: the voxel's own curve, what matters, the spread of plausible curves, and regions."],
  [".keep", "Save a snapshot, then compare two of them on the map, or take everything along with Export below."],
];

class Help {
  #step = 0;

  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    this.dialog = element("dialog", { className: "help" });
    this.dialog.setAttribute("aria-label", "Help");
    this.dialog.innerHTML = `<h3>About the Lab</h3><div class="row"><button data-help="tour" class="filled">Two-minute tour</button><span class="grow"></span><button data-help="close">Close</button></div>
      <p>${ABOUT}</p><dl class="terms">${TERMS.map(([term, text]) => `<dt>${term}</dt><dd>${text}</dd>`).join("")}</dl>
      <h3>Shortcuts</h3>${keyLists([...LAB, EVERY_PAGE])}`;
    this.tour = element("div", { className: "tour", hidden: true });
    this.tour.setAttribute("role", "dialog");
    this.tour.setAttribute("aria-label", "Tour");
    this.tour.innerHTML = `<p></p><div class="row"><span data-out="step"></span><span class="grow"></span><button data-help="back">Back</button><button data-help="next" class="filled">Next</button><button data-help="end" aria-label="End the tour" title="End the tour (Esc)">×</button></div>`;
    this.hint = element("div", { className: "first-hint", textContent: HINT, hidden: true });
    lab.root.append(this.dialog, this.tour);
    lab.find("svg.editor").after(this.hint);
    const button = element("button", { className: "ask", textContent: "?", title: "Help: terms, shortcuts and tour (?)" });
    button.setAttribute("aria-label", "Help: shortcuts and tour");
    button.dataset.action = "help";
    lab.find(".numbers .status").before(button);
    lab.root.addEventListener("click", (event) => this.#onClick(event));
    lab.root.addEventListener("keydown", (event) => {
      if (event.key === "?" && !inTextField(event)) { event.preventDefault(); this.open(); }
      if (event.key === "Escape" && !this.tour.hidden) { event.preventDefault(); this.#show(-1); }
    });
  }

  open() { if (!this.dialog.open) this.dialog.showModal(); }

  /** @param {Event} event */
  #onClick(event) {
    const act = /** @type {HTMLElement} */ (event.target).dataset?.help;
    if (act === "close" || act === "tour") this.dialog.close();
    if (act === "tour") this.#show(0);
    if (act === "next") this.#show(this.#step + 1);
    if (act === "back") this.#show(this.#step - 1);
    if (act === "end") this.#show(-1);
  }

  /** Show a step of the tour; outside its range the tour ends. @param {number} step */
  #show(step) {
    this.lab.root.querySelector(".toured")?.classList.remove("toured");
    this.#step = step;
    this.tour.hidden = step < 0 || step >= TOUR.length;
    this.showHint();
    if (this.tour.hidden) return;
    const [selector, text] = TOUR[step];
    const target = this.lab.root.querySelector(selector);
    target?.classList.add("toured");
    target?.scrollIntoView({ block: "nearest" });
    find(this.tour, "p").textContent = text;
    find(this.tour, "[data-out=step]").textContent = `${step + 1} / ${TOUR.length}`;
    find(this.tour, "[data-help=back]", HTMLButtonElement).disabled = step === 0;
    find(this.tour, "[data-help=next]").textContent = step === TOUR.length - 1 ? "Done" : "Next";
    find(this.tour, "[data-help=next]").focus();
  }

  /** Show the hint until a curve has been edited in this browser; not beside the tour, nor on the Fine-tune page, which has no such buttons. */
  showHint() {
    if (this.lab.config.page === "tune") return;
    try { this.hint.hidden = !this.tour.hidden || localStorage.getItem(HINTED) !== null; } catch { /* storage may be off */ }
  }

  hideHint() {
    if (this.hint.hidden) return;
    this.hint.hidden = true;
    try { localStorage.setItem(HINTED, "1"); } catch { /* storage may be off */ }
  }
}

/** @param {Lab} lab */
export function installHelp(lab) {
  const help = new Help(lab);
  let edits = 0;
  // The bar of the page asks for the help, which is the only one of this page.
  const answer = (/** @type {Event} */ asked) => { asked.preventDefault(); help.open(); };
  lab.actions.help = () => help.open();
  document.addEventListener("aif-lab:help", answer);
  lab.events.on("case", () => help.showHint());
  lab.events.on("committed", () => { if (edits++ && lab.aif.changed()) help.hideHint(); });
  return { close() { document.removeEventListener("aif-lab:help", answer); } };
}
