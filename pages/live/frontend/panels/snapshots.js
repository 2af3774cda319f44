// @ts-nocheck
// The shelf under the Lab: what-ifs that a person keeps, their figures side by side, and which two are compared.
import { CommandQueue } from "../transport/command_queue.js";
import { packCurve } from "../common/packed_curve.js";

const STORED = "lab|shelf";
const ICONS = {
  keep: '<path d="M6 3h12v18l-6-4.5L6 21z"/>',
  restore: '<path d="M3 12a9 9 0 1 0 3-6.7L3 8M3 3v5h5M12 7v5l3.5 2"/>',
  delete: '<path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5m4-5v5"/>',
};
const icon = (name) => `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;
const SHELF = `
<section class="snapshots" data-testid="snapshots" aria-label="Snapshots">
  <div class="row"><h3>Snapshots</h3>
    <form class="keeper"><input type="text" maxlength="40" data-control="keep-name" aria-label="Name of the snapshot" placeholder="name (optional)">
      <button class="solid" title="Save curve, settings and numbers (K)">Save snapshot</button></form>
    <span class="grow"></span><input type="text" readonly data-out="link" aria-label="Link" hidden>
    <button data-action="link" title="A link to this case, settings and curve, for somebody else on this server">Copy link</button>
    <button data-action="figure" title="The map with its colour bar and outlines as a PNG">Picture</button></div>
  <p class="empty">Save a what-if to compare it with another: its numbers side by side, its maps under a divider.</p>
  <div class="scroll"><table hidden><thead><tr><th scope="col" title="Left of the divider">A</th><th scope="col" title="Right of the divider">B</th>
    <th scope="col">Name</th><th scope="col" data-slot="metrics"></th>
    <th scope="col">Settings</th><th scope="col"><span class="unseen">Restore or delete</span></th></tr></thead><tbody></tbody></table></div>
