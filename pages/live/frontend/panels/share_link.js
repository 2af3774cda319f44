// Sharing: a link to the case, settings, curve and view, and a picture of the map; the slice of each case is stored.
/** @import { Lab } from "../lab.js" */
/** @import { Provided } from "../types.js" */
import { element, find, findAll } from "../common/dom.js";
import { packCurve } from "../common/packed_curve.js";
import { saveFile } from "../common/save_file.js";
import { readStored, store } from "../common/storage.js";

const SLICES = "lab|slices";
const GREY = "#9aa0a6";

/**
 * Copy text to the clipboard; false where the browser forbids it.
 * @param {string} text
 * @param {HTMLInputElement} field that holds the text
 */
async function copy(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without a secure connection there is no clipboard API; execCommand copies a selected field.
    field.select();
    return document.execCommand("copy");
  }
}

/** Store the slice of each case, for a page change and a reload. @param {Lab} lab */
function restoreSlices(lab) {
  /** @returns {Record<string, number>} */
  const slices = () => readStored(SLICES) ?? {};
  /** @type {string | null} */
  let opened = null;
  lab.events.on("case", ({ name, slices: n }) => {
    const slice = opened === name ? null : slices()[name];
    opened = name;
    if (typeof slice === "number" && Number.isInteger(slice) && slice >= 0 && slice < n) queueMicrotask(() => lab.goTo(slice));
  });
  lab.events.on("view", () => {
    if (!lab.case || opened !== lab.case.name) return;
    store(SLICES, { ...slices(), [opened]: lab.view.slice });
  });
}

/** @param {Lab} lab @param {Pick<Provided, "snapshots" | "compare">} needed */
export function installShareLink(lab, { snapshots, compare }) {
  const { view } = lab;

  /** The link to case, settings, curve and view; null for an uploaded case, and before the case has come. */
  function link() {
    const { shelf } = snapshots;
    if (!shelf?.shared || !lab.aif.committed) return null;
    const query = new URLSearchParams(shelf.link);
    query.set("map", view.map);
    query.set("slice", String(view.slice + 1));
    if (view.montage) query.set("layout", "all");
    if (lab.aif.changed() || !shelf.known) query.set("curve", packCurve(lab.aif.committed.curve));
    return `${location.origin}${location.pathname}?${query}`;
  }

  lab.actions.link = async () => {
    if (!snapshots.shelf || !lab.aif.committed) return;
    const text = link();
    if (text === null) { lab.notice("A link cannot hold an uploaded case: it stays in your session, which other users cannot open."); return; }
    const field = lab.find("[data-out=link]", HTMLInputElement);
    field.value = text;
    field.hidden = false;
    const done = await copy(field.value, field);
    lab.notice(done ? "The link is copied: case, settings, curve and view." : "Copy the link from the field.");
  };
  // The bar of the app asks for the link on the document: it shows its QR code.
  const answer = (/** @type {Event} */ event) => { /** @type {CustomEvent<{link: string}>} */ (event).detail.link = link() ?? ""; };
  document.addEventListener("aif-lab:link", answer);

  lab.actions.figure = () => {
    if (!lab.case) return;
    const scale = Number(lab.find("[data-control=figure-scale]", HTMLSelectElement).value);
    const { canvas, name } = pictureAt(scale, lab, snapshots.shelf?.title, compare.title);
    canvas.toBlob((blob) => { if (blob) saveFile(name, blob); });
  };

  restoreSlices(lab);
  return { close() { document.removeEventListener("aif-lab:link", answer); } };
}

/** @typedef {{size?: number, align?: CanvasTextAlign, color?: string, weight?: string}} TextStyle */
/** @typedef {(text: string, x: number, y: number, style?: TextStyle) => number} WriteText writes and returns the width */

/**
 * Writes text in the font of the page.
 * @param {CanvasRenderingContext2D} ctx
 * @param {CSSStyleDeclaration} css
 * @param {number} ratio canvas pixels per screen pixel
 * @returns {WriteText}
 */
const textWriter = (ctx, css, ratio) => (text, x, y, { size = 12, align = "left", color = css.color, weight = "" } = {}) => {
  ctx.font = `${weight} ${size * ratio}px ${css.fontFamily}`;
  Object.assign(ctx, { textAlign: align, textBaseline: "middle", fillStyle: color });
  ctx.fillText(text, x, y);
  return ctx.measureText(text).width;
};

/**
 * The picture with more pixels than the screen has: lines and type are drawn as fine as they are printed.
 * @param {number} scale
 * @param {Parameters<typeof picture>} content
 */
