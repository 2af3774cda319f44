// Modules of the projector that need no browser: QR code, places of labels, state of the room.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { env } from "node:process";
import { test } from "node:test";
import { busiestSlice } from "../projector/aif_view.js";
import { parseFragment } from "../projector/credentials.js";
import { meanAndSd, percent } from "../projector/format.js";
import { PersonPicker } from "../projector/person_picker.js";
import { joinLabels, spreadOut } from "../projector/plot.js";
import { QUIET_MODULES, qrPath } from "../../../live/frontend/common/qr_code.js";
import { RoomModel } from "../projector/room_model.js";

const golden = env.AIF_LAB_GOLDEN ? JSON.parse(readFileSync(env.AIF_LAB_GOLDEN, "utf8")).classroom : null;

/** Modules of a drawn QR code, read back from its path. @param {string} path @param {number} size */
function readModules(path, size) {
  const rows = Array.from({ length: size }, () => new Array(size).fill("0"));
  for (const [, x, y, run] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let k = 0; k < Number(run); k++) rows[Number(y) - QUIET_MODULES][Number(x) - QUIET_MODULES + k] = "1";
  }
  return rows.map((row) => row.join(""));
}

test("the path draws the dark modules and no others, inside the quiet zone", () => {
  const rows = ["1101", "0000", "1111", "0011"];
  assert.deepEqual(readModules(qrPath(rows), 4), rows);
  assert.ok(qrPath(rows).startsWith("M4 4h2"));
});

test("the server's QR code is drawn as it is", { skip: golden === null }, () => {
  assert.deepEqual(readModules(qrPath(golden.qr), golden.qr.length), golden.qr);
});

test("the address gives token and room, or nothing", () => {
  assert.deepEqual(parseFragment("#host=t-o_k&room=ABC234"), { token: "t-o_k", code: "ABC234" });
  assert.equal(parseFragment("#room=ABC234"), null);
  assert.equal(parseFragment(""), null);
});

test("labels keep their distance, their order and the limits", () => {
  const found = spreadOut([10, 11, 12, 95], 8, 5, 100);
  for (let i = 1; i < found.length; i++) assert.ok(found[i] - found[i - 1] >= 8);
  assert.ok(found[0] >= 5 && found[3] <= 100);
});

test("labels that would overlap share a group; none leaves the row", () => {
  const labels = [{ at: 50, width: 30, item: "a" }, { at: 60, width: 30, item: "b" }, { at: 190, width: 40, item: "c" }];
  const groups = joinLabels(labels, 0, 200);
  assert.deepEqual(groups.map(({ items }) => items), [["a", "b"], ["c"]]);
  assert.deepEqual(groups.map(({ x }) => x), [55, 180]);
});

test("numbers have the digits that are read from afar", () => {
  const spread = { n: 3, mean: 43.96, median: 44, sd: 0.23, cv: 0.0052, low: 1, high: 2 };
  assert.equal(meanAndSd(spread, "ml"), "44.0 ± 0.2 ml");
  assert.equal(meanAndSd({ ...spread, sd: 18.2 }, "ml"), "44 ± 18 ml");
  assert.deepEqual([percent(0.058), percent(0.31), percent(0.0996), percent(null)], ["5.8 %", "31 %", "10 %", "–"]);
});

test("the slice with most clicks comes first; of equals, the nearer one", () => {
  const answer = (/** @type {number[]} */ ...slices) => ({ id: 1, seq: 1, numbers: {}, voxels: slices.map((z) => /** @type {[number, number, number]} */ ([0, 0, z])) });
  assert.equal(busiestSlice([answer(2, 2, 5), answer(5, 5)], 0), 5);
  assert.equal(busiestSlice([answer(2), answer(5)], 4), 5);
  assert.equal(busiestSlice([], 3), 3);
});

test("arrow keys go round the people in order, and forget who has left", () => {
  let changes = 0;
  const picker = new PersonPicker(() => { changes += 1; });
  picker.setOrder([4, 2, 9]);
  picker.step(1);
  assert.equal(picker.shown, 4);
  picker.step(-1);
  assert.equal(picker.shown, 9);
  picker.hover(2);
  assert.equal(picker.shown, 2);
  picker.setOrder([2, 4]);
  assert.equal(picker.picked, null);
  assert.equal(changes, 3);
});

const ROOM = /** @type {const} */ ({ type: "room", code: "ABC 234", people: [{ id: 1, name: "Amber Fox", connected: true }], revealed: true, frozen: false, namesHidden: false, publicAddress: "", right: null });
/** @param {number} round @param {number | null} repeats @param {"artery" | "curve" | "quiz"} kind */
const header = (round, repeats, kind) => /** @type {const} */ ({ round, repeats, kind, title: "", phase: "open" });

test("answers are kept by round; a whole message replaces, removed people go", () => {
  const model = new RoomModel();
  const answer = (/** @type {number} */ id, seq = 1) => ({ id, seq, numbers: {} });
  model.receive({ type: "answers", round: 1, whole: true, removed: [], answers: [answer(2), answer(1)] });
  model.receive({ type: "answers", round: 1, whole: false, removed: [2], answers: [answer(3), answer(1, 2)] });
  assert.deepEqual(model.answers(1).map(({ id, seq }) => [id, seq]), [[1, 2], [3, 1]]);
  model.receive({ type: "answers", round: 1, whole: true, removed: [], answers: [answer(5)] });
  assert.deepEqual(model.answers(1).map(({ id }) => id), [5]);
  assert.deepEqual(model.answers(undefined), []);
});

test("only rounds whose answers have the same numbers are compared", () => {
  const model = new RoomModel();
  const rounds = [header(1, null, "quiz"), header(2, null, "curve"), header(3, null, "artery")];
  const task = { ...rounds[2], text: "", items: [], case: null };
  for (const [compare, expected] of [[2, 2], [1, undefined], [null, undefined], [3, undefined]]) {
    model.receive({ ...ROOM, people: [], rounds, task, compare: /** @type {number | null} */ (compare) });
    assert.equal(model.compared?.round, expected);
  }
});

test("hidden names are shown nowhere", () => {
  const model = new RoomModel();
  const message = { ...ROOM, people: [...ROOM.people], rounds: [], task: null, compare: null };
  model.receive(message);
  assert.equal(model.nameOf(1), "Amber Fox");
  assert.equal(model.nameOf(8), "");
  model.receive({ ...message, namesHidden: true });
  assert.equal(model.nameOf(1), "");
  assert.equal(model.stage, "lobby");
});
