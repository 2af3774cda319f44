import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { encode } from "../../../live/frontend/test/fake_socket.js";
import { RequestError, SliceCache } from "../slice_cache.js";

const FRAME_BYTES = 1000;
const CONFIG = { token: "secret", path: "live/series", case: "first" };
const realFetch = globalThis.fetch;

/** @typedef {{url: URL, body: any, aborted: () => boolean, answer: (status?: number, header?: object) => Promise<void>, fail: (error: Error) => void}} Call */
/** @type {Call[]} */
let calls;

beforeEach(() => {
  calls = [];
  const fetch = (/** @type {URL} */ url, /** @type {{body: string, signal: AbortSignal}} */ { body, signal }) => new Promise((resolve, reject) => {
    const request = JSON.parse(body);
    signal.addEventListener("abort", () => reject(signal.reason));
    calls.push({
      url, body: request, aborted: () => signal.aborted, fail: reject,
      answer: async (status = 200, header = { kind: "slice", z: request.slice }) => {
        const bytes = encode(/** @type {any} */ (header), { frames: new Int16Array(FRAME_BYTES / 2), baseline: new Float32Array(1) });
        resolve({ ok: status < 400, status, arrayBuffer: async () => bytes });
        await new Promise(setImmediate);
      },
    });
  });
  Object.assign(globalThis, { fetch, document: { baseURI: "https://host.example/base/cases" } });
});
afterEach(() => { Object.assign(globalThis, { fetch: realFetch }); });

/** Slices that are requested when each of some slices is wanted. @param {SliceCache} cache @param {number[]} wanted */
async function requested(cache, ...wanted) {
  const before = calls.length;
  for (const z of wanted) {
    const { length } = calls;
    const frame = cache.slice(z);
    if (calls.length > length) await calls.at(-1)?.answer();
    assert.equal(/** @type {any} */ (await frame).z, z);
  }
  return calls.slice(before).map(({ body }) => body.slice);
}

function cacheOf(nSlices = 100) {
  const cache = new SliceCache(nSlices * FRAME_BYTES);
  cache.configure(CONFIG);
  return cache;
}

describe("SliceCache", () => {
  it("posts token, case and request to the path relative to the page", async () => {
    const cache = cacheOf();
    const voxel = cache.request({ kind: "voxel", voxel: [1, 2, 3] });
    assert.equal(String(calls[0].url), "https://host.example/base/live/series");
    assert.deepEqual(calls[0].body, { token: "secret", case: "first", kind: "voxel", voxel: [1, 2, 3] });
    await calls[0].answer(200, { kind: "voxel" });
    assert.equal((await voxel).kind, "voxel");
  });

  it("shares one request per slice while it is pending (single flight)", async () => {
    const cache = cacheOf();
    const [one, two] = [cache.slice(4), cache.slice(4)];
    await calls[0].answer();
    assert.equal(await one, await two);
    assert.deepEqual(await requested(cache, 4), []);
  });

  it("evicts least recently used slices above the size limit", async () => {
    const cache = cacheOf(3);
    assert.deepEqual(await requested(cache, 0, 1, 2), [0, 1, 2]);
    assert.deepEqual(await requested(cache, 0, 3), [3]); // 0 was used again, so 1 goes
    assert.deepEqual(await requested(cache, 0, 2, 3), []);
    assert.deepEqual(await requested(cache, 1), [1]);
  });

  it("keeps the newest slice even where it alone exceeds the limit", async () => {
    const cache = cacheOf(0.5);
    assert.deepEqual(await requested(cache, 0, 0, 1, 1, 0), [0, 1, 0]);
  });

  it("rejects with the server's message and status, and requests the slice again at the next use", async () => {
    const cache = cacheOf();
    const slice = cache.slice(9);
    const check = assert.rejects(slice, (error) => {
      assert.ok(error instanceof RequestError);
      assert.deepEqual([error.status, error.message], [422, "There is no slice 10."]);
      return true;
    });
    await calls[0].answer(422, { kind: "error", message: "There is no slice 10." });
    await check;
    assert.deepEqual(await requested(cache, 9), [9]);
  });

  it("requests a slice again after the network failed", async () => {
    const cache = cacheOf();
    const slice = cache.slice(0);
    const check = assert.rejects(slice, TypeError);
    calls[0].fail(new TypeError("Failed to fetch"));
    await check;
    assert.deepEqual(await requested(cache, 0), [0]);
  });

  it("aborts the requests of a case that is left, and keeps none of its slices", async () => {
    const cache = cacheOf();
    await requested(cache, 0);
    const check = assert.rejects(cache.slice(1), { name: "AbortError" });
    cache.configure({ ...CONFIG, case: "second" });
    await check;
    assert.ok(calls[1].aborted());
    assert.deepEqual(await requested(cache, 0, 1), [0, 1]);
    assert.equal(calls.at(-1)?.body.case, "second");
  });

  it("keeps the slices when the page runs again with the same case and another token", async () => {
    const cache = cacheOf();
    await requested(cache, 0);
    cache.configure({ ...CONFIG, token: "newer" });
    assert.deepEqual(await requested(cache, 0, 1), [1]);
    assert.equal(calls.at(-1)?.body.token, "newer");
  });

  it("aborts pending requests when it closes", async () => {
    const cache = cacheOf();
    const check = assert.rejects(cache.slice(0), { name: "AbortError" });
    cache.close();
    await check;
  });
});
