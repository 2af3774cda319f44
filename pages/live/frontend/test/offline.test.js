// The page's own session: edits, start AIFs and snapshots without a server.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, it } from "node:test";
import { FLAG_REST, unpack } from "../common/wire.js";
import { packCurve } from "../common/packed_curve.js";
import { packFrame } from "../offline/pack_frame.js";
import { measureRegion } from "../offline/region_answer.js";
import { PageSession, setSession } from "../offline/session.js";
import { carryOut } from "../offline/snapshot_commands.js";
import { LiveSocket } from "../offline/socket.js";
import { Tissue } from "../offline/tissue.js";
import { FakeServer, FakeWorker, until } from "./fake_engine.js";

/** @import { SnapshotCommand } from "../types.js" */

const bolus = Float32Array.of(0, 0, 5, 10, 6, 3, 2, 1);
const other = Float32Array.of(0, 3, 9, 6, 3, 2, 1, 1);
const startNumbers = { core_ml: 1, hypoperfused_ml: 2, mismatch_ml: 1, mismatch_ratio: 2, reference_cbf: 40, dice: null, auc: null };
/** Coefficients of the two voxels of a slice. */
const slice = Int16Array.from({ length: 16 }, (_, i) => 1 + (i % 5));
/** @type {PageSession} */
let session;
let nCommands = 0;

/** Frames of a file whose coefficients the stand-in for a server sends. */
function frames() {
  const vectors = Float32Array.from({ length: 64 }, (_, i) => (Math.floor(i / 8) === i % 8 ? 1 : 0));
  return /** @type {any} */ ({
    config: {
      kind: "config", start: "a", sources: [{ id: "a", label: "A" }, { id: "b", label: "B" }], thresholds: { core: 0.38, tmax: 6 },
      deconvolution: "circulant", regularization: "tikhonov", discretization: "volterra", lambda: 0.3, tmaxReference: "absolute",
    },
    opened: {
      kind: "case", key: "case", name: "case", dt: 1, slices: 3, firstSlice: 1, grid: [2, 1, 3], aifVoxels: [[0, 0, 1]], startNumbers,
      arrays: { start: bolus, starts: Uint32Array.of(0, 2, 4, 6), pixel: Uint32Array.of(0, 1, 0, 1, 0, 1) },
    },
    basis: { kind: "basis", q: 8, cbfPerK: 4000, voxelMl: 0.1, lesionVoxels: 0, arrays: { vectors, reference: Uint8Array.of(1, 0, 1, 1, 0, 1), sample: slice } },
    sources: { kind: "sources", voxels: { b: [[1, 0, 2]] }, arrays: { a: bolus, b: other } },
  });
}

/** A socket with what it has sent; `last` is the latest frame. */
function connect() {
  /** @type {{frames: any[], statuses: string[]}} */
  const seen = { frames: [], statuses: [] };
  const socket = new LiveSocket({
    firstRequest: () => ({ type: "case" }), onFrame: (frame) => seen.frames.push(frame),
    onStatus: (status) => seen.statuses.push(status), sendByRerun: () => assert.fail("sent"),
  });
  socket.configure();
  return { socket, seen, of: (/** @type {string} */ kind) => seen.frames.filter((frame) => frame.kind === kind) };
}

/** @param {SnapshotCommand} command */
const command = (command) => carryOut(session, [{ ...command, id: ++nCommands }]);
const edit = (/** @type {number} */ seq, curve = bolus) => ({ epoch: 1, seq, flags: FLAG_REST, slice: 1, curve });

beforeEach(() => {
  new FakeServer(readFileSync(new URL("../engine/peak.wasm", import.meta.url)), bolus.length).install();
  FakeWorker.install();
  session = new PageSession(frames(), { title: "Case", checksum: "abc" }, async () => slice);
  setSession(session);
});
afterEach(() => session.volumes.close());

