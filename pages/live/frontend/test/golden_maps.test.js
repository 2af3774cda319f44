// Maps that the browser derives, against those of perfcore.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VolumeDifference } from "../map/volume_difference.js";
import { VolumeStore } from "../map/volume_store.js";
import { assertClose, golden, needsGolden, numbers } from "./golden_values.js";

describe("maps of a volume", needsGolden, () => {
  const settings = golden?.maps;
  /** @param {{cbf: number[], tmax: number[], reference: number}} flow */
  function volume({ cbf, tmax, reference }) {
    const { area, ttp, starts, cbvPerRatio, core, tmaxLimit, slope, aifArea } = settings;
    const opened = /** @type {any} */ ({
      slices: starts.length - 1, cbvPerRatio, dt: 1,
      arrays: { starts: Uint32Array.from(starts), area: Float32Array.from(area), ttp: Float32Array.from(ttp) },
    });
    const maps = { cbf: Float32Array.from(cbf), tmax: Float32Array.from(tmax), ref: reference, aifArea };
    return VolumeStore.of(opened, { ...maps, thresholds: { core, tmax: tmaxLimit }, slope });
  }

  it("equal perfcore's, slice by slice", () => {
    for (const flow of settings.flows) {
      const store = volume(flow);
      for (const [name, values] of Object.entries(flow.maps)) {
        const expected = numbers(values);
        const size = Math.max(...expected.filter(Number.isFinite).map(Math.abs));
        for (let z = 0; z < settings.starts.length - 1; z++) {
          const [from, to] = store.range(z);
          assertClose(store.field(name, z), expected.slice(from, to), 2e-6 * size);
          if (to > from) assertClose([store.at(name, from, z)], [expected[from]], 2e-6 * size);
        }
      }
    }
  });

  it("have perfcore's core and hypoperfused tissue, voxel by voxel", () => {
    for (const flow of settings.flows) {
      const store = volume(flow);
      for (const kind of /** @type {const} */ (["core", "hypoperfused"])) {
        const found = settings.starts.slice(1).flatMap((/** @type {number} */ _, /** @type {number} */ z) => [.../** @type {Uint8Array} */ (store.lesion(kind, z))]);
        assert.deepEqual(found, flow[kind]);
      }
    }
  });

  it("differ, B minus A, in a window that holds 98 % of the voxels", () => {
    const [a, b] = settings.flows.map(volume);
    const difference = new VolumeDifference({ a, b });
    const all = settings.starts.slice(1).flatMap((/** @type {number} */ _, /** @type {number} */ z) => [...difference.field("cbf", z)]);
    assertClose(all, settings.difference, 1e-4);
    const end = difference.windowEnd("cbf", 0);
    const part = settings.difference.filter((/** @type {number} */ value) => Math.abs(value) <= end).length / all.length;
    assert.ok(part >= 0.98, `${part}`);
    assert.ok(end <= 2.5 * settings.quantile, `${end} is too wide for ${settings.quantile}`);
    assert.equal(difference.windowEnd("cbf", 1000), 1000);
  });
});
