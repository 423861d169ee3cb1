// Lineage trace: a chain of hashes from the photos to the model. Change one node, see which link breaks first.
import { plural, make, put, kept, rooted, spoken, sender, onWidth, onChange } from "../shared.js";

const NAMES = ["nodes", "tampers", "tampered", "done", "hashes", "before", "broken", "digests", "says"];
const SHORT = 8;
const NARROW_PX = 800;

/** Id of the first node, from the source, whose link no longer holds; null where all hold. */
export const firstBroken = (nodes, broken) => nodes.find((node) => node.id in broken)?.id ?? null;

/** What became of each node and of the link above it. */
export function rows({ nodes, hashes, before, broken }) {
  const first = nodes.findIndex((node) => node.id in broken);
  return nodes.map((node, i) => ({
    ...node,
    hash: (hashes[node.id] ?? "").slice(0, SHORT),
    was: (before[node.id] ?? "").slice(0, SHORT),
    changed: hashes[node.id] !== before[node.id],
    link: !node.promise ? "none" : node.id in broken ? "broken" : first >= 0 && i > first ? "unproven" : "holds",
    says: broken[node.id] ?? "",
  }));
}

/** What the link says beside its line. */
export const linkWords = (row) =>
  ({ none: "", holds: row.promise, unproven: row.promise, broken: `${row.promise}: ${row.says}` })[row.link];

/** The state of a link in a word: what comes after a broken one holds, and proves nothing. */
export const LINK_MARKS = { none: "", holds: "holds", unproven: "unproven", broken: "broken" };

/** The line above: what was found. */
export function headline({ nodes, broken, tampers, done, tampered, says }) {
  if (tampered !== done) return "The kernel is at it …";
  if (says) return "That did not work";
  const first = firstBroken(nodes, broken);
  const all = nodes.filter((node) => node.promise).length;
  if (first === null) return done ? "Changed, and no link noticed" : `All ${plural(all, "link")} hold`;
  return `The link of ${nodes.find((node) => node.id === first).kind} breaks first`;
}

/** The line below it: what was done, or what to do. */
export function told({ tampers, done, says }) {
  if (says) return says;
  return tampers.find((one) => one.id === done)?.told ?? "Change one thing that the model was made from.";
}

/** What a screen reader says. */
export const described = (state) =>
  [headline(state), told(state), state.broken[firstBroken(state.nodes, state.broken)] ?? "",
    state.digests.map((one) => `${one.name}: ${one.same ? "same" : "differs"}`).join(", ")].filter(Boolean).map((text) => text.replace(/\.$/, "")).join(". ");

// -- the page -----------------------------------------------------------------------------------------------------

/** A link: a ring that is closed, or one that is open and dashed. */
function ring() {
  const oval = make("rect", { class: "oval", x: 7, y: 4, width: 10, height: 16, rx: 5 });
  const cross = make("path", { class: "cross", d: "M6 6L18 18M18 6L6 18" });
  const node = make("svg", { width: 24, height: 24, viewBox: "0 0 24 24", "aria-hidden": "true" }, oval, cross);
  const update = (link) => {
    put(oval, { visibility: link === "broken" ? "hidden" : "visible" });
    put(cross, { visibility: link === "broken" ? "visible" : "hidden" });
  };
  return { node, update };
}

function buttons(press) {
  const node = make("span", { class: "acts" });
  const update = (tampers, state) => kept(node, tampers, () => {
    const part = { node: make("button", { type: "button" }) };
    part.node.addEventListener("click", () => press(part.id));
    return part;
  }, (part, one) => {
    part.id = one.id;
    put(part.node, { text: one.text, "data-test": `tamper-${one.id}`, "aria-pressed": String(one.id === state.tampered) });
  });
  return { node, update };
}

function nodeLine(press) {
  const part = { link: ring(), promise: make("span", { class: "promise" }), mark: make("b", { class: "mark" }), acts: buttons(press) };
  part.above = make("div", { class: "link" }, part.link.node, make("p", {}, part.mark, part.promise));
  Object.assign(part, { kind: make("b"), hash: make("code"), was: make("s", { class: "muted" }), words: make("span", { class: "muted words" }) });
  part.box = make("div", { class: "node" }, make("span", { class: "dot", "aria-hidden": "true" }), part.kind,
    make("span", { class: "hashes" }, part.hash, part.was), part.words, part.acts.node);
  part.node = make("li", {}, part.above, part.box);
  return part;
}

function drawLine(part, row, state) {
  put(part.node, { class: row.link, "data-test": `node-${row.id}` });
  put(part.above, { hidden: row.link === "none" });
  part.link.update(row.link);
  put(part.mark, { text: LINK_MARKS[row.link] });
  put(part.promise, { text: linkWords(row), "data-test": `link-${row.id}` });
  put(part.kind, { text: row.kind });
  put(part.hash, { text: row.hash, "data-test": `hash-${row.id}` });
  put(part.was, { text: row.changed ? row.was : "", hidden: !row.changed, "aria-label": `was ${row.was}` });
  put(part.words, { text: row.words });
  put(part.box, { class: row.changed ? "node changed" : "node" });
  part.acts.update(state.tampers.filter((one) => one.node === row.id), state);
}

function render({ model, el }) {
  const root = rooted(el, "lineage_trace", "Lineage: what the model was made from, as a chain of hashes");
  const send = sender(model, () => draw());
  const press = (id) => send({ tampered: model.get("tampered") === id ? "" : id });
  const words = make("p", { class: "large", "data-test": "headline" });
  const below = make("p", { class: "told", "data-test": "told" });
  const mend = make("button", { type: "button", "data-test": "mend", text: "Mend", onclick: () => send({ tampered: "" }) });
  const checks = make("ul", { class: "checks", "aria-label": "what other checks say", "data-test": "checks" });
  const chain = make("ol", { class: "chain", "aria-label": "from the source to the model" });
  root.append(make("div", { class: "head" }, make("div", {}, words, below), mend), checks, chain);
  const say = spoken(root);

  function draw() {
    const state = Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
    const lines = rows(state);
    const bad = firstBroken(state.nodes, state.broken) !== null;
    const busy = state.tampered !== state.done;
    put(root, { "aria-busy": String(busy) });
    put(words, { text: headline(state), class: `large ${busy ? "muted" : bad || state.says ? "leak" : "known"}` });
    put(below, { text: told(state) });
    put(mend, { disabled: !state.tampered });
    kept(checks, busy ? [] : state.digests, () => {
      const part = { name: make("span"), word: make("b") };
      return { ...part, node: make("li", {}, part.name, part.word) };
    }, (part, one) => {
      put(part.name, { text: one.name });
      put(part.word, { text: one.same ? "same" : "differs" });
      put(part.node, { class: one.same ? "same" : "differs" });
    });
    put(checks, { hidden: !state.digests.length });
    kept(chain, lines, () => nodeLine(press), (part, row) => drawLine(part, row, state));
    if (!busy) say(described(state));
  }

  draw();
  const narrow = onWidth(root, (width) => root.classList.toggle("narrow", width < NARROW_PX));
  const stops = [onChange(model, NAMES, draw), narrow, say.stop, send.flush];
  return () => stops.forEach((stop) => stop());
}

export default { render };
