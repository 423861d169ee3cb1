import assert from "node:assert/strict";
import test from "node:test";

import { clamp, snapped, linear, ticks, stepsOf, plural, throttled, sender } from "../../workbench/widgets/shared.js";

test("a scale and its way back agree", () => {
  const x = linear([0, 30], [200, 800]);
  assert.equal(x(0), 200);
  assert.equal(x(30), 800);
  assert.equal(x.back(x(12.5)), 12.5);
});

test("snapped leaves no dust of binary fractions", () => {
  assert.equal(snapped(0.1 + 0.2, 0.1), 0.3);
  assert.equal(snapped(14.3, 0.5), 14.5);
  assert.equal(clamp(31, 0, 30), 30);
});

test("ticks are round numbers inside the ends", () => {
  assert.deepEqual(ticks(0, 30, 6), [0, 5, 10, 15, 20, 25, 30]);
  assert.deepEqual(ticks(0.5, 1, 5), [0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  assert.deepEqual(ticks(3, 17, 4), [5, 10, 15]);
});

test("arrow keys are steps, others are not ours", () => {
  assert.equal(stepsOf("ArrowRight"), 1);
  assert.equal(stepsOf("ArrowLeft", true), -5);
  assert.equal(stepsOf("Home"), -Infinity);
  assert.equal(stepsOf("a"), null);
});

test("plural", () => {
  assert.equal(plural(1, "join"), "1 join");
  assert.equal(plural(4, "join"), "4 joins");
});

function clock() {
  const it = { now_ms: 0, waiting: [] };
  it.now = () => it.now_ms;
  it.later = (call, ms) => it.waiting.push({ at: it.now_ms + ms, call });
  it.go = (ms) => {
    it.now_ms += ms;
    it.waiting.filter((one) => one.at <= it.now_ms).forEach((one) => one.call());
    it.waiting = it.waiting.filter((one) => one.at > it.now_ms);
  };
  return it;
}

test("throttled sends the first at once and the last always", () => {
  const time = clock();
  const sent = [];
  let state = 0;
  const ask = throttled(() => sent.push(state), 40, time.now, time.later);
  for (state = 1; state <= 10; state += 1) {
    ask();
    time.go(10);
  }
  time.go(100);
  assert.equal(sent[0], 1);
  assert.ok(sent.length < 6, `sent ${sent}`);
  state = 11;
  ask();
  state = 12;
  ask();
  time.go(100);
  assert.equal(sent.at(-1), 12);
});

test("flush sends what waits, and nothing when nothing waits", () => {
  const sent = [];
  const ask = throttled(() => sent.push(1), 40, () => 0, () => 7);
  ask.flush();
  assert.equal(sent.length, 0);
  ask();
  ask();
  ask.flush();
  ask.flush();
  assert.equal(sent.length, 2);
});

test("a sender puts all values into the model before it saves once", () => {
  const model = { state: {}, saves: [], set(name, value) { this.state[name] = value; }, save_changes() { this.saves.push({ ...this.state }); } };
  sender(model)({ observation: 3, ttl: null });
  assert.deepEqual(model.saves, [{ observation: 3, ttl: null }]);
});
