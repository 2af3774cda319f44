// The controls around the map: which map, colour scale, window, outlines, one slice or all.

export function mapTools(lab) {
  const { map, view } = lab;
  const scale = lab.find("[data-control=scale]");
  const [low, high] = [lab.find("[data-window=low]"), lab.find("[data-window=high]")];

  function show() {
    for (const node of lab.root.querySelectorAll("[data-map]")) mark(node, node.dataset.map === view.map);
    for (const node of lab.root.querySelectorAll("[data-layout]")) mark(node, (node.dataset.layout === "all") === view.montage);
    for (const node of lab.root.querySelectorAll("[data-outline]")) node.checked = view.outlines[node.dataset.outline];
    const meta = map.meta();
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

  lab.bus.on("config", ({ maps, scales }) => {
    if (lab.root.querySelector("[data-map]")) return;
    lab.find(".maps .segments").innerHTML = Object.entries(maps).map(([name, meta], i) =>
      `<button role="radio" data-map="${name}" title="${meta.title} (${i + 1})">${meta.label}</button>`).join("");
    scale.innerHTML = Object.entries(scales).map(([name, label]) => `<option value="${name}">${label}</option>`).join("");
    if (!maps[view.map]) view.map = Object.keys(maps)[0];
    show();
  });
  lab.bus.on("case", show);
  lab.bus.on("look", show);
  lab.bus.on("map", (name) => { view.map = name; view.keep(); lab.look(); });

  function layout(montage) {
    if (view.montage === montage) return;
    view.montage = montage;
    view.keep();
    lab.look();
    if (lab.case) lab.again();
  }

  lab.root.addEventListener("click", ({ target }) => {
    const node = target.closest("button");
    if (node?.dataset.map) lab.bus.emit("map", node.dataset.map);
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
    view.keep();
    lab.look();
  });
  scale.addEventListener("change", () => { view.scales[view.map] = scale.value; view.keep(); lab.look(); });
  for (const node of [low, high]) {
    node.addEventListener("change", () => {
      const good = view.setWindow(view.map, low.valueAsNumber, high.valueAsNumber);
      lab.notice(good ? "" : "A window needs a lower and a higher value; the last one stays.");
      node.blur();
      view.keep();
      lab.look();
    });
  }
  lab.actions.window = () => { delete view.windows[view.map]; delete view.scales[view.map]; view.keep(); lab.look(); };
  lab.actions["whole-head"] = () => { view.resetZoom(); lab.look(); };
  lab.find("[data-control=slice]").addEventListener("input", ({ target }) => lab.goTo(Number(target.value) - 1));
}
