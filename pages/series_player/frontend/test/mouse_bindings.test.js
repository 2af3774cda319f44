import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { toScreen } from "../../../live/frontend/common/voxel_coords.js";
import { CtWindows, PRESETS } from "../ct_windows.js";
import { bindKeys, bindPageKeys, bindPointer, movedVoxel, pixelAt } from "../mouse_bindings.js";
import { FakeCanvas } from "./fake_canvas.js";

/** @import { CropBox, PlayerConfig, Voxel, WindowPreset } from "../types.js" */

/** @type {CropBox} */
const BOX = [3, 2, 8, 4];
const BOUNDS = { left: 100, top: 50, width: 160, height: 80 }; // 20 CSS pixels a voxel
const ORIENTATIONS = [false, true].flatMap((swap) => [false, true].flatMap((flipX) => [false, true].map((flipY) => ({ swap, flipX, flipY }))));

/** @param {object} fields @returns {PlayerConfig} */
const config = (fields = {}) => /** @type {any} */ ({
  box: BOX, rows: 10, columns: 14, swap: false, flipX: true, flipY: true, nTime: 30, hu: true, slices: 5, ...fields,
});
/** Position of the middle of a pixel on the page. @param {number} column @param {number} row */
const onPage = (column, row) => ({ clientX: BOUNDS.left + (column - BOX[0] + 0.5) * 20, clientY: BOUNDS.top + (row - BOX[1] + 0.5) * 20 });

describe("pixelAt", () => {
  it("hit-tests every pixel of the crop box, up to its edges", () => {
    for (let column = 3; column < 11; column++) {
      for (let row = 2; row < 6; row++) {
        const { clientX, clientY } = onPage(column, row);
        for (const off of [-9.9, 0, 9.9]) assert.deepEqual(pixelAt(BOUNDS, BOX, { clientX: clientX + off, clientY: clientY + off }), [column, row]);
      }
    }
  });

  it("is null outside the canvas", () => {
    for (const pixel of [[2, 3], [11, 3], [4, 1], [4, 6]]) assert.equal(pixelAt(BOUNDS, BOX, onPage(pixel[0], pixel[1])), null);
  });
});

describe("movedVoxel", () => {
  for (const orientation of ORIENTATIONS) {
    it(`moves by one pixel on the screen, whatever the orientation (${JSON.stringify(orientation)})`, () => {
      const own = config(orientation);
      const [column, row] = toScreen(own, [5, 5, 1]);
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        const moved = movedVoxel(own, 2, [5, 5, 1], dx, dy);
        assert.equal(moved[2], 2);
        const clamped = [Math.min(Math.max(column + dx, 3), 10), Math.min(Math.max(row + dy, 2), 5)];
        assert.deepEqual(toScreen(own, moved), clamped);
      }
    });
  }

  it("stays inside the crop box", () => {
    const own = config({ flipX: false, flipY: false });
    assert.deepEqual(movedVoxel(own, 0, [3, 2, 0], -1, 0), [3, 2, 0]);
    assert.deepEqual(movedVoxel(own, 0, [10, 5, 0], 0, 1), [10, 5, 0]);
  });

  it("starts in the middle of the slice where no voxel is chosen", () => {
    const own = config({ flipX: false, flipY: false });
    for (const [dx, dy] of [[1, 0], [0, -1]]) assert.deepEqual(movedVoxel(own, 1, null, dx, dy), [7, 4, 1]);
  });
});

/** @type {any} */
let player;
/** Methods of the player that were called, with their arguments. @type {unknown[][]} */
let calls;
/** @type {FakeCanvas} */
let canvas;

beforeEach(() => {
  calls = [];
  canvas = new FakeCanvas(BOUNDS);
  const record = (/** @type {string} */ name) => (/** @type {unknown[]} */ ...options) => { calls.push([name, ...options]); };
  const names = ["showReadout", "showWindow", "chooseVoxel", "goToSlice", "goToFrame", "step", "play", "showMaximum", "usePreset"];
  player = {
    renderer: { canvas }, windows: new CtWindows(), config: config({ flipX: false, flipY: false }), z: 2, voxel: [5, 4, 2], maximum: false,
    playback: { playing: false }, canUse: (/** @type {WindowPreset} */ { quantity }) => player.config.hu || quantity !== "frame",
    ...Object.fromEntries(names.map((name) => [name, record(name)])),
  };
  bindPointer(player);
  bindKeys(player);
});

