// Checkpoint: an exercise that the kernel judges; hints on request, one at a time.
import { plural, make, put, kept, rooted, spoken, sender, onChange } from "../shared.js";

/** How far the learner is, in words. */
export function progress(report) {
  const n = report.filter((line) => line.passed).length;
  return n === report.length && n > 0 ? `All ${plural(n, "case")} passed` : `${n} of ${plural(report.length, "case")} passed`;
}

/** What the button for hints says; empty where there are none left. */
export function hintLabel(shown, all) {
  if (shown >= all) return "";
  return shown ? `Another hint, ${shown + 1} of ${all}` : `A hint, 1 of ${all}`;
}

const NAMES = ["question", "report", "passed", "hints", "hints_asked", "n_hints"];

function casePart() {
  const part = { mark: make("b"), name: make("span", { class: "name" }), says: make("span", { class: "says muted" }) };
  return { ...part, node: make("li", {}, part.mark, part.name, part.says) };
}

function render({ model, el }) {
  const root = rooted(el, "checkpoint", "Checkpoint");
  const send = sender(model, () => draw());
  const question = make("p", { class: "title" });
  const state = make("p", { class: "large", "data-test": "progress" });
  const cases = make("ol", { class: "cases" });
  const check = make("button", { type: "button", class: "first", text: "Check", "data-test": "check", onclick: () => send({ asked: model.get("asked") + 1 }) });
  const hint = make("button", { type: "button", "data-test": "hint", onclick: () => send({ hints_asked: model.get("hints_asked") + 1 }) });
  const hints = make("ol", { class: "hints", "aria-live": "polite" });
  root.append(question, state, cases, make("div", { class: "controls" }, check, hint), hints);
  const say = spoken(root);

  function draw() {
    const report = model.get("report");
    put(question, { text: model.get("question") });
    put(state, { text: progress(report), class: `large ${model.get("passed") ? "passed" : ""}` });
    kept(cases, report, casePart, (part, line) => {
      put(part.node, { class: line.passed ? "passed" : "not-yet" });
      put(part.mark, { text: line.passed ? "passed" : "not yet" });
      put(part.name, { text: line.name });
      put(part.says, { text: line.says, hidden: !line.says });
    });
    const label = hintLabel(model.get("hints_asked"), model.get("n_hints"));
    put(hint, { text: label, hidden: !label || model.get("passed") });
    kept(hints, model.get("hints"), () => ({ node: make("li") }), (part, text) => put(part.node, { text }));
    const worst = report.find((line) => !line.passed);
    say(`${progress(report)}.${worst ? ` Not yet: ${worst.name}. ${worst.says}` : ""}`);
  }

  draw();
  const stops = [onChange(model, NAMES, draw), say.stop, send.flush];
  return () => stops.forEach((stop) => stop());
}

export default { render };
