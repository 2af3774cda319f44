import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { FakeClock } from "./fake_clock.js";
import { Events } from "../events.js";
import { CommandQueue } from "../transport/command_queue.js";
import { CommitDebounce } from "../transport/commit_debounce.js";
import { RerunTransport } from "../transport/rerun_transport.js";
import { Stream } from "../transport/streams.js";

/** @import { ConnectionStatus, LabEvents, QueuedCommand, Request, RerunMessage } from "../types.js" */

/** @type {FakeClock} */
let clock;
beforeEach(() => { clock = new FakeClock().install(); });
afterEach(() => clock.restore());

describe("CommitDebounce", () => {
  it("sends the last commit after the debounce interval", () => {
    /** @type {unknown[]} */
    const sent = [];
    let busy = false;
    const debounce = new CommitDebounce((commit) => sent.push(commit.key), () => busy);
    debounce.schedule({ key: "a", value: [] });
    clock.advance(600);
    debounce.schedule({ key: "b", value: [] });
    busy = true;
    clock.advance(700);
    assert.deepEqual(sent, []);
    busy = false;
    clock.advance(700);
    assert.deepEqual(sent, ["b"]);
    clock.advance(10_000);
    assert.deepEqual(sent, ["b"]);
  });

  it("sends nothing after cancel", () => {
    const debounce = new CommitDebounce(() => assert.fail("sent"), () => false);
    debounce.schedule({ key: "a", value: [] });
    debounce.cancel();
    clock.advance(10_000);
    debounce.flush();
  });
});

describe("CommandQueue", () => {
  it("resends a command until it is acknowledged", () => {
    /** @type {QueuedCommand[][]} */
    const sent = [];
    const send = (/** @type {QueuedCommand[]} */ commands) => { sent.push([...commands]); };
    const queue = CommandQueue.of("one");
    queue.push({ act: "delete", number: 1 }, send);
    clock.advance(2500);
    assert.equal(sent.length, 2);
    queue.push({ act: "delete", number: 2 }, send);
    const [first, second] = sent[2];
    assert.ok(second.id > first.id);
    queue.acknowledge(first.id, send);
    clock.advance(150);
    assert.deepEqual(sent[3], [second]);
    queue.acknowledge(second.id, send);
    clock.advance(60_000);
    assert.equal(sent.length, 4);
  });

  it("re-queues unacknowledged snapshots of an ended session for the next one, once", () => {
    const dead = CommandQueue.of("dead");
    dead.push({ act: "keep", name: "n", curve: "1." }, () => {});
    dead.push({ act: "delete", number: 3 }, () => {});
    assert.deepEqual(CommandQueue.takeOrphans("new").map(({ act }) => act), ["keep"]);
    assert.deepEqual(CommandQueue.takeOrphans("new"), []);
  });
});

describe("RerunTransport", () => {
  /** @type {RerunMessage[]} */
  let sent;
  /** @type {RerunTransport} */
  let transport;
  const edit = (/** @type {number} */ seq) => ({ epoch: 1, seq, flags: 0, slice: 2, curve: Float32Array.of(1, 2) });
  beforeEach(() => {
    sent = [];
    transport = new RerunTransport((message) => sent.push(message));
  });

  it("sends one message at a time, the latest edit before requests", () => {
    transport.request({ type: "fit", curve: [1] });
    transport.edit(edit(1));
    transport.edit(edit(2));
    transport.request({ type: "probe", voxel: [0, 0, 0] });
    transport.request({ type: "probe", voxel: [1, 1, 1] });
    for (let i = 0; i < 4; i++) transport.answered();
    assert.deepEqual(sent, [
      { request: { type: "fit", curve: [1] } },
      { ...edit(2), curve: [1, 2] },
      { request: { type: "probe", voxel: [1, 1, 1] } },
    ]);
  });

  it("resends an unanswered edit, or the newer one in its place", () => {
    transport.edit(edit(1));
    clock.advance(3000);
    transport.edit(edit(2));
    clock.advance(3000);
    assert.deepEqual(sent.map((message) => "seq" in message && message.seq), [1, 1, 2]);
  });

  it("returns unanswered requests when it closes, without those for the case", () => {
    transport.request({ type: "fit", curve: [1] });
    transport.request({ type: "case" });
    transport.request({ type: "snapshot", number: 4 });
    assert.deepEqual(transport.close(), [{ type: "fit", curve: [1] }, { type: "snapshot", number: 4 }]);
    clock.advance(60_000);
    assert.equal(sent.length, 1);
  });
});

describe("Stream", () => {
  function host() {
    /** @type {any[]} */
    const requests = [];
    /** @type {string[]} */
    const notices = [];
    return {
      /** @type {Events<LabEvents>} */
      events: new Events(),
      socket: /** @type {{status: ConnectionStatus}} */ ({ status: "live" }),
      view: { slice: 3, montage: false },
      request: (/** @type {Request} */ request) => { requests.push(request); },
      notice: (/** @type {string} */ text) => { notices.push(text); },
      requests, notices,
    };
  }
  const frame = (/** @type {number} */ run) => /** @type {any} */ ({ kind: "sensitivity", run, arrays: {} });

  it("accepts frames of its current run only and acknowledges them", () => {
    const lab = host();
    /** @type {number[]} */
    const runs = [];
    const stream = new Stream(lab, "sensitivity", { onFrame: ({ run }) => { runs.push(run); stream.acknowledge(); }, onEnd: () => {} });
    stream.start({ quantity: "tmax" });
    const old = lab.requests[0].run;
    assert.deepEqual(lab.requests[0], { type: "stream", of: "sensitivity", act: "start", run: old, viewport: { slice: 3, all: false }, quantity: "tmax" });
    stream.start({});
    const { run } = lab.requests[1];
    assert.ok(run > old);
    lab.events.emit("frame:sensitivity", frame(old));
    lab.events.emit("frame:sensitivity", frame(run));
    assert.deepEqual(runs, [run]);
    assert.equal(lab.requests.at(-1).act, "seen");
  });

  it("reports the server's end message once", () => {
    const lab = host();
    /** @type {(string | null)[]} */
    const ends = [];
    const stream = new Stream(lab, "sensitivity", { onFrame: () => {}, onEnd: (message) => ends.push(message) });
    stream.start({});
    const { run } = lab.requests[0];
    lab.events.emit("frame:sensitivity-end", { run, message: "too few" });
    lab.events.emit("frame:sensitivity-end", { run, message: "too few" });
    assert.deepEqual(ends, ["too few"]);
    stream.stop();
    assert.equal(lab.requests.length, 1, "a stream that has ended is not stopped again");
  });

  it("ends when the connection is lost and does not start without one", () => {
    const lab = host();
    /** @type {(string | null)[]} */
    const ends = [];
    const stream = new Stream(lab, "sensitivity", { onFrame: () => {}, onEnd: (message) => ends.push(message) });
    stream.start({});
    lab.socket.status = "reconnecting";
    lab.events.emit("status", "reconnecting");
    assert.match(String(ends[0]), /connection was lost/);
    assert.equal(stream.start({}), false);
    assert.equal(lab.notices.length, 1);
    assert.equal(stream.open, false);
  });
});
