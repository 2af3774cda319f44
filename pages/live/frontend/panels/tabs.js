// Tabs below the curve: one pane is open at a time, so that none pushes the maps off the screen.
/** @import { Lab } from "../lab.js" */
/** @import { Provided } from "../types.js" */
import { closest, element, find, findAll, setRadio } from "../common/dom.js";
import { readStored, store } from "../common/storage.js";

const STORED = "lab|panes";
/** The open pane, by page. @type {Record<string, string>} */
const chosen = readStored(STORED) ?? {};
const ROW = `<div class="row panes"><div class="segments small" role="radiogroup" aria-label="Below the curve"></div><span class="grow"></span></div>
    <div class="pane" data-pane="voxel"></div>`;
const VOXEL_TAB = '<button role="radio" data-tab="voxel" title="The voxel in view: its curve c(t) and its residue function k(t)">Voxel</button>';

/** @param {Lab} lab */
export function installTabs(lab) {
  const probes = lab.find(".probes");
  probes.insertAdjacentHTML("beforebegin", ROW);
  const row = lab.find(".panes");
  const tabs = find(row, ".segments");
  const legend = /** @type {HTMLElement} */ (lab.find(".key.raw").parentElement);
  lab.find("[data-pane=voxel]").append(probes, legend);
  tabs.innerHTML = VOXEL_TAB;
  /** The page that has a pane, by the pane's name; null: every page. @type {Map<string, string | null>} */
  const pages = new Map([["voxel", null]]);
  let page = "";

  /** Whether the page has a pane. @param {string} name */
  const isOffered = (name) => !pages.get(name) || pages.get(name) === page;

  function show() {
    const wanted = chosen[page];
    const name = pages.has(wanted) && isOffered(wanted) ? wanted : page === "tune" ? "tune" : "voxel";
    for (const tab of findAll(tabs, "[data-tab]", HTMLElement)) {
      tab.hidden = !isOffered(tab.dataset.tab ?? "");
      setRadio(tab, tab.dataset.tab === name);
    }
    for (const pane of findAll(lab.root, ".pane", HTMLElement)) pane.hidden = pane.dataset.pane !== name;
    lab.root.dataset.pane = name;
    if (lab.case) lab.editor.rescale();
    lab.events.emit("resize");
  }

  /** Add a pane and its tab; `only` names the one page that has it. Returns the pane. @type {Provided["tabs"]["add"]} */
  function add(name, label, title, { only = null, first = false } = {}) {
    pages.set(name, only);
    const tab = element("button", { textContent: label, title });
    tab.dataset.tab = name;
    tab.setAttribute("role", "radio");
    if (first) tabs.prepend(tab);
    else tabs.append(tab);
    const pane = element("div", { className: "pane", hidden: true });
    pane.dataset.pane = name;
    lab.find(".curve").append(pane);
    return pane;
  }

  /** Open a pane. @param {string} name */
  function open(name) {
    chosen[page] = name;
    store(STORED, chosen);
    show();
  }

  tabs.addEventListener("click", (event) => {
    const name = closest(event, "[data-tab]")?.dataset.tab;
    if (name) open(name);
  });
  lab.events.on("config", (config) => {
    if (page === config.page) return;
    page = lab.root.dataset.page = config.page;
    show();
  });
  return { provides: { tabs: { row, add, open } } };
}
