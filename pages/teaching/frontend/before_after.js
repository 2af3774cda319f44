// Two pictures of one slice under a divider, before to the left of it and after to the right; or the first picture alone.

/** @typedef {{name: string, number: string, src: string}} Side */
/** @typedef {{map: string, label: string, divider: number, place: string, low: string, high: string, colours: string, before: Side, after: Side | null}} Pictures */

const LIMITS = [15, 85];

/** Per cent of the stage at a place of the picture, which can be narrower. @param {HTMLImageElement} image @param {number} place 0 to 1 */
function percentAt(image, place) {
  const { clientWidth, clientHeight, naturalWidth, naturalHeight } = image;
  const share = clientWidth && naturalHeight ? Math.min(clientHeight * naturalWidth / (naturalHeight * clientWidth), 1) : 1;
  return Math.min(Math.max(50 + 100 * (place - 0.5) * share, LIMITS[0]), LIMITS[1]);
}

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
  const divider = String(data.divider);
  if (!data.after || root.dataset.divider === divider) return; // it stays where it was moved
  const image = /** @type {HTMLImageElement} */ (root.querySelector("img.before")), begin = slider.value;
  image.decode().catch(() => undefined).then(() => {
    if (slider.value === begin) slider.value = String(percentAt(image, data.divider));
    root.dataset.divider = divider;
    move();
  });
}
