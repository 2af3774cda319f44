// Two pictures of one slice under a divider, before to the left of it and after to the right; or the first picture alone.

/** @typedef {{name: string, number: string, src: string}} Side */
/** @typedef {{map: string, label: string, place: string, low: string, high: string, colours: string, before: Side, after: Side | null}} Pictures */

/** @param {{parentElement: HTMLElement, data: Pictures}} component called at every run of the page */
export default function ({ parentElement, data }) {
  const root = /** @type {HTMLElement} */ (parentElement.querySelector(".before-after"));
  const slider = /** @type {HTMLInputElement} */ (root.querySelector("input"));
  const out = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`[data-out=${name}]`));

  for (const [id, side] of /** @type {[string, Side | null][]} */ ([["before", data.before], ["after", data.after]])) {
    const image = /** @type {HTMLImageElement} */ (root.querySelector(`img.${id}`));
    image.hidden = out(id).hidden = !side;
    if (!side) continue;
    if (image.src !== side.src) image.src = side.src;
    image.alt = `${data.map}, ${data.place}, ${side.name}; ${data.label}: ${side.number}`;
    out(id).replaceChildren(Object.assign(document.createElement("span"), { textContent: side.name }),
      Object.assign(document.createElement("b"), { textContent: side.number }));
  }
  slider.hidden = !data.after;
  root.dataset.sides = data.after ? "2" : "1";
  out("label").textContent = data.label;
  out("map").textContent = `${data.map}, ${data.place}`;
  out("low").textContent = data.low;
  out("high").textContent = data.high;
  out("bar").style.background = `linear-gradient(90deg, ${data.colours})`;

  const move = () => {
    root.style.setProperty("--at", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${slider.value} % ${data.before.name}, the rest ${data.after?.name ?? ""}`);
  };
  slider.oninput = move;
  move();
}