function pictureAt(scale, ...content) {
  const { map } = content[0];
  map.resize(scale);
  map.draw();
  try {
    return picture(...content);
  } finally {
    map.resize();
    map.draw(); // within one task: the screen never shows the larger one
  }
}

/** The volumes that stand below the maps, in words; empty before they have come. @param {Lab} lab */
function volumesText(lab) {
  const texts = findAll(lab.find(".lesions"), ".number", HTMLElement).map((node) => {
    const [label, value, unit] = ["span", "b", "small"].map((tag) => find(node, tag).textContent);
    return `${label}: ${value}${unit && `\u00a0${unit}`}`;
  });
  const { textContent } = lab.find(".decision");
  return lab.root.dataset.coreMl === undefined ? "" : [...texts, textContent].filter(Boolean).join(" · ");
}

/**
 * The map as shown, with title, colour bar, sides, a legend of the outlines, and the volumes of the curve. The volumes are
 * not those of a comparison.
 * @param {Lab} lab
 * @param {string | undefined} caseTitle
 * @param {string | undefined} comparison title of the comparison in view
 */
export function picture(lab, caseTitle, comparison) {
  const { map, view, values } = lab;
  const { open } = values;
  const { canvas: shown, ratio } = map;
  const css = getComputedStyle(lab.find("section.maps"));
  const volumes = comparison ? "" : volumesText(lab);
  const [pad, head, line] = [12 * ratio, 26 * ratio, 20 * ratio];
  const foot = 44 * ratio + (volumes ? line : 0);
  const bars = map.bars.slice(0, view.maps.length);
  const barsWidth = bars.reduce((sum, { width }) => sum + width + pad, pad);
  const canvas = element("canvas", { width: shown.width + barsWidth + pad, height: shown.height + head + foot + 2 * pad });
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.fillStyle = css.backgroundColor;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  const [left, top] = [pad, pad + head];
  ctx.fillStyle = "#000";
  ctx.fillRect(left, top, shown.width, shown.height);
  ctx.drawImage(shown, left, top);
  let right = left + shown.width + pad;
  for (const bar of bars) {
    ctx.drawImage(bar, right, top + Math.max(shown.height - bar.height, 0) / 2);
    right += bar.width + pad;
  }
  const write = textWriter(ctx, css, ratio);
  const names = view.maps.map((name) => map.style(name));
  const title = names.length > 1 ? names.map(({ label }) => label).join(" | ") : `${names[0].label}: ${names[0].title}`;
  const place = view.montage ? `${open.slices} slices` : `slice ${view.slice + 1} of ${open.slices}`;
  write(`${caseTitle ?? ""} · ${comparison ?? title} · ${place}`, left, pad + head / 2, { size: 13, weight: "600" });
  if (!open.swap && !view.montage) {
    write("R", left + 8 * ratio, top + shown.height / 2, { color: GREY });
    write("L", left + shown.width - 8 * ratio, top + shown.height / 2, { color: GREY, align: "right" });
  }
  const y = top + shown.height + pad / 2 + 15 * ratio;
  drawLegend(lab, ctx, write, css, { x: left, y });
  if (volumes) write(volumes, left, y + line);
  write("AIF Lab · research and teaching, not for clinical use", left, y + (volumes ? 2 * line : line), { size: 11, color: GREY });
  return { canvas, name: `aif-lab-${view.maps.join("-")}-${view.montage ? "all" : `slice-${view.slice + 1}`}.png` };
}

/**
 * A line and a label for each outline that is shown.
 * @param {Lab} lab
 * @param {CanvasRenderingContext2D} ctx
 * @param {WriteText} write
 * @param {CSSStyleDeclaration} css
 * @param {{x: number, y: number}} place
 */
function drawLegend(lab, ctx, write, css, { x, y }) {
  const { ratio } = lab.map;
  for (const node of findAll(lab.root, ".toggle", HTMLElement)) {
    if (node.hidden || !find(node, "input", HTMLInputElement).checked) continue;
    const { borderTopColor, borderTopStyle } = getComputedStyle(find(node, "i"));
    ctx.fillStyle = borderTopColor === "rgba(0, 0, 0, 0)" ? css.color : borderTopColor;
    const dashes = borderTopStyle === "dashed" ? [0, 5, 10] : null; // as the outline on the map
    for (const from of dashes ?? [0]) ctx.fillRect(x + from * ratio, y - ratio, (dashes ? 4 : 14) * ratio, 2 * ratio);
    x += 19 * ratio;
    x += write(node.textContent.trim(), x, y) + 14 * ratio;
  }
}
