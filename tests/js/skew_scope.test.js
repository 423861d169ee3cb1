import assert from "node:assert/strict";
import test from "node:test";

import { range, outcome, scoreWords, differing, beside, shareWords } from "../../workbench/widgets/skew_scope/widget.js";

const cell = (offline, online) => ({ offline, online, differs: offline !== online });
const ENTITIES = [
  { key: "a", cells: [cell(1, 5), cell(null, null)], score: [0.4, 0.6] },
  { key: "b", cells: [cell(2, 2), cell(null, null)], score: null },
];

test("a feature has one axis for all entities and both sides", () => {
  assert.deepEqual(range(ENTITIES, 0), [1, 5]);
  assert.equal(range(ENTITIES, 1), null);
  assert.deepEqual(range([{ cells: [cell(3, 3)] }], 0), [2, 4]);
});

test("a decision changes where the scores lie on both sides of the threshold", () => {
  const decisions = ["accept", "reject"];
  assert.deepEqual(outcome(ENTITIES[0], 0.5, decisions), { words: "accept becomes reject", changed: true });
  assert.deepEqual(outcome(ENTITIES[0], 0.4, decisions), { words: "stays reject", changed: false });
  assert.deepEqual(outcome(ENTITIES[1], 0.5, decisions), { words: "", changed: false });
  assert.equal(scoreWords([0.4, 0.6]), "score 0.40 offline, 0.60 online");
  assert.equal(scoreWords(null), "");
});

test("the next entity after the last is the first", () => {
  assert.equal(beside(ENTITIES, "b", 1), "a");
  assert.equal(beside(ENTITIES, "a", -1), "b");
});

test("a rare difference is not rounded away", () => {
  assert.equal(differing(ENTITIES[0]), 1);
  assert.deepEqual([0, 0.004, 0.25, 1].map(shareWords), ["differs in 0 %", "differs in <1 %", "differs in 25 %", "differs in 100 %"]);
});