describe("socket of the page", () => {
  it("opens the case at once, with its start AIF", async () => {
    const { seen, of, socket } = connect();
    await until(() => of("case").length);
    assert.deepEqual(seen.statuses, ["offline"]);
    assert.equal(of("case")[0].curveKey, "abc|a");
    assert.deepEqual([...of("case")[0].arrays.start], [...bolus]);
    socket.configure();
    assert.equal(seen.statuses.length, 1);
  });

  it("answers an edit at rest by the whole volume, with numbers and those of the start", async () => {
    const { socket, of } = connect();
    socket.edit(edit(7, other));
    await until(() => of("volume").length);
    assert.deepEqual(of("slice").map(({ seq, z, arrays }) => [seq, z, arrays.cbf.length]), [[7, 1, 2]], "before the whole case");
    const [{ seq, arrays, numbers, start, ref }] = of("volume");
    assert.equal(seq, 7);
    assert.equal(arrays.cbf.length, 6);
    assert.equal(numbers.reference_cbf, ref);
    assert.deepEqual(start, startNumbers);
    assert.deepEqual(session.curve, other);
  });

  it("computes the latest of several edits, in order", async () => {
    const { socket, of } = connect();
    for (const seq of [1, 2, 3]) socket.edit(edit(seq));
    await until(() => of("volume").at(-1)?.seq === 3);
    assert.deepEqual(of("volume").map(({ seq }) => seq), [1, 3]);
  });

  it("names a curve that gives no maps by its edit, and goes on", async () => {
    const { socket, of } = connect();
    socket.edit(edit(1, Float32Array.of(0, -1, 0, 0, 0, 0, 0, 0)));
    await until(() => of("error").length);
    assert.equal(of("error")[0].seq, 1);
    assert.match(of("error")[0].message, /no positive bolus/);
    socket.edit(edit(2));
    await until(() => of("volume").length);
  });

  it("sends nothing after it is closed", async () => {
    const { socket, seen, of } = connect();
    await until(() => of("case").length);
    socket.edit(edit(1));
    socket.close();
    await session.volumes.of(bolus);
    assert.equal(seen.frames.length, 1);
  });
});

describe("start AIFs", () => {
  it("are chosen by id: another epoch and key, the rest of the case is not sent again", async () => {
    session.select("b");
    const frame = session.caseFrame("case");
    assert.equal(session.configFrame().epoch, 2);
    assert.deepEqual([frame.epoch, frame.curveKey, frame.aifVoxels], [2, "abc|b", [[1, 0, 2]]]);
    assert.deepEqual(Object.keys(frame.arrays), ["start"]);
    assert.ok("pixel" in session.caseFrame(null).arrays);
    const { numbers } = await session.volumes.of(other);
    assert.deepEqual(await session.startNumbers(), numbers);
    session.select("unknown");
    assert.equal(session.startId, "b");
  });

  it("come from a CSV file, or a notice says why not", () => {
    const csv = (/** @type {string} */ text) => session.addCsv(new TextEncoder().encode(text));
    csv("time_s,value\n0,0\n7,5\n");
    assert.equal(session.startId, "file-1");
    assert.equal(session.configFrame().sources.at(-1)?.label, "File 1");
    assert.match(session.notice?.text ?? "", /interpolated/);
    csv("time_s,value\n0,0\n3,5\n");
    assert.equal(session.startId, "file-1");
    assert.match(session.notice?.text ?? "", /cannot be used: The AIF covers 0 to 3 s/);
    session.addCsv(Uint8Array.of(0xff, 0xfe));
    assert.match(session.notice?.text ?? "", /not a text table/);
  });
});