describe("bindPointer", () => {
  it("a tap selects the voxel under it", () => {
    const { clientX, clientY } = onPage(6, 3);
    canvas.send("pointerdown", { button: 0, pointerId: 1, clientX, clientY });
    canvas.send("pointermove", { clientX: clientX + 2, clientY: clientY + 2 });
    canvas.send("pointerup", { clientX, clientY });
    assert.deepEqual(calls, [["chooseVoxel", [6, 3, 2]]]);
  });

  it("a drag sets the window relative to its start and selects no voxel", () => {
    const { width, centre } = player.windows.level;
    canvas.send("pointerdown", { button: 0, pointerId: 1, clientX: 120, clientY: 60 });
    for (const clientX of [140, 200, 160]) canvas.send("pointermove", { clientX, clientY: 80 });
    canvas.send("pointerup", { clientX: 160, clientY: 80 });
    assert.deepEqual(player.windows.level, { centre: centre + (20 / 80) * width, width: width * (1 + 40 / 160) });
    assert.deepEqual(calls.map(([name]) => name), Array(3).fill("showWindow"));
  });

  it("ignores other buttons and a press that the browser cancels", () => {
    canvas.send("pointerdown", { button: 2, ...onPage(6, 3) });
    canvas.send("pointerup", onPage(6, 3));
    canvas.send("pointerdown", { button: 0, ...onPage(6, 3) });
    canvas.send("pointercancel");
    canvas.send("pointerup", onPage(6, 3));
    assert.deepEqual(calls, []);
  });

  it("reads out the pixel under a pointer that is not pressed", () => {
    canvas.send("pointermove", onPage(6, 3));
    canvas.send("pointerleave");
    assert.deepEqual(calls, [["showReadout", [6, 3]], ["showReadout", null]]);
  });

  it("changes the slice by the wheel and does not scroll the page", () => {
    assert.ok(canvas.send("wheel", { deltaY: -120 }));
    assert.ok(canvas.send("wheel", { deltaY: 3 }));
    assert.deepEqual(calls, [["goToSlice", 3], ["goToSlice", 1]]);
  });
});

describe("bindKeys", () => {
  /** @type {[object, unknown[]][]} */
  const actions = [
    [{ key: "ArrowLeft" }, ["step", -1]], [{ key: "ArrowRight" }, ["step", 1]],
    [{ key: "ArrowUp" }, ["goToSlice", 3]], [{ key: "ArrowDown" }, ["goToSlice", 1]],
    [{ key: "PageUp" }, ["goToSlice", 3]], [{ key: "PageDown" }, ["goToSlice", 1]],
    [{ key: "Home" }, ["goToFrame", 0]], [{ key: "End" }, ["goToFrame", 29]],
    [{ key: " " }, ["play", true]], [{ key: "M" }, ["showMaximum", true]],
    [{ key: "ArrowLeft", shiftKey: true }, ["chooseVoxel", [4, 4, 2]]],
    [{ key: "ArrowDown", shiftKey: true }, ["chooseVoxel", [5, 5, 2]]],
    ...PRESETS.map(({ name }, i) => /** @type {[object, unknown[]]} */ ([{ key: String(i + 1) }, ["usePreset", name]])),
  ];
  for (const [event, call] of actions) {
    it(`${JSON.stringify(event)} calls ${call[0]}`, () => {
      assert.ok(canvas.send("keydown", event));
      assert.deepEqual(calls, [call]);
    });
  }

  it("leaves other keys, and those with Ctrl, Meta or Alt, to the browser", () => {
    for (const event of [{ key: "x" }, { key: "9" }, { key: "Tab" }, { key: "m", ctrlKey: true }, { key: "1", metaKey: true }, { key: "ArrowLeft", altKey: true }]) {
      assert.equal(canvas.send("keydown", event), false);
    }
    assert.deepEqual(calls, []);
  });

  it("takes keys of the page where nothing has the focus, until the player is closed", () => {
    const page = /** @type {any} */ (new EventTarget());
    page.body = page;
    const press = (/** @type {string} */ key) => page.dispatchEvent(Object.assign(new Event("keydown", { cancelable: true }), { key }));
    const unbind = bindPageKeys(player, page);
    assert.deepEqual([press("ArrowUp"), press("PageDown"), press(" "), press("x")], [false, true, true, true]);
    page.body = null; // a field has the focus
    assert.ok(press("ArrowUp"));
    page.body = page;
    unbind();
    assert.ok(press("ArrowUp"));
    assert.deepEqual(calls, [["goToSlice", 3]]);
  });

  it("has no frame-window keys where the series is not in HU", () => {
    player.config.hu = false;
    for (const [i, { quantity }] of PRESETS.entries()) assert.equal(canvas.send("keydown", { key: String(i + 1) }), quantity !== "frame");
    assert.equal(calls.length, PRESETS.filter(({ quantity }) => quantity !== "frame").length);
  });
});
