import assert from "node:assert/strict";
import test from "node:test";

import { headline, place, after, described } from "../../workbench/widgets/pair_browser/widget.js";

const PAIR = { one: { id: "p1" }, two: { id: "p2" }, words: ["2 of 64 bits differ", "by hash"] };

test("the headline counts all pairs, the line below those on show", () => {
  assert.equal(headline(0), "No pair lies on both sides");
  assert.equal(headline(1), "1 pair lies on both sides");
  assert.equal(headline(27), "27 pairs lie on both sides");
  assert.equal(place(PAIR, 0, 12, 27), "1 of the 12 closest: 2 of 64 bits differ, by hash");
  assert.equal(place(PAIR, 1, 2, 2), "2 of the 2: 2 of 64 bits differ, by hash");
});

test("arrow keys go along the strip and stop at its ends", () => {
  assert.deepEqual([after(0, "ArrowRight", 3), after(2, "ArrowRight", 3), after(0, "ArrowLeft", 3)], [1, 2, 0]);
  assert.deepEqual([after(0, "End", 3), after(2, "Home", 3), after(0, "Enter", 3), after(0, "End", 0)], [2, 0, null, null]);
});

test("a screen reader hears both names", () => {
  assert.equal(described(PAIR, ["train", "test"], 0, 3), "Pair 1 of 3: p1 in train and p2 in test, 2 of 64 bits differ, by hash");
});
