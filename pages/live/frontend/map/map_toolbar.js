// @ts-nocheck
// The controls around the map: which map, colour scale, window, outlines, one slice or all.

export function installMapToolbar(lab) {
  const { map, view } = lab;
  const scale = lab.find("[data-control=scale]");
  const [low, high] = [lab.find("[data-window=low]"), lab.find("[data-window=high]")];

  function show() {
    for (const node of lab.root.querySelectorAll("[data-map]")) mark(node, node.dataset.map === view.map);
    for (const node of lab.root.querySelectorAll("[data-layout]")) mark(node, (node.dataset.layout === "all") === view.montage);
    for (const node of lab.root.querySelectorAll("[data-outline]")) node.checked = view.outlines[node.dataset.outline];
    const meta = map.style();
    scale.value = meta.scale;
    const digits = Math.max(meta.digits, meta.usual[1] - meta.usual[0] < 5 ? 2 : 0);
    if (lab.shadow.activeElement !== low) low.value = Number(meta.window[0].toFixed(digits));
    if (lab.shadow.activeElement !== high) high.value = Number(meta.window[1].toFixed(digits));
    const usual = !view.windows[view.map] && !view.scales[view.map];
    lab.find("[data-action=window]").disabled = usual;
    const zoom = lab.find("[data-action=whole-head]");
    zoom.hidden = view.zoom === 1;
    zoom.textContent = `×${view.zoom.toFixed(1)}`;
  }

  /** A radio group has one stop for Tab; its arrows move the choice. */
  function mark(node, checked) {
    node.setAttribute("aria-checked", checked);
    node.tabIndex = checked ? 0 : -1;
  }

  lab.events.on("config", ({ maps, scales }) => {
    if (lab.root.querySelector("[data-map]")) return;
    lab.find(".maps .segments").innerHTML = Object.entries(maps).map(([name, meta], i) =>
      `<button role="radio" data-map="${name}" title="${meta.title} (${i + 1})">${meta.label}</button>`).join("");
    scale.innerHTML = Object.entries(scales).map(([name, label]) => `<option value="${name}">${label}</option>`).join("");
    if (!maps[view.map]) view.map = Object.keys(maps)[0];
    show();
  });
  lab.events.on("case", show);
  lab.events.on("view", show);
  lab.events.on("map", (name) => { view.map = name; view.store(); lab.viewChanged(); });

  function layout(montage) {
    if (view.montage === montage) return;
    view.montage = montage;
    view.store();
    lab.viewChanged();
    if (lab.case) lab.recompute();
  }

  lab.root.addEventListener("click", ({ target }) => {
    const node = target.closest("button");
    if (node?.dataset.map) lab.events.emit("map", node.dataset.map);
    if (node?.dataset.layout) layout(node.dataset.layout === "all");
  });
  lab.root.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const group = event.target.closest?.("[role=radiogroup]");
    if (!by || !group) return;
    event.preventDefault();
    const all = [...group.querySelectorAll("[role=radio]")];
    const next = all[(all.indexOf(event.target) + by + all.length) % all.length];
    next.click();
    next.focus();
  });
  lab.root.addEventListener("change", ({ target }) => {
    const { outline } = target.dataset;
    if (!outline) return;
    view.outlines[outline] = target.checked;
    view.store();
    lab.viewChanged();
  });
  scale.addEventListener("change", () => { view.scales[view.map] = scale.value; view.store(); lab.viewChanged(); });
  for (const node of [low, high]) {
    node.addEventListener("change", () => {
      const good = view.setWindow(view.map, low.valueAsNumber, high.valueAsNumber);
      lab.notice(good ? "" : "A window needs a lower and a higher value; the last one stays.");
      node.blur();
      view.store();
      lab.viewChanged();
    });
  }
  lab.actions.window = () => { delete view.windows[view.map]; delete view.scales[view.map]; view.store(); lab.viewChanged(); };
  lab.actions["whole-head"] = () => { view.resetZoom(); lab.viewChanged(); };
  lab.find("[data-control=slice]").addEventListener("input", ({ target }) => lab.goTo(Number(target.value) - 1));
}
