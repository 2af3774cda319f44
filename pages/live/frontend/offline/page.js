// The page of the file: title, the author's text, the lesson, the Lab, and what the file is. The page makes what the Lab
// receives of a server's page: configuration and snapshots, again after each change.
/** @import { QueuedCommand } from "../types.js" */
/** @import { FileCase, PageInfo } from "./file.js" */
import { element, find } from "../common/dom.js";
import { saveFile } from "../common/save_file.js";
import { mount } from "../lab.js";
import { joinCase } from "../transport/case_update.js";
import { aifCsvText } from "./aif_csv.js";
import { lessonReader } from "./lesson.js";
import { packFrame } from "./pack_frame.js";
import { fromBase64, readFrame, readPage } from "./page_data.js";
import { PageSession, setSession } from "./session.js";
import { carryOut } from "./snapshot_commands.js";

const RESEARCH = "Research and teaching, not for clinical use.";
const SMOOTHED = "Curves of voxels are those of the smoothed tissue: the file does not hold the series as measured.";

/** Open the page of a file. @param {Document} document */
export async function openPage(document) {
  const page = readPage(), root = layOut(document, page);
  try {
    const session = new PageSession(await readFrames(), page);
    setSession(session);
    runLab(find(root, "main"), session);
    find(root, "[data-action=save-curve]").addEventListener("click", () => {
      saveFile("aif.csv", new Blob([aifCsvText(session.curve, session.opened.dt)], { type: "text/csv" }));
    });
  } catch (error) {
    find(root, "[data-out=failed]").textContent = `This file cannot be opened: ${error instanceof Error ? error.message : error}`;
    throw error;
  }
}

async function readFrames() {
  const [config, frame, basis, sources] = await Promise.all([
    readFrame("config", "config"), readFrame("case", "case"), readFrame("basis", "basis"), readFrame("sources", "sources")]);
  const opened = /** @type {FileCase | null} */ (joinCase(null, frame));
  if (!opened) throw new Error("the case is not complete; save the file again.");
  return { config, opened, basis, sources };
}

/** Mount the Lab, and run it again after each of its commands. @param {Element} place @param {PageSession} session */
function runLab(place, session) {
  const lab = element("div", { className: "lab" });
  Object.assign(lab.dataset, { testid: "lab", status: "connecting" });
  place.append(lab);
  lab.style.setProperty("--above", `${place.getBoundingClientRect().top}px`); // so that the numbers are in view
  let working = Promise.resolve();

  function run() {
    const { curve } = session.wanted ?? {};
    const [config, shelf] = [packed(session.configFrame()), packFrame(session.shelfHeader(), curve ? { curve: Float32Array.from(curve) } : {})];
    const data = new Uint8Array(config.length + shelf.length);
    data.set(config);
    data.set(shelf, config.length);
    mount({ parentElement: /** @type {HTMLElement} */ (place), data, setStateValue: () => {}, setTriggerValue: trigger });
  }

  /** Carry out what a server's page would; one command after the other. @param {string} name @param {unknown} value */
  function trigger(name, value) {
    working = working.then(async () => {
      if (name === "source") session.select(String(value));
      else if (name === "csv") session.addCsv(fromBase64(/** @type {{base64: string}} */ (value).base64));
      else if (name === "shelf") await carryOut(session, /** @type {QueuedCommand[]} */ (value));
      run();
    });
  }

  run();
}

/** @param {import("../types.js").ConfigFrame} config */
function packed({ arrays, ...header }) {
  const owned = Object.entries(arrays).map(([name, array]) => [name, Uint8Array.from(array)]);
  return packFrame(header, Object.fromEntries(owned));
}

/** Build the page around the Lab. @param {Document} document @param {PageInfo} page */
function layOut(document, { title, text, lesson, notice, version, checksum, about }) {
  document.title = `${title} – AIF Lab`;
  const header = element("header", {}, element("h1", { textContent: title }),
    ...paragraphs(text).map((one) => element("p", { className: "author", textContent: one })));
  const failed = element("p", { className: "failed" });
  failed.dataset.out = "failed";
  failed.setAttribute("role", "alert");
  const save = element("button", { textContent: "Save curve (CSV)", title: "The curve in the Lab: time and enhancement; the list of sources opens it again" });
  save.dataset.action = "save-curve";
  const facts = element("dl", {}, ...about.flatMap(({ label, value }) => [element("dt", { textContent: label }), element("dd", { textContent: value })]),
    element("dt", { textContent: "Made with" }), element("dd", { textContent: `AIF Lab ${version}` }),
    element("dt", { textContent: "SHA-256 of the data" }), element("dd", { textContent: checksum, className: "checksum" }));
  const footer = element("footer", {}, element("p", {}, element("b", { textContent: notice || RESEARCH })), save, facts, element("p", { textContent: SMOOTHED }));
  const root = element("div", { className: "page" }, header, ...(lesson ? [lessonReader(lesson)] : []), failed, element("main"), footer);
  document.body.replaceChildren(...[...document.body.querySelectorAll("script")], root);
  return root;
}

/** Paragraphs of a text: blank lines divide them. @param {string} text */
const paragraphs = (text) => text.split(/\n\s*\n/).map((one) => one.trim()).filter(Boolean);
