// Table of the snapshots: a row for each with its metrics, and the buttons that compare, restore, rename or delete it.
/** @import { MetricInfo, Numbers, Side, Sides, SnapshotCommand, SnapshotRow } from "../types.js" */
import { element, find } from "../common/dom.js";
import { fixed, formatChange, shownChange } from "../common/number_format.js";

const ICONS = {
  keep: '<path d="M6 3h12v18l-6-4.5L6 21z"/>',
  restore: '<path d="M3 12a9 9 0 1 0 3-6.7L3 8M3 3v5h5M12 7v5l3.5 2"/>',
  delete: '<path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5m4-5v5"/>',
};
const FIRST_METRIC_CELL = 3; // after A, B and the name

/** @param {keyof typeof ICONS} name */
export const icon = (name) => `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;

export const HTML = `
<section class="snapshots" data-testid="snapshots" aria-label="Snapshots">
  <div class="row"><h3>Snapshots</h3>
    <form class="keeper"><input type="text" maxlength="40" data-control="keep-name" aria-label="Name of the snapshot" placeholder="name (optional)">
      <button class="solid" title="Save curve, settings and numbers (K)">Save snapshot</button></form>
    <span class="grow"></span><input type="text" readonly data-out="link" aria-label="Link" hidden>
    <button data-action="link" title="A link to this case, settings and curve, for other users of this server">Copy link</button>
    <button data-action="figure" title="The map with its colour bar and outlines as a PNG">Picture</button>
    <select data-control="figure-scale" aria-label="Resolution of the picture" title="Pixels of the picture per pixel of the screen">${[1, 2, 3, 4].map((n) => `<option value="${n}"${n === 2 ? " selected" : ""}>${n}×</option>`).join("")}</select></div>
  <p class="empty">Save a snapshot to compare it with another: numbers side by side, maps under a divider.</p>
  <div class="scroll"><table hidden><thead><tr><th scope="col" title="Left of the divider">A</th><th scope="col" title="Right of the divider">B</th>
    <th scope="col">Name</th><th scope="col" data-slot="metrics"></th>
    <th scope="col">Settings</th><th scope="col"><span class="unseen">Restore or delete</span></th></tr></thead><tbody></tbody></table></div>
