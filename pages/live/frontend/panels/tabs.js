// @ts-nocheck
// What lies below the curve: one pane at a time, chosen by tabs, so that nothing pushes the maps away.

const STORED = "lab|panes";
const chosen = read(); // by page: the pane that is open

function read() {
  try { return JSON.parse(sessionStorage.getItem(STORED)) ?? {}; } catch { return {}; }
}

export function installTabs(lab) {
  const probes = lab.find(".probes");
  probes.insertAdjacentHTML("beforebegin", `<div class="row panes"><div class="segments small" role="radiogroup" aria-label="Below the curve"></div><span class="grow"></span></div>
    <div class="pane" data-pane="voxel"></div>`);
  const row = lab.find(".panes");
  const tabs = row.querySelector(".segments");
  lab.find("[data-pane=voxel]").append(probes, lab.find(".key.raw").parentElement);
  const all = new Map([["voxel", null]]);
  let page = null;

  const offered = (name) => !all.get(name) || all.get(name) === page;

  function show() {
    const usual = page === "tune" ? "tune" : "voxel";
    const name = offered(chosen[page]) && all.has(chosen[page]) ? chosen[page] : usual;
    for (const tab of tabs.children) {
      tab.hidden = !offered(tab.dataset.tab);
      tab.setAttribute("aria-checked", tab.dataset.tab === name);
      tab.tabIndex = tab.dataset.tab === name ? 0 : -1;
    }
    for (const pane of lab.root.querySelectorAll(".pane")) pane.hidden = pane.dataset.pane !== name;
    lab.root.dataset.pane = name;
    if (lab.case) lab.editor.rescale();
    lab.events.emit("resize");
  }

  const provided = {
    row,
    /** Add a pane and its tab; `only` names the page that has it. Returns the pane. */
    add(name, label, title, { only = null, first = false } = {}) {
      all.set(name, only);
      const tab = Object.assign(document.createElement("button"), { textContent: label, title });
      tab.dataset.tab = name;
      tab.setAttribute("role", "radio");
      if (first) tabs.prepend(tab);
      else tabs.append(tab);
      const pane = Object.assign(document.createElement("div"), { className: "pane", hidden: true });
      pane.dataset.pane = name;
      lab.find(".curve").append(pane);
      return pane;
    },
  };
  tabs.innerHTML = '<button role="radio" data-tab="voxel" title="The voxel in view: its curve c(t) and its residue function k(t)">Voxel</button>';
  tabs.addEventListener("click", ({ target }) => {
    const name = target.closest("[data-tab]")?.dataset.tab;
    if (!name) return;
    chosen[page] = name;
    try { sessionStorage.setItem(STORED, JSON.stringify(chosen)); } catch { /* storage may be off */ }
    show();
  });
  lab.events.on("config", (config) => {
    if (page === config.page) return;
    page = lab.root.dataset.page = config.page;
    show();
  });
  return { provides: { tabs: provided } };
}
