// Participants' page: geometry, averaging, painted runs, storage, link, and the way of an answer.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeStorage } from "../../../live/frontend/test/fake_page.js";
import { PaintedLesion } from "../../../live/frontend/map/painted_lesion.js";
import { AnswerOutbox } from "../join/answer_outbox.js";
import { addressOf, displayCode, normalizeCode, readLink } from "../join/join_link.js";
import { loupePlace, loupeSource } from "../join/loupe_place.js";
import { nearestHandle } from "../join/nearest_handle.js";
import { OwnMaps } from "../join/own_maps.js";
import { setRuns } from "../join/painted_runs.js";
import { ParticipantStore } from "../join/participant_store.js";
import { digitsOf } from "../join/question_values.js";
import { dotsOf } from "../join/strip.js";
import { MAX_PICKS, VoxelPicks } from "../join/voxel_picks.js";

/** @import { AnswerValue } from "../join/messages.js" */

describe("the magnifier", () => {
  const loupe = { size: 100, gap: 30, nVoxels: 10 }, window = { width: 390, height: 844 };

  it("is above the finger, within the window", () => {
    assert.deepEqual(loupePlace({ x: 200, y: 400 }, window, loupe), { left: 150, top: 270 });
    assert.deepEqual(loupePlace({ x: 5, y: 400 }, window, loupe), { left: 4, top: 270 });
    assert.deepEqual(loupePlace({ x: 385, y: 400 }, window, loupe), { left: 286, top: 270 });
  });

  it("is beside the finger where there is no room above, and never under it", () => {
    assert.deepEqual(loupePlace({ x: 200, y: 60 }, window, loupe), { left: 70, top: 10 });
    assert.deepEqual(loupePlace({ x: 100, y: 60 }, window, loupe), { left: 130, top: 10 }, "right of a finger at the left edge");
  });

  it("is centred on the finger's place, and marks the voxel that holds it", () => {
    const { x, y, w, square } = loupeSource({ x: 50.25, y: 20.75 }, loupe);
    assert.deepEqual([x, y, w], [45.25, 15.75, 10]);
    const box = square(50, 20);
    assert.deepEqual(box, { x: 47.5, y: 42.5, w: 10 });
    assert.ok(box.x < 50 && 50 < box.x + box.w && box.y < 50 && 50 < box.y + box.w, "the middle of the magnifier");
  });
});

describe("clicked voxels", () => {
  const curve = (/** @type {number[]} */ ...values) => Float32Array.from(values);

  it("have the mean of their curves, which waits for every curve", () => {
    const picks = new VoxelPicks();
    assert.equal(picks.mean(), null);
    picks.add([1, 2, 3], curve(1, 10, -3));
    picks.add([2, 2, 3], curve(2, 20, 0));
    picks.add([3, 2, 3], curve(6, 0, 9));
    assert.deepEqual([...(picks.mean() ?? [])], [3, 10, 2]);
    picks.restore([[1, 2, 3], [2, 2, 3]]);
    assert.equal(picks.mean(), null);
    picks.fill((voxel) => curve(voxel[0], 2, 4));
    assert.deepEqual([...(picks.mean() ?? [])], [1.5, 2, 4]);
  });

  it("are taken once, twenty at most, and every change can be undone", () => {
    const picks = new VoxelPicks();
    for (let i = 0; i < MAX_PICKS; i++) assert.ok(picks.add([i, 0, 0], curve(i)));
    assert.ok(!picks.add([99, 0, 0], curve(0)), "one too many");
    picks.remove(3);
    assert.ok(!picks.has([3, 0, 0]) && !picks.add([4, 0, 0], curve(0)), "it is there already");
    picks.clear();
    picks.undo();
    assert.equal(picks.list.length, MAX_PICKS - 1);
    picks.undo();
    assert.ok(picks.has([3, 0, 0]));
    while (picks.canUndo) picks.undo();
    assert.equal(picks.list.length, 0);
  });
});

it("runs of painted voxels come back as they were painted, in the order of the slice's voxels", () => {
  const painted = new Uint8Array(40);
  const lesion = new PaintedLesion(/** @type {any} */ ({ painted, range: (/** @type {number} */ z) => [[0, 10], [10, 40]][z] }));
  for (const i of [9, 10, 11, 15, 38, 39]) painted[i] = 1;
  assert.deepEqual(lesion.runs(1), [0, 2, 5, 1, 28, 2]);
  const copy = new Uint8Array(30).fill(1);
  setRuns(copy, lesion.runs(1));
  assert.deepEqual(copy, painted.subarray(10));
});

it("the handle nearest to a finger in time is taken, within reach of the curve", () => {
  const handles = [{ x: 10, y: 100 }, { x: 30, y: 50 }, { x: 50, y: 10 }], reach = { x: 22, y: 44 };
  assert.equal(nearestHandle(handles, { x: 38, y: 60 }, reach), 1);
  assert.equal(nearestHandle(handles, { x: 42, y: 40 }, reach), 2);
  assert.equal(nearestHandle(handles, { x: 72, y: 10 }, reach), 2, "at the end of its reach");
  assert.ok(Number.isNaN(nearestHandle(handles, { x: 73, y: 10 }, reach)));
  assert.ok(Number.isNaN(nearestHandle(handles, { x: 30, y: 95 }, reach)), "far from the curve");
});

