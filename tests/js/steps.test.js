import assert from "node:assert/strict";
import test from "node:test";

import { after, place } from "../../workbench/widgets/steps/widget.js";

test("a step says which one it is", () => assert.equal(place(1, 6), "step 2 of 6"));

test("keys lead to neighbours and ends, never beyond", () => {
  assert.deepEqual(["ArrowRight", "ArrowLeft", "Home", "End", "a"].map((key) => after(1, key, 3)), [2, 0, 0, 2, null]);
  assert.equal(after(2, "ArrowRight", 3), 2);
});
