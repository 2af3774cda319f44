import assert from "node:assert/strict";
import test from "node:test";
import { progressPart, progressText, UploadRequests } from "../upload_requests.js";

/** A request class of a page: it notes what it is asked, and lets a test end it. */
function fakeRequests() {
  return class extends EventTarget {
    upload = new EventTarget();
    /** @type {unknown[]} */
    calls = [];
    /** @param {unknown[]} given */
    open(...given) { this.calls.push(["open", ...given]); }
    /** @param {unknown} body */
    send(body) { this.calls.push(["send", body]); }
  };
}

/** @param {number} loaded @param {number} total */
const progress = (loaded, total) => Object.assign(new Event("progress"), { loaded, total, lengthComputable: true });

test("an upload is told from its first byte to its end, other requests are not", () => {
  const Requests = fakeRequests();
  const observed = new UploadRequests(/** @type {any} */ (Requests));
  /** @type {import("../upload_requests.js").Upload[][]} */
  const told = [];
  const end = observed.listen((uploads) => told.push(uploads));
  const page = new Requests();
  page.open("GET", "http://here/_stcore/health");
  page.send(null);
  assert.deepEqual(told, [[]]);
  const upload = new Requests();
  upload.open("PUT", "http://here/sub/_stcore/upload_file/session/file");
  const body = new FormData();
  body.append("a.nii", new Blob(["12345"]));
  upload.send(body);
  assert.deepEqual(upload.calls.at(-1), ["send", body], "the request itself goes on");
  upload.upload.dispatchEvent(progress(3, 5));
  upload.dispatchEvent(new Event("loadend"));
  upload.upload.dispatchEvent(progress(5, 5));
  assert.deepEqual(told.slice(1), [[{ sent: 0, total: 5 }], [{ sent: 3, total: 5 }], []]);
  end();
  new Requests().open("PUT", "/_stcore/upload_file/x/y");
  assert.equal(told.length, 4);
});

test("progress of several files is of their sum", () => {
  const uploads = [{ sent: 1.2e6, total: 3e6 }, { sent: 0, total: 1e6 }];
  assert.equal(progressText(uploads), "2 files, 1.2 of 4.0 MB");
  assert.equal(progressText([{ sent: 60e6, total: 240e6 }]), "60 of 240 MB");
  assert.equal(progressPart(uploads), 0.3);
  assert.equal(progressPart([{ sent: 0, total: 0 }]), 0);
});