describe("storage", () => {
  it("keeps a token for each class, the last five", () => {
    const storage = new FakeStorage(), store = new ParticipantStore(() => storage);
    assert.equal(store.find("A"), null);
    for (const code of ["A", "B", "C", "D", "E", "F"]) store.keep({ code, token: `token ${code}`, name: `Name ${code}` });
    assert.equal(store.find("A"), null);
    assert.deepEqual(new ParticipantStore(() => storage).find("C"), { code: "C", token: "token C", name: "Name C" });
    assert.equal(store.lastName, "Name F");
    store.forget("F");
    assert.equal(store.find("F"), null);
  });

  it("does without storage that is blocked or damaged", () => {
    const blocked = new ParticipantStore(() => { throw new Error("blocked"); });
    blocked.keep({ code: "A", token: "t", name: "n" });
    assert.equal(blocked.find("A"), null);
    const storage = new FakeStorage();
    for (const text of ["{", "{}", "[null, 3]"]) {
      storage.setItem("aif-lab|class", text);
      assert.equal(new ParticipantStore(() => storage).find("A"), null);
    }
  });
});

it("codes are read as people type them, and the key leaves the address", () => {
  assert.equal(normalizeCode(" ab2-c d–e "), "AB2CDE");
  assert.equal(displayCode("ABCDEFG"), "ABCD EFG");
  const { code, key, address } = readLink("https://lab.example/sub/join?room=abc-def#k=x_Y-9");
  assert.deepEqual([code, key, address], ["ABCDEF", "x_Y-9", "https://lab.example/sub/join?room=abc-def"]);
  assert.equal(addressOf(address, ""), "https://lab.example/sub/join");
  assert.equal(addressOf(address, "XYZ"), "https://lab.example/sub/join?room=XYZ");
});

describe("an answer on its way", () => {
  /** @param {number} [time] */
  function outboxAt(time = 1000) {
    /** @type {any[]} */
    const sent = [];
    const line = { isOpen: true };
    const outbox = new AnswerOutbox((message) => { if (line.isOpen) sent.push(message); return line.isOpen; }, () => time);
    return { outbox, sent, line };
  }
  /** @type {AnswerValue} */
  const value = { values: [1] };

  it("has a number above every earlier one, of this page or of another", () => {
    const { outbox, sent } = outboxAt();
    outbox.put(1, value);
    outbox.put(1, value);
    outbox.known(5000);
    outbox.put(1, value);
    assert.deepEqual(sent.map(({ seq }) => seq), [1000, 1001, 5001]);
  });

  it("is sent again after a lost connection until it is confirmed, the last one only", () => {
    const { outbox, sent, line } = outboxAt();
    line.isOpen = false;
    outbox.put(1, { values: [1] });
    outbox.put(1, { values: [2] });
    assert.equal(outbox.status, "waiting");
    line.isOpen = true;
    outbox.resume({ round: 1, phase: "paused" });
    assert.equal(sent.length, 0, "the task takes no answers now");
    outbox.resume({ round: 1, phase: "open" });
    assert.deepEqual(sent.map((message) => message.value), [{ values: [2] }]);
    outbox.answered({ seq: 1000 });
    assert.equal(outbox.status, "sending", "an earlier answer is confirmed");
    outbox.answered({ seq: sent[0].seq });
    outbox.resume({ round: 1, phase: "open" });
    assert.deepEqual([sent.length, outbox.status], [1, "sent"]);
  });

  it("is forgotten when another task has come", () => {
    const { outbox, sent, line } = outboxAt();
    line.isOpen = false;
    outbox.put(1, value);
    line.isOpen = true;
    outbox.resume({ round: 2, phase: "open" });
    outbox.resume({ round: 1, phase: "open" });
    assert.deepEqual([sent.length, outbox.status], [0, ""]);
  });
});

it("maps wait until the case has come; meanwhile the slice in view is computed", () => {
  /** @type {[number, boolean][]} */
  const computed = [];
  const loaded = { whole: false };
  const maps = new OwnMaps({ compute: (curve, { rest }) => { if (loaded.whole || !rest) computed.push([curve[0], rest]); return loaded.whole; } });
  const curve = Float32Array.of(7);
  maps.show(curve, { rest: true });
  curve[0] = 8; // the editor's curve goes on changing
  loaded.whole = true;
  maps.retry();
  maps.retry();
  assert.deepEqual(computed, [[7, false], [7, true]]);
});

it("the class's values lie on a line, equal ones above each other", () => {
  const { dots, x, low, high, top } = dotsOf([10, 10, 20, 10], [30, null], 120);
  assert.deepEqual([low, high, top], [10, 30, 2]);
  assert.deepEqual(dots, [{ x: 10, level: 0 }, { x: 10, level: 1 }, { x: 60, level: 0 }, { x: 10, level: 2 }]);
  assert.equal(x(30), 110);
  assert.equal(dotsOf([5], [], 100).dots[0].x, 50, "one value is in the middle");
  const { dots: [near] } = dotsOf([43.01], [43.012], 100);
  assert.ok(Math.abs(near.x - 50) < 0.1, "a rounded value is where the own one is");
});

it("a number has the digits of its step", () => {
  assert.deepEqual([1, 5, 0.5, 0.1, 0.01, 0.25].map(digitsOf), [0, 0, 1, 1, 2, 2]);
});