</section>`;
const granted = new Map(); // by session: the last wish of the server that was carried out
const seen = new Set(); // sessions whose shelf has been shown in this document

const element = (name, attributes = {}, ...children) => {
  const node = Object.assign(document.createElement(name), attributes);
  node.append(...children);
  return node;
};

export function installSnapshots(lab) {
  const slot = lab.find("[data-slot=shelf]");
  slot.innerHTML = SHELF;
  const form = slot.querySelector("form");
  const name = slot.querySelector("[data-control=keep-name]");
  const table = slot.querySelector("table");
  const body = slot.querySelector("tbody");
  const keeper = element("button", { className: "keep", title: "Save curve, settings and numbers as a snapshot (K)", innerHTML: `${icon("keep")}<span>Save snapshot</span>` });
  keeper.dataset.action = "keep";
  lab.find(".numbers .status").before(keeper);
  const chosen = { a: null, b: null }; // "now", the number of a snapshot, or null
  let shelf = null;
  let wish = null;
  let figures = null;

  const tell = (wishes) => lab.setTriggerValue("shelf", wishes);
  const send = (message) => CommandQueue.of(lab.config.token).push(message, tell);
  lab.actions.keep = () => {
    if (!lab.state) return;
    send({ act: "keep", name: name.value, curve: packCurve(lab.editor.curve) });
    name.value = "";
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); lab.actions.keep(); });
  const onKey = (event) => {
    const typing = event.target.matches?.("input[type=number], input[type=text], textarea, select");
    if (event.key.toLowerCase() === "k" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) lab.actions.keep();
  };
  lab.root.addEventListener("keydown", onKey);

  /** Choose a side; the other is what is in the Lab now, unless it is chosen already. */
  function choose(side, which) {
    const other = side === "a" ? "b" : "a";
    chosen[side] = chosen[side] === which ? null : which;
    if (chosen[side] === null) chosen[other] = null;
    else if (chosen[other] === null || chosen[other] === which) chosen[other] = which === "now" ? null : "now";
    draw();
    lab.events.emit("sides", chosen);
  }
  lab.events.on("uncompare", () => { chosen.a = chosen.b = null; draw(); lab.events.emit("sides", chosen); });

  const nameOf = (which) => (which === "now" ? "in the Lab now" : shelf.rows.find(({ number }) => number === which)?.name ?? "");

  function sideButton(side, which, here) {
    const on = chosen[side] === which;
    const button = element("button", {
      className: "side-choice", textContent: side.toUpperCase(), disabled: !here,
      title: here ? `${on ? "Stop comparing" : `Show ${side === "a" ? "left" : "right"} of the divider`}` : "Another case: restore it first",
      onclick: () => choose(side, which),
    });
    button.dataset.side = side;
    button.setAttribute("aria-pressed", on);
    button.setAttribute("aria-label", `${side.toUpperCase()}: ${nameOf(which)}`);
    return element("td", {}, button);
  }

  const shown = () => lab.config.metrics.filter(({ id }) => id !== "auc");
  lab.events.on("config", () => {
    slot.querySelector("[data-slot=metrics]")?.replaceWith(...shown().map(({ label, unit }) =>
      element("th", { scope: "col", className: "figure" }, label, element("small", { textContent: unit }))));
  });

  const cells = (numbers, changes) => shown().map(({ id: key, digits }) => {
    const value = numbers?.[key] ?? null;
    const cell = element("td", { className: "figure" }, element("b", { textContent: value === null ? "–" : value.toFixed(digits) }));
    const change = changes?.[key] ?? null;
    if (change !== null) {
      const small = Math.abs(change) < 0.5 * 10 ** -digits;
      cell.append(element("em", { textContent: small ? "±0" : `${change > 0 ? "+" : "−"}${Math.abs(change).toFixed(digits)}` }));
    }
    return cell;
  });

  function row(snapshot, first) {
    const { number } = snapshot;
    const label = element("input", { type: "text", value: snapshot.name, maxLength: 40, className: "name", title: "Rename" });
    label.setAttribute("aria-label", `Name of ${snapshot.name}`);
    label.addEventListener("change", () => send({ act: "rename", number, name: label.value }));
    label.addEventListener("keydown", (event) => { if (event.key === "Enter") label.blur(); });
    const act = (word, label, title) => {
      const button = element("button", { innerHTML: icon(word), title, onclick: () => send({ act: word, number }) });
      button.dataset.act = word;
      button.setAttribute("aria-label", label);
      return button;
    };
    const node = element("tr", {}, sideButton("a", number, snapshot.here), sideButton("b", number, snapshot.here),
      element("td", {}, label, ...(snapshot.here ? [] : [element("small", { textContent: snapshot.title })])),
      ...cells(snapshot.numbers, first ? null : snapshot.changes),
      element("td", { className: "words", textContent: snapshot.settings, title: snapshot.settings }),
      element("td", { className: "acts" }, act("restore", `Restore ${snapshot.name}`, "Restore: bring curve and settings back (the curve can be undone)"), act("delete", `Delete ${snapshot.name}`, "Delete this snapshot")));
    node.dataset.snapshot = number;
    return node;
  }

  function draw() {
    if (!shelf) return;
    const any = shelf.rows.length > 0;
    table.hidden = !any;
    slot.querySelector(".empty").hidden = any;
    const held = lab.shadow.activeElement;
    const of = held?.closest?.("[data-snapshot]");
    if (of && held.matches("input.name")) return;
    const now = element("tr", { className: "now" }, sideButton("a", "now", true), sideButton("b", "now", true),
      element("td", { textContent: "in the Lab now" }), ...cells(figures, null), element("td", { className: "words" }), element("td"));
    now.dataset.snapshot = "now";
    const firsts = new Set();
    body.replaceChildren(now, ...shelf.rows.map((one) => {
      const first = !firsts.has(one.title);
      firsts.add(one.title);
      return row(one, first);
    }));
    if (!of) return;
    // The rows are new: the focus stays where it was, and where its row is gone it goes to the name of the next one kept.
    const same = held.dataset.side ? `[data-side=${held.dataset.side}]` : `[data-act=${held.dataset.act}]`;
    (body.querySelector(`[data-snapshot="${of.dataset.snapshot}"] ${same}`) ?? name).focus({ preventScroll: true });
  }

  lab.events.on("numbers", ({ numbers }) => {
    figures = numbers;
    const now = body.querySelector("tr.now");
    if (now) cells(figures, null).forEach((cell, i) => now.children[3 + i].replaceWith(cell));
  });

  lab.events.on("frame:shelf", (frame) => {
    const { token } = lab.config;
    shelf = frame;
    CommandQueue.of(token).acknowledge(frame.done, tell);
    remember(token);
    const numbers = new Set(shelf.rows.filter((one) => one.here).map((one) => one.number));
    const gone = ["a", "b"].some((side) => typeof chosen[side] === "number" && !numbers.has(chosen[side]));
    if (gone) lab.events.emit("uncompare");
    draw();
    if (frame.wanted && frame.wanted.number > (granted.get(token) ?? 0)) wish = { ...frame.wanted, token, curve: frame.arrays.curve };
    grant();
  });
  lab.events.on("case", () => queueMicrotask(grant));

  /** A reload, or a server that was started anew, begins a new session: what was on the shelf is brought back to it. */
  function remember(token) {
    const fresh = !seen.has(token);
    seen.add(token);
    try {
      const stored = JSON.parse(sessionStorage.getItem(STORED)) ?? [];
      // What was asked of a server that has gone comes after what was there before.
      const lost = fresh ? [...(stored.length ? [{ act: "bring", rows: stored }] : []), ...CommandQueue.takeOrphans(token)] : [];
      if (lost.length) setTimeout(() => lost.forEach(send));
      else sessionStorage.setItem(STORED, JSON.stringify(shelf.rows.map(({ name: called, link, numbers, made }) => ({ name: called, link, numbers, made }))));
    } catch { /* storage may be off */ }
  }

  /** Take the view and curve of a link or a restored snapshot, once its case is here. */
  function grant() {
    if (!wish || lab.case?.curveKey !== wish.curveKey || lab.case.epoch !== lab.config.epoch) return;
    const { map, slice, montage, curve, token, number } = wish;
    wish = null;
    granted.set(token, number);
    const { view } = lab;
    if (map) view.map = map;
    if (montage !== null) view.montage = montage;
    view.store();
    if (slice !== null) lab.goTo(slice);
    lab.viewChanged();
    if (curve) lab.commit(curve, { voxels: [], effect: null });
    else if (lab.changed()) lab.actions.reset();
    else lab.recompute();
    lab.root.dataset.granted = number;
  }

  return {
    provides: { snapshots: { get sides() { return chosen; }, get shelf() { return shelf; } } },
    close() { lab.root.removeEventListener("keydown", onKey); },
  };
}
