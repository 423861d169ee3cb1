import assert from "node:assert/strict";
import test from "node:test";

import { decided, percent, cosineWords, facts, described, rowsOf } from "../../workbench/widgets/picture_scope/widget.js";

const DECISIONS = ["accept", "reject"];
const VIEW = { name: "BGR", says: "It reads BGR.", changed: 0.9996, mean: 37.74, cosine: -0.0412, score: 0.5 };
const SAME = { name: "other encoder", says: "It is another.", changed: 0, mean: 0, cosine: 0.11, score: 0.1 };

test("a score on the threshold is on its upper side, offline and online alike", () => {
  assert.deepEqual(decided(0.4, 0.5, 0.5, DECISIONS), { words: "accept becomes reject", changed: true });
  assert.deepEqual(decided(0.5, 0.9, 0.5, DECISIONS), { words: "stays reject", changed: false });
  assert.deepEqual(decided(0.5, 0.49, 0.5, DECISIONS), { words: "reject becomes accept", changed: true });
});

test("a rare change is not none, and not quite all is not all", () => {
  assert.deepEqual([0, 0.004, 0.25, 0.9996, 1].map(percent), ["0 %", "<1 %", "25 %", "99 %", "100 %"]);
});

test("a cosine has three digits, a true minus, and no minus before nothing", () => {
  assert.deepEqual([1, 0.9968, 0.11, -0.0412, -0.0001].map(cosineWords), ["1.000", "0.997", "0.110", "−0.041", "0.000"]);
});

test("the facts say what was measured, and of how many levels", () => {
  assert.deepEqual(facts(VIEW, 0.154).map(([, text]) => text), ["99 %", "37.7 of 255", "−0.041", "0.15 → 0.50"]);
});

test("the difference says how often it was brightened, and that it is black where nothing differs", () => {
  assert.equal(described(SAME, 16), "black: no pixel differs");
  assert.match(described(VIEW, 4), /4 times as bright: 99 % of the pixels differ, by 37.7 of 255 levels/);
  assert.match(described(VIEW, 1), /^difference, as it is/);
});

test("the table has every alteration, whichever is shown", () => {
  const rows = rowsOf({ views: [VIEW, SAME], score: 0.154 }, 0.5, DECISIONS);
  assert.deepEqual(rows.map((row) => [row[0], row.at(-1)]), [["BGR", "accept becomes reject"], ["other encoder", "stays accept"]]);
  assert.equal(rows[1][1], "0 %");
});
