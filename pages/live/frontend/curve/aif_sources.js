// Where the curve comes from: a selector, a network, the truth, a file, or voxels clicked on the map.

const LARGEST_CSV = 4 << 20;

export function sources(lab) {
  const choice = lab.find("[data-control=source]");
  const file = lab.find("[data-control=csv]");
  const where = lab.find("[data-action=where]");
  let chosen = null; // the source that has been asked for and has not come
  let held = false; // it was chosen by somebody who has the focus on the list

  function wait() {
    held = lab.shadow.activeElement === choice;
    choice.disabled = true;
  }

  function show() {
    const groups = Map.groupBy(lab.config.sources, ({ group }) => group);
    choice.replaceChildren(...[...groups].map(([label, all]) => {
      const node = Object.assign(document.createElement("optgroup"), { label });
      node.append(...all.map(({ id, label: text }) => new Option(text, id)));
      return node;
    }), new Option("a CSV file …", "csv:"));
    choice.value = lab.config.start;
    choice.disabled = false;
    if (held && !lab.shadow.activeElement) choice.focus({ preventScroll: true });
    held = false;
    chosen = null;
    marks();
  }

  /** The voxels behind the curve: those picked, else those of the source. */
  function marks() {
    const start = lab.case?.aifVoxels ?? [];
    const picked = lab.state?.voxels ?? [];
    lab.map.voxels = [["vof", lab.case?.vofVoxels ?? [], 1], ["aif", start, picked.length ? 0.45 : 1], ["aif", picked, 1]];
    const shown = picked.length ? picked : start;
    where.hidden = !shown.length;
    const slices = [...new Set(shown.map((v) => v[2] + 1))].sort((a, b) => a - b);
    const listed = slices.length > 2 ? `${slices.length} slices` : `slice ${slices.join(", ")}`;
    where.textContent = `${shown.length} voxel${shown.length > 1 ? "s" : ""}, ${listed}`;
    lab.find("[data-action=unpick]").hidden = !picked.length;
    lab.find(".key.band").hidden = !lab.state?.spread;
    lab.root.dataset.voxels = picked.length;
  }

  lab.bus.on("config", show);
  lab.bus.on("case", marks);
  lab.bus.on("state", marks);

  choice.addEventListener("change", () => {
    if (choice.value === "csv:") {
      choice.value = lab.config.start;
      file.click();
      return;
    }
    chosen = choice.value;
    wait();
    lab.setTriggerValue("source", chosen);
  });
  file.addEventListener("change", async () => {
    const [one] = file.files;
    file.value = "";
    if (!one) return;
    if (one.size > LARGEST_CSV) { lab.notice("This file is larger than 4 MB; give a table of a few hundred rows."); return; }
    const bytes = new Uint8Array(await one.arrayBuffer());
    let text = "";
    for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
    wait();
    lab.setTriggerValue("csv", { base64: btoa(text) });
  });

  lab.actions.where = () => {
    const shown = lab.state.voxels.length ? lab.state.voxels : lab.case.aifVoxels;
    const here = shown.some((v) => v[2] === lab.view.slice);
    // Each further call goes to the next slice that has some.
    const slices = [...new Set(shown.map((v) => v[2]))].sort((a, b) => a - b);
    lab.goTo(here ? slices[(slices.indexOf(lab.view.slice) + 1) % slices.length] : slices[0]);
  };

  // Voxels clicked on the map: their mean is the curve, their standard deviation a band.
  let picking = false;
  let asked = 0;
  lab.actions.pick = () => {
    picking = !picking;
    lab.find("[data-action=pick]").setAttribute("aria-pressed", picking);
    lab.map.canvas.dataset.picking = picking;
    if (picking) lab.notice("Click voxels of an artery on the map (Enter for the voxel in view); click one again to take it away.");
  };
  lab.actions.unpick = () => lab.commit(lab.case.arrays.start, { voxels: [], effect: null });
  lab.bus.on("pick", (voxel) => {
    if (!picking) return;
    if (!voxel) { lab.notice("That point is outside the image; click a vessel inside the skull."); return; }
    const now = lab.state.voxels;
    const rest = now.filter((v) => v.some((x, i) => x !== voxel[i]));
    const next = rest.length < now.length ? rest : [...now, voxel];
    if (!next.length) lab.actions.unpick();
    else lab.ask({ type: "voxels", voxels: next, asked: ++asked });
  });
  lab.bus.on("frame:voxels", ({ voxels, arrays, flags, asked: answered }) => {
    if (answered !== asked) return;
    const done = lab.commit(arrays.mean, { voxels, spread: voxels.length > 1 ? arrays.sd : null, effect: "voxels" });
    if (done && flags.length) lab.notice(flags[0]);
  });
}
