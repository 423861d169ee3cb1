import assert from "node:assert/strict";
import test from "node:test";

import { progress, hintLabel } from "../../workbench/widgets/checkpoint/widget.js";

test("progress counts what passed", () => {
  assert.equal(progress([{ passed: true }, { passed: false }]), "1 of 2 cases passed");
  assert.equal(progress([{ passed: true }]), "All 1 case passed");
  assert.equal(progress([]), "0 of 0 cases passed");
});

test("hints come one at a time and end", () => {
  assert.equal(hintLabel(0, 3), "A hint, 1 of 3");
  assert.equal(hintLabel(2, 3), "Another hint, 3 of 3");
  assert.equal(hintLabel(3, 3), "");
  assert.equal(hintLabel(0, 0), "");
});
