// The handles that a finger is shown.
import assert from "node:assert/strict";
import { test } from "node:test";
import { handlesApart } from "../curve/aif_editor.js";

/** Points of a curve, 5 pixels apart, with a steep rise. */
const places = Array.from({ length: 60 }, (_, i) => ({ x: 5 * i, y: i < 12 ? 200 : 200 - 180 * Math.exp(-(((i - 20) / 6) ** 2)) }));

test("handles for fingers are apart, the peak is one of them, and every point is near one", () => {
  const kept = [...handlesApart(places, 20, 24)].sort((a, b) => a - b);
  assert.ok(kept.includes(20));
  for (let i = 1; i < kept.length; i++) {
    const [a, b] = [places[kept[i - 1]], places[kept[i]]];
    assert.ok(Math.hypot(a.x - b.x, a.y - b.y) >= 24);
  }
  assert.ok(places.every((_, i) => kept.some((k) => Math.abs(k - i) <= 5)));
});

test("points that are far apart are all shown", () => {
  assert.equal(handlesApart(places.map(({ y }, i) => ({ x: 30 * i, y })), 20, 24).size, 60);
});
