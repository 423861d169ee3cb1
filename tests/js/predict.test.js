import assert from "node:assert/strict";
import test from "node:test";

import { digits, said, gapWords, headline, apart } from "../../workbench/widgets/predict/widget.js";

const NUMBER = { options: [], guess: 0.8, answer: 0.59, opened: true, step: 0.01, unit: "" };

test("numbers have as many digits as their step", () => {
  assert.deepEqual([digits(0.01), digits(1), digits(0.5)], [2, 0, 1]);
  assert.equal(said(0.6, 0.01, "points"), "0.60 points");
});

test("the gap has a direction", () => {
  assert.equal(gapWords(0.8, 0.59, 0.01, ""), "0.21 too high");
  assert.equal(gapWords(3, 5, 1, "fruit"), "2 fruit too low");
  assert.equal(gapWords(0.59, 0.5904, 0.01, ""), "as guessed");
});

test("nothing is said before the guess, and the answer never before it is there", () => {
  assert.equal(headline({ ...NUMBER, answer: null, opened: false }), "");
  assert.match(headline({ ...NUMBER, answer: null }), /further down/);
  assert.equal(headline(NUMBER), "It is 0.59. Your guess was 0.21 too high.");
  assert.equal(headline({ ...NUMBER, guess: null }), "It is 0.59.");
  assert.equal(headline({ ...NUMBER, guess: 0.59 }), "It is 0.59. Your guess was right.");
});

test("a choice is right or another one", () => {
  const choice = { ...NUMBER, options: ["yes", "no"], guess: "yes", answer: "no" };
  assert.match(headline(choice), /another one/);
  assert.match(headline({ ...choice, guess: "no" }), /right/);
});

test("two labels that are near turn away from each other", () => {
  assert.equal(apart(100, 300), "middle");
  assert.deepEqual([apart(100, 150), apart(150, 100)], ["end", "start"]);
  assert.equal(apart(100, null), "middle");
});