</section>`;

/** @typedef {"a" | "b"} SideName */

/**
 * Actions of the table's buttons, and the metrics of its columns.
 * @typedef {object} TableHost
 * @property {() => MetricInfo[]} metrics
 * @property {(side: SideName, which: Side) => void} choose
 * @property {(command: SnapshotCommand) => void} send
 */

/** Content of the table; the reference of the open case is what changes are counted from. @typedef {{rows: SnapshotRow[], sides: Sides, numbers: Partial<Numbers> | null, reference: Partial<Numbers> | null}} TableContent */

export class SnapshotTable {
  /** @type {TableContent} */
  #content = { rows: [], sides: { a: null, b: null }, numbers: null, reference: null };

  /**
   * @param {HTMLElement} slot
   * @param {TableHost} host
   */
  constructor(slot, host) {
    this.slot = slot;
    this.host = host;
    slot.innerHTML = HTML;
    this.form = find(slot, "form", HTMLFormElement);
    this.name = find(slot, "[data-control=keep-name]", HTMLInputElement);
    this.table = find(slot, "table");
    this.body = find(slot, "tbody");
  }

  /** Make the heading of each metric, once. */
  addMetricHeadings() {
    this.slot.querySelector("[data-slot=metrics]")?.replaceWith(...this.host.metrics().map(({ label, unit }) =>
      element("th", { scope: "col", className: "figure" }, label, element("small", { textContent: unit }))));
  }

  /** Show newer metrics in the row of the curve in the Lab. @param {Partial<Numbers>} numbers */
  setNumbers(numbers) {
    const now = this.body.querySelector("tr.now");
    if (now) this.#cells(numbers, this.#changes(numbers)).forEach((cell, i) => now.children[FIRST_METRIC_CELL + i].replaceWith(cell));
  }

  /**
   * Make every row anew; the focus stays on the same button.
   * @param {TableContent} content
   * @param {HTMLElement | null} focused
   */
  draw(content, focused) {
    this.#content = content;
    const { rows, numbers } = content;
    const isEmpty = !rows.length;
    this.table.hidden = isEmpty;
    find(this.slot, ".empty").hidden = !isEmpty;
    /** @type {HTMLElement | null} */
    const focusedRow = focused?.closest?.("[data-snapshot]") ?? null;
    if (focusedRow && focused?.matches("input.name")) return; // the user is typing a name
    const now = element("tr", { className: "now" }, this.#sideButton("a", "now", true), this.#sideButton("b", "now", true),
      element("td", { textContent: "in the Lab now" }), ...this.#cells(numbers, this.#changes(numbers)), element("td", { className: "words" }), element("td"));
    now.dataset.snapshot = "now";
    this.body.replaceChildren(now, ...rows.map((row) => this.#row(row)));
    if (focused && focusedRow) this.#restoreFocus(focused.dataset, focusedRow.dataset.snapshot);
  }

  /** Focus the same button of the new row; where the row is gone, the name field. @param {DOMStringMap} button @param {string | undefined} row */
  #restoreFocus({ side, act }, row) {
    const selector = side ? `[data-side=${side}]` : `[data-act=${act}]`;
    /** @type {HTMLElement | null} */
    const button = this.body.querySelector(`[data-snapshot="${row}"] ${selector}`);
    (button ?? this.name).focus({ preventScroll: true });
  }

  /** @param {Side} which */
  #nameOf(which) {
    return which === "now" ? "in the Lab now" : this.#content.rows.find(({ number }) => number === which)?.name ?? "";
  }

  /** @param {SideName} side @param {Side} which @param {boolean} here whether it is of the open case */
  #sideButton(side, which, here) {
    const on = this.#content.sides[side] === which;
    const title = on ? "Stop comparing" : `Show ${side === "a" ? "left" : "right"} of the divider`;
    const button = element("button", {
      className: "side-choice", textContent: side.toUpperCase(), disabled: !here,
      title: here ? title : "Another case: restore it first", onclick: () => this.host.choose(side, which),
    });
    button.dataset.side = side;
    button.setAttribute("aria-pressed", String(on));
    button.setAttribute("aria-label", `${side.toUpperCase()}: ${this.#nameOf(which)}`);
    return element("td", {}, button);
  }

  /** Changes from the pinned reference, as those below the maps. @param {Partial<Numbers> | null} numbers */
  #changes(numbers) {
    const { reference } = this.#content;
    /** @type {Partial<Numbers>} */
    const changes = {};
    for (const { id, digits } of this.host.metrics()) {
      const change = shownChange(numbers?.[id], reference?.[id], digits);
      if (change !== null) changes[id] = change;
    }
    return changes;
  }

  /** @param {Partial<Numbers> | null} numbers @param {Partial<Numbers> | null} changes */
  #cells(numbers, changes) {
    return this.host.metrics().map(({ id, digits }) => {
      const cell = element("td", { className: "figure" }, element("b", { textContent: fixed(numbers?.[id], digits) }));
      const change = changes?.[id] ?? null;
      cell.append(element("em", { textContent: change === null ? "" : formatChange(change, digits) })); // empty: the values stay aligned
      return cell;
    });
  }

  /** @param {SnapshotRow} snapshot */
  #nameField({ number, name }) {
    const field = element("input", { type: "text", value: name, maxLength: 40, className: "name", title: "Rename" });
    field.setAttribute("aria-label", `Name of ${name}`);
    field.addEventListener("change", () => this.host.send({ act: "rename", number, name: field.value }));
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") field.blur(); });
    return field;
  }

  /** @param {"restore" | "delete"} act @param {SnapshotRow} snapshot @param {string} title */
  #actButton(act, { number, name }, title) {
    const button = element("button", { innerHTML: icon(act), title, onclick: () => this.host.send({ act, number }) });
    button.dataset.act = act;
    button.setAttribute("aria-label", `${act === "restore" ? "Restore" : "Delete"} ${name}`);
    return button;
  }

  /** @param {SnapshotRow} snapshot */
  #row(snapshot) {
    const { number, here, title, settings } = snapshot;
    const node = element("tr", {}, this.#sideButton("a", number, here), this.#sideButton("b", number, here),
      element("td", {}, this.#nameField(snapshot), ...(here ? [] : [element("small", { textContent: title })])),
      ...this.#cells(snapshot.numbers, here ? this.#changes(snapshot.numbers) : null),
      element("td", { className: "words", textContent: settings, title: settings }),
      element("td", { className: "acts" },
        this.#actButton("restore", snapshot, "Restore the curve and the settings (undo takes the curve back)"),
        this.#actButton("delete", snapshot, "Delete this snapshot")));
    node.dataset.snapshot = String(number);
    return node;
  }
}
