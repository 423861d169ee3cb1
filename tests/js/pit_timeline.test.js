import assert from "node:assert/strict";
import test from "node:test";

import { layout, usable, moved, answerOf, levels, arrow, summary, ttls, inside, presetOf, WORDS } from "../../workbench/widgets/pit_timeline/rules.js";

const VALUES = [
  { id: "a", value: 58, event: 2, known: 3 },
  { id: "b", value: 74, event: 12, known: 18 },
];
const BOUNDS = { start: 0, end: 30, step: 0.5 };

test("a value can be used from the later of its two times on, until the ttl", () => {
  assert.equal(usable(VALUES[1], 17.9, null), false);
  assert.equal(usable(VALUES[1], 18, null), true);
  assert.equal(usable(VALUES[0], 12, 10), true);
  assert.equal(usable(VALUES[0], 12.5, 10), false);
});

test("a moved event takes its recording along; a recording stops at its event", () => {
  assert.deepEqual(moved(VALUES, "a", "event", 5.2, BOUNDS)[0], { id: "a", value: 58, event: 5, known: 5 });
  assert.deepEqual(moved(VALUES, "b", "known", 4, BOUNDS)[1], { id: "b", value: 74, event: 12, known: 12 });
  assert.equal(moved(VALUES, "b", "known", 99, BOUNDS)[1].known, 30);
  assert.equal(moved(VALUES, "a", "event", 5, BOUNDS)[1], VALUES[1]);
  assert.equal(VALUES[0].event, 2);
});

test("an answer says whether it leaks, and what went wrong", () => {
  assert.deepEqual(answerOf({ picked: "b", verdict: "late", says: "" }, VALUES), { value: VALUES[1], leak: true, words: WORDS.late });
  assert.deepEqual(answerOf({ picked: null, verdict: "error", says: "ValueError: no" }, VALUES), { value: null, leak: false, words: "ValueError: no" });
});

test("labels of near neighbours stand on two levels", () => {
  assert.deepEqual(levels([100, 300, 120]), [0, 0, 1]);
  assert.deepEqual(levels([100, 120, 140]), [0, 1, 0]);
  assert.deepEqual(levels([]), []);
});

test("an arrow points at the question from either side", () => {
  assert.match(arrow(100, 200, 10), /^M100 10H196M186 4L196 10L186 16$/);
  assert.match(arrow(300, 200, 10), /^M300 10H204M214 4L204 10L214 16$/);
  assert.equal(arrow(200, 200, 10), "M200 10H200");
});

test("the summary names the joins that leak", () => {
  const results = [{ engine: "newest", picked: "b", verdict: "future", says: "" }, { engine: "right", picked: null, verdict: "nothing", says: "" }];
  assert.equal(summary({ results, values: VALUES, unit: "day", observation: 3 }), "As of day 3: newest 74, right none; 1 join of 2 leak: newest.");
});

test("the ttl on show is always among the choices", () => {
  assert.deepEqual(ttls({ start: 0, end: 30, ttl: null }), [null, 3, 8, 15]);
  assert.deepEqual(ttls({ start: 0, end: 30, ttl: 5 }), [null, 3, 5, 8, 15]);
});

test("the plot keeps a width, and each engine its row", () => {
  const at = layout(652, 4);
  assert.ok(at.right - at.left >= 200);
  assert.ok(at.engine(3) < at.bottom);
});

test("a pointer is found in the picture's own pixels, also where the page is enlarged", () => {
  assert.equal(inside(150, { left: 50, width: 800 }, 800), 100);
  assert.equal(inside(200, { left: 50, width: 1200 }, 800), 100);
  assert.equal(inside(150, { left: 50, width: 800 }, 0), 100); // not laid out yet
});

test("a preset sets the three things that a hand can move", () => {
  const presets = [{ name: "late", says: "Look.", values: VALUES, observation: 15, ttl: null }];
  assert.deepEqual(presetOf(presets, "late"), { preset: "late", values: VALUES, observation: 15, ttl: null });
});
