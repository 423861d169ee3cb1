// Predict: a guess before the answer. The page holds no answer until the guess is locked in.
import { linear, ticks, make, put, kept, rooted, spoken, sender, onWidth, onChange } from "../shared.js";

/** How many digits after the point a step has. */
export const digits = (step) => (step.toFixed(6).replace(/0+$/, "").split(".")[1] ?? "").length;

export const said = (value, step, unit) => `${value.toFixed(digits(step))} ${unit}`.trim();

/** The gap in words. */
export function gapWords(guess, answer, step, unit) {
  const gap = guess - answer;
  if (Math.abs(gap) < step / 2) return "as guessed";
  return `${said(Math.abs(gap), step, unit)} too ${gap > 0 ? "high" : "low"}`;
}

/** What the line above the scale says. */
export function headline({ options, guess, answer, opened, step, unit }) {
  if (answer === null) return opened ? "Noted. The answer comes further down." : "";
  const shown = options.length ? answer : said(answer, step, unit);
  if (guess === null) return `It is ${shown}.`;
  if (options.length) return guess === answer ? "Your guess was right." : "Your guess was another one.";
  return `It is ${shown}. Your guess was ${gapWords(guess, answer, step, unit)}.`.replace("was as guessed", "was right");
}

/** Where a label stands beside another one that is near: apart from it, never on it. */
export function apart(mine, other, room = 96) {
  if (other === null || Math.abs(mine - other) >= room) return "middle";
  return mine <= other ? "end" : "start";
}

const NAMES = ["question", "options", "low", "high", "step", "unit", "guess", "opened", "answer", "why"];

// -- the page -----------------------------------------------------------------------------------------------------

function numberLine() {
  const axis = make("g");
  const gap = make("path", { class: "gap" });
  const guess = make("path", { class: "guess" });
  const answer = make("circle", { class: "answer", r: 10 });
  const guessText = make("text", { text: "your guess" });
  const answerText = make("text", { class: "strong", text: "answer" });
  const node = make("svg", { height: 112, "aria-hidden": "true" }, axis, gap, guess, answer, guessText, answerText);
  function update(state, width) {
    const x = linear([state.low, state.high], [12, width - 12]);
    kept(axis, ticks(state.low, state.high, 5), () => {
      const part = { line: make("line", { class: "rule" }), text: make("text", { class: "muted", "text-anchor": "middle" }) };
      return { node: make("g", {}, part.line, part.text), ...part };
    }, (part, value) => {
      put(part.line, { x1: x(value), x2: x(value), y1: 40, y2: 72 });
      put(part.text, { x: x(value), y: 96, text: said(value, state.step, "") });
    });
    const [mine, right] = [state.guess, state.answer].map((value) => (value === null ? null : x(value)));
    const both = mine !== null && right !== null;
    put(gap, { d: both ? `M${mine} 56H${right}` : "M0 0" });
    put(guess, { d: mine === null ? "M0 0" : `M${mine} 44l12 12l-12 12l-12 -12z`, visibility: mine === null ? "hidden" : "visible" });
    put(answer, { cx: right ?? 0, cy: 56, visibility: right === null ? "hidden" : "visible" });
    label(guessText, mine, right, width);
    label(answerText, right, mine, width);
  }
  return { node, update };
}

function label(node, at, other, width) {
  put(node, { visibility: at === null ? "hidden" : "visible" });
  if (at === null) return;
  const edge = at < 48 ? "start" : at > width - 48 ? "end" : "middle";
  const anchor = apart(at, other) === "middle" ? edge : apart(at, other);
  put(node, { x: at + { start: -8, middle: 0, end: 8 }[anchor], y: 28, "text-anchor": anchor });
}

function choiceList(name, pick) {
  const node = make("div", { class: "choices", role: "radiogroup" });
  function update(state) {
    put(node, { "aria-label": state.question });
    kept(node, state.options, (text) => {
      const input = make("input", { type: "radio", name, value: text, onchange: () => pick(text) });
      const part = { input, words: make("span", {}), mark: make("b"), why: make("span", { class: "muted why" }) };
      return { ...part, node: make("label", {}, input, part.words, part.mark, part.why) };
    }, (part, text) => {
      const open = state.answer !== null;
      const right = open && text === state.answer;
      const wrong = open && text === state.guess && !right;
      part.input.checked = text === state.guess;
      part.input.disabled = state.opened;
      put(part.words, { text });
      put(part.mark, { text: right ? "right" : wrong ? "your guess" : "", class: right ? "right" : "wrong" });
      put(part.why, { text: open ? (state.why[text] ?? "") : "" });
      put(part.node, { class: right ? "is-right" : wrong ? "is-wrong" : "" });
    });
  }
  return { node, update };
}

function slider(send) {
  const input = make("input", { type: "range", "data-test": "guess", oninput: () => send({ guess: Number(input.value) }) });
  const output = make("output", { class: "large", "data-test": "guessed" });
  const ends = [make("span", { class: "muted" }), make("span", { class: "muted" })];
  const node = make("div", { class: "number" }, ends[0], input, ends[1], output);
  function update(state) {
    [state.low, state.high].forEach((end, i) => put(ends[i], { text: said(end, state.step, "") }));
    put(input, { min: state.low, max: state.high, step: state.step, "aria-label": state.question });
    const value = state.guess ?? (state.low + state.high) / 2;
    if (Number(input.value) !== value) input.value = value;
    put(input, { "aria-valuetext": state.guess === null ? "no guess yet" : said(state.guess, state.step, state.unit) });
    put(output, { text: state.guess === null ? "?" : said(state.guess, state.step, state.unit) });
  }
  return { node, update };
}

function render({ model, el }) {
  const root = rooted(el, "predict", "Prediction");
  const send = sender(model, () => draw());
  const question = make("p", { class: "title" });
  const number = slider(send);
  const choices = choiceList(root.key, (guess) => send({ guess }));
  const lock = make("button", { type: "button", class: "first", text: "Lock in my guess", "data-test": "lock", onclick: () => send({ opened: true }) });
  const skip = make("button", { type: "button", class: "plain", text: "Show it without a guess", "data-test": "skip", onclick: () => send({ guess: null, opened: true }) });
  const buttons = make("div", { class: "controls buttons" }, lock, skip);
  const words = make("p", { class: "large", "data-test": "headline" });
  const why = make("p", { class: "why-all" });
  const line = numberLine();
  root.append(question, number.node, choices.node, buttons, words, line.node, why);
  const say = spoken(root);

  function draw() {
    const state = Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
    const choice = state.options.length > 0;
    put(question, { text: state.question });
    if (choice) choices.update(state);
    else number.update(state);
    put(number.node, { hidden: choice || state.opened });
    put(choices.node, { hidden: !choice });
    put(lock, { disabled: state.guess === null });
    put(buttons, { hidden: state.opened });
    const head = headline(state);
    put(words, { text: head, hidden: !head });
    put(line.node, { visibility: "visible", style: choice || !state.opened ? "display: none" : null });
    if (!choice) line.update(state, Math.max(root.clientWidth - 48, 240));
    put(why, { text: state.why[""] ?? "", hidden: !state.why[""] });
    if (head) say([head, state.why[""], state.why[state.answer]].filter(Boolean).join(" "));
  }

  draw();
  const stops = [onWidth(root, draw), onChange(model, NAMES, draw), say.stop, send.flush];
  return () => stops.forEach((stop) => stop());
}

export default { render };
