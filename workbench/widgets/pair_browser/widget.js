// Pair browser: the closest pairs across a split, their pictures side by side, how close, and why.
import { clamp, stepsOf, plural, make, put, kept, rooted, spoken, sender, onChange } from "../shared.js";

const NAMES = ["pairs", "sides", "found", "at"];

/** What the line above says. */
export function headline(found) {
  if (!found) return "No pair lies on both sides";
  return `${plural(found, "pair")} ${found === 1 ? "lies" : "lie"} on both sides`;
}

/** Which one of how many, and how close. */
export function place(pair, at, shown, found) {
  return `${at + 1} of the ${found > shown ? `${shown} closest` : shown}: ${pair.words.join(", ")}`;
}

/** Where a key leads among n pairs; null where it is not ours. */
export function after(at, key, n) {
  const steps = stepsOf(key);
  return steps === null || !n ? null : clamp(at + steps, 0, n - 1);
}

/** What a screen reader says of a pair. */
export const described = (pair, sides, at, n) =>
  `Pair ${at + 1} of ${n}: ${pair.one.id} in ${sides[0]} and ${pair.two.id} in ${sides[1]}, ${pair.words.join(", ")}`;

// -- the page -----------------------------------------------------------------------------------------------------

function figure(name) {
  const part = { picture: make("img", { "data-test": name }), side: make("b"), id: make("span"), text: make("span", { class: "muted" }) };
  const caption = make("figcaption", {}, part.side, part.id, part.text);
  return { ...part, node: make("figure", {}, part.picture, caption) };
}

/** Two pictures, one subtracted from the other by the browser, four times as bright: black is equal. */
function difference() {
  const [under, over] = [make("img", { alt: "" }), make("img", { alt: "", class: "over" })];
  const words = make("figcaption", {}, make("b", { text: "difference" }), make("span", { class: "muted", text: "4 times as bright" }));
  const stack = make("div", { class: "stack", role: "img", "aria-label": "difference of the two, four times as bright" }, under, over);
  return { under, over, node: make("figure", { class: "difference" }, stack, words) };
}

function thumbnails(pick) {
  const node = make("div", { class: "strip", role: "group", "aria-label": "pairs, closest first" });
  const update = (pairs, at) => kept(node, pairs, (_, i) => {
    const picture = make("img", { alt: "" });
    return { picture, node: make("button", { type: "button", onclick: () => pick(i) }, picture) };
  }, (part, pair, i) => {
    put(part.picture, { src: pair.one.picture });
    put(part.node, { "aria-label": `pair ${i + 1}`, "aria-pressed": String(i === at), "data-test": `pair-${i}` });
  });
  return { node, update };
}

function render({ model, el }) {
  const root = rooted(el, "pair_browser", "Pairs across the split");
  const send = sender(model, () => draw());
  const words = make("p", { class: "large", "data-test": "headline" });
  const [one, two, gap] = [figure("one"), figure("two"), difference()];
  const facts = make("p", { class: "facts", "data-test": "facts" });
  const strip = thumbnails((at) => send({ at }));
  const stage = make("div", { class: "stage" }, one.node, two.node, gap.node);
  root.append(words, facts, stage, strip.node);
  const say = spoken(root);
  strip.node.addEventListener("keydown", (event) => {
    const at = after(model.get("at"), event.key, model.get("pairs").length);
    if (at === null) return;
    event.preventDefault();
    send({ at });
    strip.node.children[at].focus();
  });

  function drawSide(part, side, name) {
    put(part.picture, { src: side.picture, alt: `${side.id}, ${name} ${side.text}`.trim() });
    put(part.side, { text: name });
    put(part.id, { text: side.id });
    put(part.text, { text: side.text, hidden: !side.text });
  }

  function draw() {
    const [pairs, sides, found, at] = NAMES.map((name) => model.get(name));
    const pair = pairs[at];
    put(words, { text: headline(found), class: `large ${found ? "leak" : "known"}` });
    for (const node of [facts, stage, strip.node]) put(node, { hidden: !pair });
    if (!pair) return;
    put(facts, { text: place(pair, at, pairs.length, found) });
    drawSide(one, pair.one, sides[0]);
    drawSide(two, pair.two, sides[1]);
    put(gap.under, { src: pair.one.picture });
    put(gap.over, { src: pair.two.picture });
    strip.update(pairs, at);
    say(described(pair, sides, at, pairs.length));
  }

  draw();
  const stops = [onChange(model, NAMES, draw), say.stop, send.flush];
  return () => stops.forEach((stop) => stop());
}

export default { render };
