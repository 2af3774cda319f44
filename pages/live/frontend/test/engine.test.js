// Scheduling of the engine: loading, latest edit wins, healthy reference, agreement with the server.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, it } from "node:test";
import { FLAG_ALL_SLICES, FLAG_REST } from "../common/wire.js";
import { Engine } from "../engine/engine.js";
import { FakeServer, FakeWorker, settle, until, workers } from "./fake_engine.js";

/** @import { EngineFrame } from "../types.js" */

const SETTINGS = { deconvolution: "circulant", regularization: "tikhonov", discretization: "volterra", lambda: 0.3, tmaxReference: "absolute" };
const SLICES = 3;
/** @type {FakeServer} */
let server;
/** @type {{frames: EngineFrame[], statuses: string[], slices: number[], errors: number[], givenUp: string[]}} */
let seen;
/** @type {Engine} */
let engine;
let visible = 1;

const opened = (key = "case#1") => /** @type {any} */ ({
  key, dt: 1, slices: SLICES, arrays: { starts: Uint32Array.of(0, 2, 4, 6) },
});
const bolus = Float32Array.of(0, 0, 5, 10, 6, 3, 2, 1);
const edit = (/** @type {number} */ seq, flags = 0, slice = 1) => ({ epoch: 1, seq, flags, slice, curve: bolus });

let nCases = 0;

function open(key = `case#${nCases}`) {
  engine.configure(SETTINGS);
  engine.open(opened(key), { token: "secret", url: new URL("http://localhost/live/case") });
}

const host = {
  onFrame: (/** @type {EngineFrame} */ frame) => seen.frames.push(frame),
  onStatus: (/** @type {string} */ status, /** @type {number} */ nLoaded) => seen.statuses.push(`${status} ${nLoaded}`),
  onStatic: (/** @type {number} */ z) => seen.slices.push(z),
  onCompared: (/** @type {number} */ error) => seen.errors.push(error),
  onGivenUp: (/** @type {string} */ reason) => seen.givenUp.push(reason),
  visible: () => visible,
  thresholds: () => ({ core: 0.38, tmax: 6 }),
};
const loaded = () => until(() => engine.status === "browser");

beforeEach(() => {
  nCases += 1; // frames are kept by case
  workers.length = 0;
  server = new FakeServer(readFileSync(new URL("../engine/peak.wasm", import.meta.url)), bolus.length).install();
  FakeWorker.install();
  seen = { frames: [], statuses: [], slices: [], errors: [], givenUp: [] };
  visible = 1;
  engine = new Engine(host);
});
afterEach(() => engine.close());

describe("loading a case", () => {
  it("asks for the basis, the visible slice and then its neighbours, each once", async () => {
    visible = 2;
    open();
    await loaded();
    const slices = [2, 1, 0].flatMap((z) => [`static ${z}`, `coefficients ${z}`]);
    assert.deepEqual(server.asked, ["basis", ...slices]);
    assert.deepEqual(seen.slices, [2, 1, 0]);
    assert.deepEqual(seen.statuses.slice(-5, -1), ["loading 0", "loading 1", "loading 2", "browser 3"]);
  });

  it("is not repeated for new settings of the open case, and stops for another one", async () => {
    open();
    await loaded();
    open();
    await settle();
    assert.equal(server.asked.length, 1 + 2 * SLICES);
    const before = [...workers];
    open("another");
    await loaded();
    assert.ok(before.every((worker) => worker.terminated));
    assert.equal(server.asked.length, 2 * (1 + 2 * SLICES));
  });

  it("asks for nothing that another page of the session has loaded", async () => {
    open();
    await loaded();
    engine.close();
    const asked = server.asked.length;
    engine = new Engine(host);
    open();
    await loaded();
    assert.equal(server.asked.length, asked);
  });

  it("goes on after a lost connection", async () => {
    server.lost = 3;
    open();
    await loaded();
    assert.equal(server.asked.length, 1 + 2 * SLICES);
  });

  it("asks again where the server has too many requests", async () => {
    server.busy = 2;
    open();
    await loaded();
    assert.equal(server.asked.length, 1 + 2 * SLICES + 2);
  });

  it("leaves the maps to the server where it is refused", async () => {
    server.refuses = true;
    open();
    await until(() => server.asked.length);
    await settle();
    assert.equal(engine.status, "server");
    assert.equal(engine.edit(edit(1)), false);
  });

  it("loads the static data alone where the server computes the maps", async () => {
    engine.configure(SETTINGS, false);
    engine.open(opened(`case#${nCases}`), { token: "secret", url: new URL("http://localhost/live/case") });
    await until(() => seen.slices.length === SLICES);
    assert.deepEqual(server.asked, ["static 1", "static 0", "static 2"]);
    assert.equal(engine.status, "server");
  });
});

