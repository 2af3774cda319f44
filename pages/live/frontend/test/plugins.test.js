import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inOrder, PLUGINS } from "../plugins.js";

describe("inOrder", () => {
  it("puts every plugin after those that it needs, whatever the list's order", () => {
    for (const list of [PLUGINS, [...PLUGINS].reverse()]) {
      const names = inOrder(list).map(({ name }) => name);
      assert.equal(names.length, PLUGINS.length);
      for (const { name, needs = [] } of list) for (const other of needs) assert.ok(names.indexOf(other) < names.indexOf(name));
    }
  });

  it("refuses a need that is not installed, a cycle and a name used twice", () => {
    assert.throws(() => inOrder([{ name: "a", needs: ["b"] }]), /a needs b/);
    assert.throws(() => inOrder([{ name: "a", needs: ["b"] }, { name: "b", needs: ["a"] }]), /a → b → a/);
    assert.throws(() => inOrder([{ name: "a" }, { name: "a" }]), /same name/);
  });
});
