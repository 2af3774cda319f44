import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inOrder, PLUGINS } from "../plugins.js";

describe("inOrder", () => {
  it("sorts plugins topologically, for any order of the list", () => {
    for (const list of [PLUGINS, [...PLUGINS].reverse()]) {
      const names = inOrder(list).map(({ name }) => name);
      assert.equal(names.length, PLUGINS.length);
      for (const { name, needs = [] } of list) for (const other of needs) assert.ok(names.indexOf(other) < names.indexOf(name));
    }
  });

  it("throws for a missing dependency, a cycle and a duplicate name", () => {
    assert.throws(() => inOrder([{ name: "a", needs: ["b"] }]), /a needs b/);
    assert.throws(() => inOrder([{ name: "a", needs: ["b"] }, { name: "b", needs: ["a"] }]), /a → b → a/);
    assert.throws(() => inOrder([{ name: "a" }, { name: "a" }]), /same name/);
  });
});