describe("an edit", () => {
  beforeEach(async () => {
    open();
    await loaded();
  });

  it("gives the visible slice, and the numbers of all slices where the start's are known", async () => {
    engine.startNumbers = /** @type {any} */ ({ core_ml: 1 });
    assert.ok(engine.edit(edit(1)));
    await settle();
    assert.deepEqual(seen.frames.map(({ kind, seq, moving }) => [kind, seq, moving]).sort(), [["slice", 1, undefined], ["volume", 1, true]]);
    const [slice] = seen.frames.filter(({ kind }) => kind === "slice");
    assert.equal(slice.arrays.cbf?.length, 2);
    const [numbers] = seen.frames.filter(({ kind }) => kind === "volume");
    assert.equal(numbers.arrays.cbf, undefined, "the numbers alone");
    assert.ok(numbers.numbers && numbers.start);
  });

  it("gives all slices and their exact healthy mean where all are shown, and at rest", async () => {
    for (const flags of [FLAG_ALL_SLICES, FLAG_REST]) {
      seen.frames.length = 0;
      engine.edit(edit(2, flags));
      await settle();
      const [frame] = seen.frames;
      assert.equal(seen.frames.length, 1);
      assert.equal(frame.moving, flags === FLAG_ALL_SLICES);
      const { cbf } = frame.arrays;
      assert.equal(cbf?.length, 6);
      const healthy = [...server.reference].flatMap((is, i) => (is ? [/** @type {Float32Array} */ (cbf)[i]] : []));
      assert.ok(Math.abs(frame.ref - healthy.reduce((a, b) => a + b) / healthy.length) < 1e-6);
    }
  });

  it("waits for the one before, and of those that wait the latest wins", async () => {
    for (let seq = 1; seq <= 5; seq++) engine.edit(edit(seq));
    await settle();
    assert.deepEqual(seen.frames.filter(({ kind }) => kind === "slice").map(({ seq }) => seq), [1, 5]);
  });

  it("is left to the server without a bolus or with settings that the engine does not have", () => {
    assert.equal(engine.edit({ ...edit(1), curve: new Float32Array(8) }), false);
    engine.configure({ ...SETTINGS, regularization: "oscillation" });
    assert.equal(engine.status, "server");
    assert.equal(engine.edit(edit(1)), false);
    engine.configure(SETTINGS);
    assert.ok(engine.edit(edit(1)));
  });
});

describe("a worker that fails", () => {
  it("leaves the maps to the server", async () => {
    open();
    await loaded();
    for (const worker of workers) worker.onerror?.();
    assert.deepEqual(seen.givenUp, ["failed"]);
    assert.equal(engine.status, "server");
    assert.equal(engine.edit(edit(1)), false);
  });
});

describe("the server's answer at rest", () => {
  const STEP = 2;
  /** The server's answer to an edit. @param {number} factor of the engine's CBF @param {Partial<EngineFrame>} fields @returns {EngineFrame} */
  const confirmation = (factor, fields = {}) => {
    const cbf = seen.frames[0].arrays.cbf?.filter((_, i) => i % STEP === 0).map((value) => value * factor);
    return { ...seen.frames[0], step: STEP, arrays: { cbf }, ...fields };
  };

  beforeEach(async () => {
    open();
    await loaded();
    engine.edit(edit(3, FLAG_REST));
    await settle();
  });

  it("confirms maps that agree within the error of the basis", () => {
    engine.confirm(confirmation(1.0002));
    assert.equal(seen.errors.length, 1);
    assert.ok(seen.errors[0] > 1e-4 && seen.errors[0] < 3e-4);
    assert.equal(engine.status, "browser");
  });

  it("is compared later where it comes first", async () => {
    engine.confirm(confirmation(1.0002, { seq: 4 }));
    assert.deepEqual(seen.errors, []);
    engine.edit(edit(4, FLAG_REST));
    await settle();
    assert.equal(seen.errors.length, 1);
  });

  it("takes the case away from an engine that disagrees", () => {
    engine.confirm(confirmation(1.01));
    assert.deepEqual(seen.givenUp, ["differs"]);
    assert.equal(engine.status, "server");
    assert.equal(engine.edit(edit(4)), false);
  });

  it("is not compared with maps of newer settings", async () => {
    engine.configure({ ...SETTINGS, lambda: 0.35, epoch: 2 });
    engine.edit(edit(4, FLAG_REST));
    await settle();
    engine.confirm(confirmation(1.01, { seq: 4 }));
    assert.deepEqual([seen.errors, engine.status], [[], "browser"]);
    engine.configure({ ...SETTINGS, epoch: 1 });
    engine.edit(edit(5, FLAG_REST));
    await settle();
    engine.confirm(confirmation(1.0002, { seq: 5 }));
    assert.equal(seen.errors.length, 1);
  });

  it("is not compared with another edit, or in the slice that the server sends first", () => {
    engine.confirm(confirmation(1, { kind: "slice" }));
    engine.confirm(confirmation(1, { seq: 99 }));
    assert.deepEqual(seen.errors, []);
  });
});
