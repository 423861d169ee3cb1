// What stands in two languages says the same in both. WIDGET_CASES is a file with Python's answers,
// written by `tests/js/test_js.py`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { ENGINES, judged } from "../../scripts/bench_kernel.mjs";
import { WORDS } from "../../workbench/widgets/pit_timeline/rules.js";
import { gapWords } from "../../workbench/widgets/predict/widget.js";
import { verdict } from "../../workbench/widgets/truth_meter/widget.js";

const path = process.env.WIDGET_CASES;
const cases = path ? JSON.parse(readFileSync(path, "utf-8")) : null;
const options = { skip: cases ? false : "run by pytest" };

test("the verdict of the meter", options, () => {
  assert.ok(cases.verdicts.length > 50);
  for (const { row, words } of cases.verdicts) assert.deepEqual(verdict(row), words);
});

test("the joins of the bench", options, () => {
  assert.ok(cases.joins.length > 100);
  for (const { values, at, ttl, picked, verdicts } of cases.joins) {
    for (const name of Object.keys(picked)) {
      const value = ENGINES[name](values, at, ttl);
      assert.equal(value?.id ?? null, picked[name], `${name} at ${at}, ttl ${ttl}: ${JSON.stringify(values)}`);
      assert.equal(judged(value, at, ttl), verdicts[name]);
    }
  }
});

test("the words of the timeline, but for the mark of a leak", options, () => {
  const plain = Object.fromEntries(Object.entries(WORDS).map(([key, text]) => [key, text.replace("leak: ", "")]));
  assert.deepEqual(plain, cases.words);
});

test("the gap of a guess", options, () => {
  for (const { guess, answer, step, unit, words } of cases.gaps) assert.equal(gapWords(guess, answer, step, unit), words);
});
