import assert from "node:assert/strict";
import test from "node:test";

import { read, shown } from "../../workbench/widgets/panel/widget.js";

test("a control gives back the type that Python gave", () => {
  assert.equal(read({ kind: "range" }, { value: "3" }), 3);
  assert.equal(read({ kind: "checkbox" }, { checked: false, value: "on" }), false);
  assert.equal(read({ kind: "select" }, { value: "tree" }), "tree");
});

test("a number is shown with the digits of its step", () => {
  assert.equal(shown(0.25, 0.01), "0.25");
  assert.equal(shown(300, 1), "300");
});
