import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CtWindows, PRESETS } from "../ct_windows.js";

describe("CtWindows", () => {
  it("each preset spans its centre ± half its width", () => {
    const windows = new CtWindows();
    for (const { name, centre, width } of PRESETS) {
      windows.name = name;
      const [low, high] = windows.range;
      assert.equal((low + high) / 2, centre);
      assert.equal(high - low, width);
    }
  });

  it("keeps a custom window for its preset alone, until it is reset", () => {
    const windows = new CtWindows();
    const { level: preset } = windows;
    assert.equal(windows.set(100, 20), true);
    assert.deepEqual(windows.range, [90, 110]);
    windows.name = "bone";
    assert.notDeepEqual(windows.range, [90, 110]);
    windows.name = "brain";
    windows.reset();
    assert.equal(windows.level, preset);
  });

  it("prefers a custom window to the series' default, and that to the preset", () => {
    const windows = new CtWindows();
    windows.defaults.brain = { centre: 1, width: 2 };
    assert.deepEqual(windows.range, [0, 2]);
    windows.set(5, 2);
    assert.deepEqual(windows.range, [4, 6]);
    windows.reset();
    assert.deepEqual(windows.range, [0, 2]);
  });

  it("refuses values that are not finite and widths that are not positive", () => {
    const windows = new CtWindows();
    const before = windows.range;
    for (const [centre, width] of [[NaN, 1], [0, Infinity], [0, 0], [0, -5]]) assert.equal(windows.set(centre, width), false);
    assert.deepEqual(windows.range, before);
  });

  it("widens by a drag to the right and darkens by a drag down, in proportion to the width", () => {
    const windows = new CtWindows();
    const start = { ...windows.level };
    windows.drag(start, 0.5, 0);
    assert.deepEqual(windows.level, { centre: start.centre, width: 1.5 * start.width });
    windows.drag(start, 0, 0.25);
    assert.deepEqual(windows.level, { centre: start.centre + 0.25 * start.width, width: start.width });
  });

  it("has a minimum width of a hundredth of the preset's, from which a drag widens it", () => {
    const windows = new CtWindows();
    const { width } = windows.preset;
    windows.drag(windows.level, -10, 0);
    assert.equal(windows.level.width, width / 100);
    windows.drag(windows.level, 1, 0);
    assert.equal(windows.level.width, width / 100 + width / 4);
  });
});
