import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { FakeClock } from "./fake_clock.js";
import { FakeSocket, sockets } from "./fake_socket.js";

/** @import { Edit, Request } from "../types.js" */

/** @type {FakeClock} */
let clock;
let load = 0;

/** A socket of a freshly loaded module: failures in a row are counted by the module. */
async function connect() {
  const { LiveSocket } = await import(`../transport/socket.js?${++load}`);
  /** @type {{frames: any[], statuses: string[], reruns: any[], error: unknown}} */
  const seen = { frames: [], statuses: [], reruns: [], error: null };
  const live = new LiveSocket({
    firstRequest: () => ({ type: "case", have: "k" }),
    onFrame: (/** @type {any} */ frame) => seen.frames.push(frame),
    onStatus: (/** @type {string} */ status) => seen.statuses.push(status),
    sendByRerun: (/** @type {any} */ message) => seen.reruns.push(message),
  });
  live.configure({ token: "secret", path: "live/socket" });
  return { live, seen };
}

/** @param {number} seq @returns {Edit} */
const edit = (seq, epoch = 1) => ({ epoch, seq, flags: 0, slice: 0, curve: Float32Array.of(0, 1) });
const newest = () => /** @type {FakeSocket} */ (sockets.at(-1));

async function connected() {
  const all = await connect();
  newest().accept();
  newest().answer({ kind: "case", epoch: 1 });
  return all;
}

beforeEach(() => {
  sockets.length = 0;
  clock = new FakeClock().install();
  Object.assign(globalThis, { WebSocket: FakeSocket, document: { baseURI: "https://host.example/base/lab" } });
});
afterEach(() => clock.restore());

describe("connection", () => {
  it("opens with the token and the first request, over wss on a secure page", async () => {
    const { live, seen } = await connect();
    assert.equal(newest().url, "wss://host.example/base/live/socket");
    newest().accept();
    assert.deepEqual(newest().requests, [{ token: "secret" }, { type: "case", have: "k" }]);
    assert.equal(live.status, "connecting");
    newest().answer({ kind: "case", epoch: 1 });
    assert.deepEqual(seen.statuses, ["live"]);
    assert.equal(seen.frames[0].kind, "case");
  });

  it("keeps an open socket when the same session is configured again", async () => {
    const { live } = await connected();
    live.configure({ token: "secret", path: "live/socket" });
    assert.equal(sockets.length, 1);
    live.configure({ token: "another", path: "live/socket" });
    assert.equal(sockets.length, 2);
    assert.equal(sockets[0].readyState, 3);
  });

  it("reconnects after a loss with increasing backoff", async () => {
    const { seen } = await connected();
    newest().drop();
    assert.deepEqual(seen.statuses, ["live", "reconnecting"]);
    clock.advance(499);
    assert.equal(sockets.length, 1);
    clock.advance(1);
    assert.equal(sockets.length, 2);
    newest().drop();
    clock.advance(999);
    assert.equal(sockets.length, 2);
    clock.advance(1);
    assert.equal(sockets.length, 3);
  });

  it("treats a socket without a frame for 15 s as lost (timeout)", async () => {
    await connect();
    newest().accept();
    clock.advance(14_999);
    assert.equal(sockets.length, 1);
    clock.advance(1 + 500);
    assert.equal(sockets.length, 2);
  });

  it("has no timeout while no frame is pending", async () => {
    await connected();
    clock.advance(3_600_000);
    assert.equal(sockets.length, 1);
  });

  it("does not reconnect after close", async () => {
    const { live } = await connected();
    newest().drop();
    live.close();
    clock.advance(60_000);
    assert.equal(sockets.length, 1);
  });
});

describe("edits", () => {
  it("sends one edit at a time, then the latest (back-pressure)", async () => {
    const { live } = await connected();
    for (const seq of [1, 2, 3, 4]) live.edit(edit(seq));
    assert.deepEqual(newest().edits, [1]);
    newest().answer({ kind: "slice", epoch: 1, seq: 1 });
    assert.deepEqual(newest().edits, [1, 4]);
    newest().answer({ kind: "slice", epoch: 1, seq: 4 });
    assert.deepEqual(newest().edits, [1, 4]);
  });

  it("is not acknowledged by the answer to an older edit", async () => {
    const { live } = await connected();
    live.edit(edit(5));
    live.edit(edit(6));
    newest().answer({ kind: "volume", epoch: 1, seq: 4 });
    assert.deepEqual(newest().edits, [5]);
    newest().answer({ kind: "volume", epoch: 1, seq: 5 });
    assert.deepEqual(newest().edits, [5, 6]);
  });

  for (const frame of [{ kind: "error", message: "no" }, { kind: "case", epoch: 2 }, { kind: "stale", epoch: 2, seq: 1 }]) {
    it(`sends the next edit after a frame of kind ${frame.kind}`, async () => {
      const { live } = await connected();
      live.edit(edit(1));
      live.edit(edit(2, 2));
      newest().answer(frame);
      assert.deepEqual(newest().edits, [1, 2]);
    });
  }

  it("waits for the first frame of a connection", async () => {
    const { live } = await connect();
    newest().accept();
    live.edit(edit(1));
    assert.deepEqual(newest().edits, []);
    newest().answer({ kind: "case", epoch: 1 });
    assert.deepEqual(newest().edits, [1]);
  });

  it("is resent after a loss, unless a newer one is queued", async () => {
    const { live } = await connected();
    live.edit(edit(1));
    newest().drop();
    clock.advance(500);
    newest().accept();
    newest().answer({ kind: "case", epoch: 1 });
    assert.deepEqual(newest().edits, [1]);
    live.edit(edit(2));
    newest().drop();
    clock.advance(500);
    newest().accept();
    newest().answer({ kind: "case", epoch: 1 });
    assert.deepEqual(newest().edits, [2]);
  });
});

describe("rerun transport (fallback)", () => {
  async function withoutSockets() {
    const all = await connect();
    for (let i = 0; i < 5; i++) {
      newest().drop();
      clock.advance(8000);
    }
    return all;
  }

  it("starts after five failures and is used once Streamlit answers", async () => {
    const { live, seen } = await withoutSockets();
    assert.deepEqual(seen.reruns, [{}]);
    assert.equal(live.status, "reconnecting");
    live.receiveByRerun([{ kind: "case", epoch: 1 }]);
    assert.equal(live.status, "fallback");
    live.edit(edit(1));
    assert.deepEqual(seen.reruns[1], { ...edit(1), curve: [0, 1] });
    live.request(/** @type {Request} */ ({ type: "probe", voxel: [1, 2, 3] }));
    assert.equal(seen.reruns.length, 2);
    live.receiveByRerun([{ kind: "volume", epoch: 1, seq: 1 }]);
    assert.deepEqual(seen.reruns[2], { request: { type: "probe", voxel: [1, 2, 3] } });
  });

  it("ends with the first frame of a socket, which takes over unanswered requests", async () => {
    const { live } = await withoutSockets();
    live.receiveByRerun([{ kind: "case", epoch: 1 }]);
    live.request({ type: "fit", curve: [0, 1] });
    newest().accept();
    newest().answer({ kind: "case", epoch: 1 });
    assert.equal(live.status, "live");
    assert.deepEqual(newest().requests.at(-1), { type: "fit", curve: [0, 1] });
  });
});
