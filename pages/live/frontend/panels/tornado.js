// @ts-nocheck
// The tornado chart: what each edit of the curve, by a stated amount either way, does to three figures.
import { svg } from "../common/svg_chart.js";
import { Stream } from "../transport/streams.js";

const HTML = `<div class="row"><button class="solid" data-action="tornado" title="Every edit low and high: two volumes each">Compute</button><span class="soft" data-out="tornado"></span></div>
  <svg class="tornado" data-testid="tornado" role="img" aria-label="Change of three figures with each edit"></svg>`;

export function installTornado(lab, { tabs }) {
  const pane = tabs.add("edits", "Tornado", "How far each edit of the whole curve moves core, hypoperfused volume and healthy CBF");
  pane.innerHTML = HTML;
  const out = pane.querySelector("[data-out=tornado]");
  const chart = pane.querySelector("svg");
  let rows = [];
  let stale = false;
  let n = 0;
  const figures = () => lab.config.metrics.filter(({ id }) => lab.config.tornado.includes(id));
  let of = null; // the curve that the chart is of
  const stream = new Stream(lab, "tornado", {
    onFrame: (frame) => {
      const { arrays: _, ...row } = frame;
      rows.push(row);
      n = frame.n;
      stream.acknowledge();
      draw();
    },
    onEnd: (message) => { if (message) lab.notice(message); draw(); },
  });

  lab.actions.tornado = () => {
    if (!lab.case || lab.streaming) return;
    of = Array.from(lab.editor.curve);
    if (!stream.start({ curve: of })) return;
    rows = [];
    stale = false;
    n = 0;
    draw();
  };

  function words() {
    if (stale) return "of an earlier curve: compute again";
    if (stream.open) return n ? `${rows.length} of ${n}` : "…";
    return rows.length ? "change: blue low, orange high" : "height halved or doubled, 3 s earlier or later …";
  }

  const signed = (value, digits) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

  function draw() {
    out.textContent = words();
    chart.classList.toggle("stale", stale);
    lab.root.dataset.tornado = stream.open ? "" : rows.length;
    const box = chart.getBoundingClientRect();
    if (!box.width) return;
    chart.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    chart.replaceChildren();
    if (!rows.length) return;
    const head = 16;
    const names = 122;
    const shown = figures();
    const wide = (box.width - names) / shown.length;
    const tall = Math.min((box.height - head) / Math.max(n, 1), 26);
    const text = (words0, attributes) => { svg("text", attributes, chart).textContent = words0; };
    rows.forEach(({ name, unit, settings }, i) => {
      const [low, high] = settings.map((v) => (unit === "×" ? `×${v}` : `${v > 0 ? "+" : v < 0 ? "−" : ""}${Math.abs(v)}`));
      text(name, { x: 0, y: head + (i + 0.66) * tall, class: "name" });
      text(`${low} | ${high}${unit === "×" ? "" : ` ${unit}`}`, { x: names - 6, y: head + (i + 0.66) * tall, "text-anchor": "end" });
    });
    shown.forEach(({ id: key, label: name, unit }, c) => {
      const label = unit.length > 2 ? name : `${name}, ${unit}`;
      const left = names + c * wide;
      const middle = left + wide / 2;
      const changes = rows.map((row) => ["low", "high"].map((side) => (row[side] ? row[side][key] - row.here[key] : null)));
      const most = Math.max(...changes.flat().map((v) => Math.abs(v ?? 0)), 1e-9);
      const scale = (wide / 2 - 8) / most;
      const digits = most >= 10 ? 0 : most >= 1 ? 1 : 2;
      text(`${label} ±${most.toFixed(digits)}`, { x: middle, y: 11, "text-anchor": "middle" });
      svg("line", { x1: middle, x2: middle, y1: head, y2: head + rows.length * tall, class: "zero" }, chart);
      changes.forEach((pair, i) => pair.forEach((change, side) => {
        if (change === null) return;
        const bar = svg("rect", {
          x: middle + Math.min(change, 0) * scale, width: Math.max(Math.abs(change) * scale, 0.5), class: side ? "more" : "less",
          y: head + (i + (side ? 0.52 : 0.14)) * tall, height: 0.34 * tall,
          "data-handle": rows[i].handle, "data-figure": key, "data-side": side ? "high" : "low", "data-change": Number(change.toPrecision(6)),
        }, chart);
        svg("title", {}, bar).textContent = `${rows[i].name}: ${label} ${signed(change, 2)}`;
      }));
    });
  }

  lab.events.on("edit", (curve) => {
    const other = rows.length > 0 && curve.some((v, i) => v !== of[i]);
    if (other === stale) return;
    stale = other;
    draw();
  });
  lab.events.on("case", () => { stream.stop(); rows = []; stale = false; draw(); });
  lab.events.on("resize", draw);
  return { close() { stream.stop(); } };
}
