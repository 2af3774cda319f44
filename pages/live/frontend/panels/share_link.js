// @ts-nocheck
// What a person takes along from the browser: a link to what is shown, and a picture of the map.

import { packCurve } from "../common/packed_curve.js";

const SLICES = "lab|slices";

async function copy(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without a secure connection there is no clipboard to write to; the old way needs a selected field.
    field.select();
    return document.execCommand("copy");
  }
}

export function installShareLink(lab, { snapshots, compare }) {
  const { view } = lab;

  lab.actions.link = async () => {
    const { shelf } = snapshots;
    if (!shelf || !lab.state) return;
    if (!shelf.shared) { lab.notice("An uploaded case is in no link: it stays in your session, and nobody else sees it."); return; }
    const words = new URLSearchParams(shelf.link);
    words.set("map", view.map);
    words.set("slice", view.slice + 1);
    if (view.montage) words.set("layout", "all");
    if (lab.changed() || !shelf.known) words.set("curve", packCurve(lab.state.curve));
    const field = lab.find("[data-out=link]");
    field.value = `${location.origin}${location.pathname}?${words}`;
    field.hidden = false;
    const done = await copy(field.value, field);
    lab.notice(done ? "The link is copied: case, settings, curve and view." : "Copy the link from the field.");
  };

  lab.actions.figure = () => {
    if (!lab.case) return;
    const { canvas, name } = figure(lab, snapshots.shelf?.title, compare.title);
    canvas.toBlob((blob) => {
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
  };

  // The slice of each case outlives a page change and a reload.
  const slices = () => { try { return JSON.parse(sessionStorage.getItem(SLICES)) ?? {}; } catch { return {}; } };
  let opened = null;
  lab.events.on("case", ({ name, slices: n }) => {
    const slice = opened === name ? null : slices()[name];
    opened = name;
    if (Number.isInteger(slice) && slice >= 0 && slice < n) queueMicrotask(() => lab.goTo(slice));
  });
  lab.events.on("view", () => {
    if (!lab.case || opened !== lab.case.name) return;
    try { sessionStorage.setItem(SLICES, JSON.stringify({ ...slices(), [opened]: view.slice })); } catch { /* storage may be off */ }
  });
}

/** The map as it is on the screen, with title, colour bar, sides and a key to the outlines: {canvas, name}. */
export function figure(lab, caseTitle, compared) {
  const { map, view } = lab;
  const { canvas: picture, bar, ratio } = map;
  const style = getComputedStyle(lab.find("section.maps"));
  const [pad, head, foot] = [12 * ratio, 26 * ratio, 44 * ratio];
  const canvas = Object.assign(document.createElement("canvas"), {
    width: picture.width + bar.width + 3 * pad, height: picture.height + head + foot + 2 * pad,
  });
  const ctx = canvas.getContext("2d");
  ctx.fillStyle = style.backgroundColor;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  const [left, top] = [pad, pad + head];
  ctx.fillStyle = "#000";
  ctx.fillRect(left, top, picture.width, picture.height);
  ctx.drawImage(picture, left, top);
  ctx.drawImage(bar, left + picture.width + pad, top + Math.max(picture.height - bar.height, 0) / 2);
  const text = (words, x, y, { size = 12, align = "left", colour = style.color, weight = "" } = {}) => {
    ctx.font = `${weight} ${size * ratio}px ${style.fontFamily}`;
    Object.assign(ctx, { textAlign: align, textBaseline: "middle", fillStyle: colour });
    ctx.fillText(words, x, y);
    return ctx.measureText(words).width;
  };
  const { label, title } = map.style();
  const place = view.montage ? `${lab.case.slices} slices` : `slice ${view.slice + 1} of ${lab.case.slices}`;
  text(`${caseTitle ?? ""} · ${compared ?? `${label}: ${title}`} · ${place}`, left, pad + head / 2, { size: 13, weight: "600" });
  if (!lab.case.swap && !view.montage) {
    text("R", left + 8 * ratio, top + picture.height / 2, { colour: "#9aa0a6" });
    text("L", left + picture.width - 8 * ratio, top + picture.height / 2, { colour: "#9aa0a6", align: "right" });
  }
  let x = left;
  const y = top + picture.height + pad / 2 + foot / 3;
  for (const node of lab.root.querySelectorAll(".toggle")) {
    if (node.hidden || !node.querySelector("input").checked) continue;
    const stroke = getComputedStyle(node.querySelector("i"));
    ctx.fillStyle = stroke.borderTopColor === "rgba(0, 0, 0, 0)" ? style.color : stroke.borderTopColor;
    ctx.fillRect(x, y - ratio, 14 * ratio, 2 * ratio);
    x += 19 * ratio;
    x += text(node.textContent.trim(), x, y) + 14 * ratio;
  }
  text("AIF Lab · research and teaching, not for clinical use", left, y + (20 * ratio), { size: 11, colour: "#9aa0a6" });
  return { canvas, name: `aif-lab-${view.map}-${view.montage ? "all" : `slice-${view.slice + 1}`}.png` };
}
