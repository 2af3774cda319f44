import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Playback } from "../playback.js";

const real = { requestAnimationFrame: globalThis.requestAnimationFrame, cancelAnimationFrame: globalThis.cancelAnimationFrame };
/** Callbacks that wait for the next repaint, by request. @type {Map<number, (now: number) => void>} */
const waiting = new Map();
let nRequests = 0;

/** A repaint of the screen. @param {number} now ms */
function repaint(now) {
  const due = [...waiting.values()];
  waiting.clear();
  for (const run of due) run(now);
}

beforeEach(() => {
  waiting.clear();
  Object.assign(globalThis, {
    requestAnimationFrame: (/** @type {(now: number) => void} */ run) => { waiting.set(++nRequests, run); return nRequests; },
    cancelAnimationFrame: (/** @type {number} */ request) => { waiting.delete(request); },
  });
});
afterEach(() => { Object.assign(globalThis, real); });

/** @param {number} nFrames @param {number} rate */
function playback(nFrames, rate) {
  /** @type {number[]} */
  const shown = [];
  const player = new Playback((frame) => shown.push(frame));
  player.nFrames = nFrames;
  player.setRate(rate);
  return { player, shown };
}

describe("Playback", () => {
  for (const hertz of [30, 60, 144]) {
    it(`has the same frame rate on a screen of ${hertz} Hz`, () => {
      const { player, shown } = playback(1000, 10);
      player.play(true);
      for (let i = 0; i <= 3 * hertz; i++) repaint(5000 + (i * 1000) / hertz + 0.01 * i);
      assert.deepEqual(shown, Array.from({ length: 30 }, (_, i) => i + 1));
    });
  }

  it("skips frames where the rate is higher than the screen's", () => {
    const { player, shown } = playback(100, 40);
    player.play(true);
    for (const now of [0, 100, 200]) repaint(now);
    assert.deepEqual(shown, [4, 8]);
  });

  it("loops, and continues with the next frame after a pause longer than the series", () => {
    const { player, shown } = playback(5, 10);
    player.goTo(3);
    player.play(true);
    for (const now of [0, 100, 200, 10_000, 10_100]) repaint(now);
    assert.deepEqual(shown, [3, 4, 0, 1, 2]);
  });

  it("wraps a frame beyond either end", () => {
    const { player, shown } = playback(5, 10);
    for (const frame of [-1, 5, 12, 2.4]) player.goTo(frame);
    assert.deepEqual(shown, [4, 0, 2, 2]);
  });

  it("stops immediately and requests no further animation frame", () => {
    const { player, shown } = playback(5, 10);
    player.play(true);
    repaint(0);
    player.play(false);
    assert.equal(waiting.size, 0);
    repaint(1000);
    assert.deepEqual(shown, []);
  });

  it("requests one animation frame at a time, for repeated starts", () => {
    const { player } = playback(5, 10);
    player.play(true);
    player.play(true);
    assert.equal(waiting.size, 1);
    repaint(0);
    assert.equal(waiting.size, 1);
  });

  it("restarts its clock after a change of the rate", () => {
    const { player, shown } = playback(100, 1);
    player.play(true);
    for (const now of [0, 900]) repaint(now);
    player.setRate(10);
    repaint(910);
    assert.deepEqual(shown, []);
    repaint(1010);
    assert.deepEqual(shown, [1]);
  });
});
