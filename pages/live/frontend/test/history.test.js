import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { CurveHistory, sameCurve } from "../curve/history.js";
import { FakeStorage } from "./fake_page.js";

/** @import { CurveState } from "../types.js" */

const realNow = performance.now;
let now = 0;
let nKeys = 0;

beforeEach(() => {
  now = 0;
  performance.now = () => now;
  Object.assign(globalThis, { sessionStorage: new FakeStorage() });
});
afterEach(() => { performance.now = realNow; });

/** @param {number} value @returns {CurveState} */
const state = (value) => ({ curve: Float32Array.of(value, value), voxels: [], spread: null, whole: null });
const history = () => new CurveHistory(`key ${++nKeys}`);
const [BACK, FORTH] = [{ back: true }, { back: false }];

describe("CurveHistory", () => {
  it("undoes and redoes in order", () => {
    const one = history();
    const [a, b, c] = [state(1), state(2), state(3)];
    one.push(a);
    one.push(b);
    assert.equal(one.step(c, BACK), b);
    assert.equal(one.step(b, BACK), a);
    assert.equal(one.step(a, BACK), null);
    assert.equal(one.step(a, FORTH), b);
    assert.equal(one.step(b, FORTH), c);
    assert.equal(one.step(c, FORTH), null);
  });

  it("a new edit clears the redo stack", () => {
    const one = history();
    one.push(state(1));
    const back = one.step(state(2), BACK);
    assert.ok(back);
    one.push(back);
    assert.equal(one.step(state(3), FORTH), null);
  });

  it("coalesces quick steps of one handle only", () => {
    const one = history();
    one.push(state(1), "width");
    now += 900;
    one.push(state(2), "width");
    now += 900;
    one.push(state(3), "width");
    assert.equal(one.past.length, 1);
    one.push(state(4), "tail");
    assert.equal(one.past.length, 2);
    now += 1100;
    one.push(state(5), "tail");
    assert.equal(one.past.length, 3);
    one.push(state(6));
    one.push(state(7));
    assert.equal(one.past.length, 5);
  });

  it("does not coalesce a step with one that was undone", () => {
    const one = history();
    one.push(state(1), "width");
    one.step(state(2), BACK);
    one.push(state(1), "width");
    assert.equal(one.past.length, 1);
  });

  it("keeps the newest 200 states", () => {
    const one = history();
    for (let i = 0; i < 250; i++) one.push(state(i));
    assert.equal(one.past.length, 200);
    assert.equal(one.past.at(-1)?.curve[0], 249);
  });

  it("is persisted by key across a page change", () => {
    CurveHistory.of("same").push(state(1));
    assert.equal(CurveHistory.of("same").past.length, 1);
    assert.equal(CurveHistory.of("other").past.length, 0);
  });
});

describe("the opening state", () => {
  const start = Float32Array.of(1, 2, 3);

  it("is the start curve where there is no edit", () => {
    assert.deepEqual(history().opening({ start }).curve, start);
  });

  it("is the server's edit, else the stored one", () => {
    const one = history();
    one.store({ curve: Float32Array.of(4, 5, 6), voxels: [[1, 2, 3]], spread: Float32Array.of(1, 1, 1), whole: null });
    const stored = one.opening({ start });
    assert.deepEqual([...stored.curve], [4, 5, 6]);
    assert.deepEqual([stored.voxels, stored.spread], [[[1, 2, 3]], [1, 1, 1]]);
    const edited = one.opening({ start, edited: Float32Array.of(7, 8, 9) });
    assert.deepEqual([...edited.curve], [7, 8, 9]);
    assert.deepEqual([edited.voxels, edited.spread], [[], null], "voxels of another curve");
  });

  it("is the start curve where the stored one has another length or is damaged", () => {
    const one = history();
    one.store(state(1));
    assert.deepEqual(one.opening({ start }).curve, start);
    sessionStorage.setItem(`aif|${one.key}`, "{not JSON");
    assert.deepEqual(one.opening({ start }).curve, start);
  });

  it("is the start curve where storage is unavailable", () => {
    Object.defineProperty(globalThis, "sessionStorage", { configurable: true, get() { throw new Error("SecurityError"); } });
    try {
      const one = history();
      one.store(state(1));
      assert.deepEqual(one.opening({ start }).curve, start);
    } finally {
      Object.defineProperty(globalThis, "sessionStorage", { configurable: true, writable: true, value: null });
    }
  });
});

it("compares curves as the float32 values that are sent", () => {
  assert.ok(sameCurve([0.1, 0.2], Float32Array.of(0.1, 0.2)));
  assert.ok(!sameCurve([0.1], [0.1, 0.2]));
  assert.ok(!sameCurve([0.1], [0.1001]));
});
