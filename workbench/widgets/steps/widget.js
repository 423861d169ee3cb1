// Steps: a story in a few presets, told before an audience.
import { clamp, stepsOf, make, put, kept, rooted, spoken, sender, onChange } from "../shared.js";

const NAMES = ["title", "steps", "at"];

/** Which one of how many. */
export const place = (at, n) => `step ${at + 1} of ${n}`;

/** Where a key leads; null where it is not ours. */
export function after(at, key, n) {
  const by = stepsOf(key);
  return by === null ? null : clamp(at + by, 0, n - 1);
}

// -- the page -----------------------------------------------------------------------------------------------------

function render({ model, el }) {
  const root = rooted(el, "steps", "Steps of the story");
  const send = sender(model, () => draw());
  const go = (at) => send({ at });
  const title = make("p", { class: "title" });
  const strip = make("div", { class: "strip", role: "group", "aria-label": "steps" });
  const next = make("button", { type: "button", class: "first", text: "Next", "data-test": "next", onclick: () => go(Math.min(model.get("at") + 1, model.get("steps").length - 1)) });
  const reset = make("button", { type: "button", class: "plain", text: "Reset", "data-test": "reset", onclick: () => send({ at: 0, reset: model.get("reset") + 1 }) });
  const says = make("p", { class: "large", "data-test": "says" });
  root.append(title, make("div", { class: "bar" }, strip, make("div", { class: "go" }, next, reset)), says);
  const say = spoken(root);
  strip.addEventListener("keydown", (event) => {
    const at = after(model.get("at"), event.key, model.get("steps").length);
    if (at === null) return;
    event.preventDefault();
    go(at);
    strip.children[at].focus();
  });

  function draw() {
    const [heading, steps, at] = NAMES.map((name) => model.get(name));
    put(title, { text: heading, hidden: !heading });
    kept(strip, steps, (_, i) => ({ node: make("button", { type: "button", onclick: () => go(i) }) }), (part, step, i) => {
      put(part.node, { text: `${i + 1} ${step.name}`, "aria-pressed": String(i === at), "data-test": `step-${i}` });
    });
    put(next, { disabled: at === steps.length - 1 });
    put(says, { text: steps[at].says });
    say(`${place(at, steps.length)}, ${steps[at].name}: ${steps[at].says}`);
  }

  draw();
  const stops = [onChange(model, NAMES, draw), say.stop, send.flush];
  return () => stops.forEach((stop) => stop());
}

export default { render };
