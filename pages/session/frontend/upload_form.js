// The form of an upload: progress, a button that waits for the files, and files dropped anywhere on the page.
import { find } from "../../live/frontend/common/dom.js";
import { progressPart, progressText, UploadRequests } from "./upload_requests.js";

/** @typedef {{parentElement: HTMLElement | ShadowRoot, data: {chooser: string, button: string}}} Component */

const requests = new UploadRequests();

/** Whether a drag carries files, and not a selection or a link. @param {DragEvent} event */
const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** @param {string} key key of a Streamlit element */
const elementOf = (key) => document.querySelector(`.st-key-${key}`);

/**
 * Show the progress, and keep the button from being pressed before every file has arrived.
 * @param {HTMLElement} root @param {() => string} buttonKey
 */
function showProgress(root, buttonKey) {
  const bar = find(root, "[role=progressbar]");
  return requests.listen((uploads) => {
    const isBusy = uploads.length > 0;
    root.hidden = !isBusy;
    root.dataset.uploading = String(uploads.length);
    const button = elementOf(buttonKey());
    if (button instanceof HTMLElement) button.inert = isBusy;
    if (!isBusy) return;
    const percent = Math.round(100 * progressPart(uploads));
    bar.setAttribute("aria-valuenow", String(percent));
    find(bar, "i").style.width = `${percent}%`;
    const files = uploads.length > 1 ? "the files have" : "the file has";
    const end = percent < 100 ? `it can be opened once ${files} arrived` : "the server is receiving the last part";
    find(root, "[data-out=progress]").textContent = `Uploading ${progressText(uploads)}; ${end}.`;
  });
}

/**
 * Take files that are dropped anywhere on the page; the chooser itself takes what is dropped on it.
 * @param {HTMLElement} overlay @param {() => string} chooserKey
 */
function takeDrops(overlay, chooserKey) {
  const ended = new AbortController();
  const { signal } = ended;
  const chooser = () => elementOf(chooserKey());
  const isOnChooser = (/** @type {DragEvent} */ event) => event.target instanceof Node && chooser()?.contains(event.target);
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();  // else the browser leaves the page for the file
    overlay.hidden = false;
  }, { signal });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) overlay.hidden = true; }, { signal });
  document.addEventListener("drop", (event) => {
    overlay.hidden = true;
    if (!hasFiles(event) || isOnChooser(event)) return;
    event.preventDefault();
    const input = chooser()?.querySelector("input[type=file]");
    const files = event.dataTransfer?.files;
    if (!(input instanceof HTMLInputElement) || !files?.length) return;
    input.files = files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }, { signal });
  return () => ended.abort();
}

/** @type {WeakMap<HTMLElement, {data: Component["data"], end: () => void}>} */
const mounted = new WeakMap();

/**
 * Called at every run of the page; returns the clean-up for unmounting.
 * @param {Component} component
 */
export function mount({ parentElement, data }) {
  const progress = find(parentElement, ".progress"), overlay = find(parentElement, ".overlay");
  const known = mounted.get(progress);
  if (known) {
    known.data = data;
    return known.end;
  }
  const one = { data, end: () => {} };
  const ends = [showProgress(progress, () => one.data.button), takeDrops(overlay, () => one.data.chooser)];
  one.end = () => {
    for (const end of ends) end();
    mounted.delete(progress);
  };
  mounted.set(progress, one);
  return one.end;
}
