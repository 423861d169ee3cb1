import assert from "node:assert/strict";
import test from "node:test";

import { fixed2, presetOf, chosen, others, choices, nearest, verdict, layout, whisker } from "../../workbench/widgets/truth_meter/widget.js";

const row = (failure, strength, seed, cured = false) => ({ failure, strength, seed, cured, claimed: [0.9, 0.8, 1], got: [0.7, 0.6, 0.8], excess: null });
const ROWS = [row("a", 0.5, 0), row("a", 1, 0), row("a", 1, 1), row("a", 1, 0, true), row("b", 2, 0)];

test("a setting is looked up exactly, or not found", () => {
  assert.equal(chosen(ROWS, { failure: "a", strength: 1, cured: false, seed: 1 }), ROWS[2]);
  assert.equal(chosen(ROWS, { failure: "a", strength: 0.7, cured: false, seed: 1 }), null);
});

test("other seeds are of the same setting, and not the row itself", () => {
  assert.deepEqual(others(ROWS, ROWS[1]), [ROWS[2]]);
  assert.deepEqual(others(ROWS, ROWS[3]), []);
});

test("choices stand once, in order", () => {
  assert.deepEqual(choices(ROWS, "strength", { failure: "a" }), [0.5, 1]);
  assert.deepEqual(choices(ROWS, "failure"), ["a", "b"]);
});

test("the nearest measured setting keeps what was asked for first", () => {
  assert.deepEqual(nearest(ROWS, { failure: "b", strength: 0.5, cured: true, seed: 3 }), { failure: "b", strength: 2, cured: false, seed: 0 });
  assert.deepEqual(nearest(ROWS, { failure: "a", strength: 0.5, cured: true, seed: 0 }), { failure: "a", strength: 1, cured: true, seed: 0 });
});

test("inflated is said only where the interval leaves zero out", () => {
  assert.deepEqual(verdict({ excess: [0.34, 0.2, 0.4] })[0], "inflated by 0.34");
  assert.deepEqual(verdict({ excess: [0.34, 0, 0.4] })[0], "not shown at this size");
  assert.match(verdict({ excess: [-0.04, -0.1, 0.02] })[1], /-0\.04.*-0\.10 to \+0\.02/);
  assert.match(verdict({ cured: true, excess: null })[0], /cured/);
});

test("figures are rounded as Python rounds them", () => {
  assert.deepEqual([0.125, 0.375, -0.125, 0.124999, 0.5].map(fixed2), ["0.12", "0.38", "-0.12", "0.12", "0.50"]);
});

test("the bars have room at every width, and the numbers beside them too", () => {
  for (const width of [320, 652, 912]) {
    const { left, right } = layout(width);
    assert.ok(right - left >= 160);
    assert.ok(width < 560 || right + 248 <= width);
  }
  assert.equal(whisker(1, 5, 10), "M1 10H5M1 5v10M5 5v10");
});

test("a preset is the setting itself, or one of the same failure", () => {
  const presets = [row("a", 1, 0), row("b", 2, 0)].map((one, i) => ({ ...one, name: `${i}` }));
  assert.equal(presetOf(presets, row("b", 2, 0)).name, "1");
  assert.equal(presetOf(presets, row("a", 0.5, 1, true)).name, "0");
  assert.equal(presetOf(presets, row("c", 1, 0)), null);
});