describe("snapshots", () => {
  it("are kept with numbers, renamed, removed, and carried out once", async () => {
    await command({ act: "keep", name: " first\n one ", curve: packCurve(bolus) });
    await command({ act: "keep", name: "", curve: packCurve(other) });
    await carryOut(session, [{ act: "keep", name: "again", curve: packCurve(bolus), id: nCommands }]);
    const [first, second] = session.shelf.rows();
    assert.deepEqual([first.name, second.name], ["first one", "Snapshot 2"]);
    assert.equal(session.shelf.rows().length, 2);
    const b = await session.volumes.of(other);
    assert.equal(second.numbers.reference_cbf, b.numbers.reference_cbf);
    await command({ act: "rename", number: 2, name: "late" });
    await command({ act: "delete", number: 1 });
    assert.deepEqual(session.shelf.rows().map(({ name }) => name), ["late"]);
    await command({ act: "delete", number: 1 });
    assert.match(session.notice?.text ?? "", /does not exist/);
  });

  it("are restored with the start AIF that they were made with", async () => {
    await command({ act: "keep", name: "", curve: packCurve(other) });
    session.select("b");
    await command({ act: "restore", number: 1 });
    assert.equal(session.startId, "a");
    assert.deepEqual(session.shelfHeader().wanted?.curveKey, "abc|a");
    assert.deepEqual([...session.wanted?.curve ?? []], [...other]);
  });

  it("come back after a reload, but not to another file", async () => {
    await command({ act: "keep", name: "mine", curve: packCurve(other) });
    const rows = session.shelf.rows();
    for (const [checksum, n] of /** @type {const} */ ([["abc", 1], ["another", 0]])) {
      const reloaded = new PageSession(frames(), { title: "Case", checksum });
      await carryOut(reloaded, [{ act: "bring", rows, id: 1 }]);
      assert.equal(reloaded.shelf.rows().length, n);
      if (n) assert.deepEqual([...reloaded.shelf.get(1).curve], [...other]);
      reloaded.volumes.close();
    }
  });

  it("have maps for the comparison", async () => {
    const { socket, of } = connect();
    await command({ act: "keep", name: "", curve: packCurve(other) });
    socket.request({ type: "snapshot", number: 1 });
    await until(() => of("snapshot").length);
    const { cbf } = await session.volumes.of(other);
    assert.deepEqual(of("snapshot")[0].arrays.cbf, cbf);
    assert.equal(of("snapshot")[0].aifArea, 25);
  });
});

describe("region of interest", () => {
  it("has the voxels inside it and its mirror, their curves, and the maps that do not follow the AIF", async () => {
    const opened = /** @type {any} */ ({
      rows: 1, columns: 4, swap: false, flipX: true, flipY: false,
      arrays: {
        starts: Uint32Array.of(0, 1, 5), pixel: Uint32Array.of(2, 0, 1, 2, 3), ttp: Float32Array.of(9, 1, 2, 4, 8),
        baseline: Int16Array.of(0, 0, 0, 0, 30, 31, 33, 36), mirror: Float32Array.of(1, 0, 0, 0, 1, 0, -1, 0, 3, 0, 1, 0),
      },
    });
    const vectors = Float32Array.of(1, 0, 0, 1);
    const basis = /** @type {any} */ ({ q: 2, voxelMl: 0.5, arrays: { vectors } });
    const tissue = new Tissue(opened, basis, async () => Int16Array.of(1, 2, 3, 4, 10, 20, 30, 40));
    const config = /** @type {any} */ ({ maps: { cbf: {}, ttp: { static: true }, ct: { static: true, case_array: "baseline" } } });
    const frame = await measureRegion({ opened, tissue, config, basis }, { number: 5, slice: 1, vertices: [[-0.5, -0.5], [1.5, -0.5], [1.5, 0.5], [-0.5, 0.5]] });
    assert.deepEqual([...frame.arrays.region], [3, 4]); // columns run against x
    assert.deepEqual([...frame.arrays.mirror], [1, 2]);
    assert.deepEqual([...frame.arrays.regionCurve ?? []], [3.5, 35]);
    assert.deepEqual([...frame.arrays.mirrorCurve ?? []], [1.5, 15]);
    assert.deepEqual([frame.fixed.region.ttp.mean, frame.fixed.mirror.ct.mean], [6, 30.5]);
    assert.deepEqual(Object.keys(frame.fixed.region), ["ttp", "ct"]);
    assert.equal(frame.number, 5);
  });
});

describe("frames of the page", () => {
  it("are read as those of a server", () => {
    const arrays = { a: Float32Array.of(1.5, NaN), b: Uint8Array.of(1, 2, 3), c: new Int16Array(0), d: Uint32Array.of(2 ** 32 - 1) };
    const [frame] = unpack(packFrame({ kind: "x", text: "λ" }, arrays));
    assert.deepEqual(frame, { kind: "x", text: "λ", arrays });
  });
});
