// Skew scope: one entity offline (hatched square) and online (solid disc), feature by feature.
import { linear, plural, make, put, kept, rooted, spoken, segmented, sender, onChange } from "../shared.js";

const NAMES = ["features", "entities", "chosen", "threshold", "decisions", "key"];
const WIDTH = 144;
const EDGE = 12;

/** The ends of a feature's axis: all entities, both sides; null where nothing is a number. */
export function range(entities, i) {
  const values = entities.flatMap(({ cells }) => [cells[i].offline, cells[i].online]).filter((value) => value !== null);
  if (!values.length) return null;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? [low - 1, high + 1] : [low, high];
}

/** What the score does, in words. */
export function outcome({ score }, threshold, decisions) {
  if (!score) return { words: "", changed: false };
  const [before, now] = score.map((one) => decisions[Number(one >= threshold)]);
  const changed = before !== now;
  return { words: changed ? `${before} becomes ${now}` : `stays ${now}`, changed };
}

export const scoreWords = (score) => (score ? `score ${score[0].toFixed(2)} offline, ${score[1].toFixed(2)} online` : "");

export const differing = (entity) => entity.cells.filter((cell) => cell.differs).length;

/** The key so many places further, round and round. */
export const beside = (entities, key, by) => {
  const at = entities.findIndex((entity) => entity.key === key) + by;
  return entities[(at + entities.length) % entities.length].key;
};

export const shareWords = (share) => `differs in ${share > 0 && share < 0.01 ? "<1" : Math.round(share * 100)} %`;

// -- the page -----------------------------------------------------------------------------------------------------

function hatch(id) {
  const lines = make("rect", { width: 3, height: 6, class: "hatch-line" });
  return make("defs", {}, make("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    make("rect", { width: 6, height: 6, class: "hatch-ground" }), lines));
}

function dumbbell(key) {
  const rule = make("line", { class: "rule", x1: EDGE, x2: WIDTH - EDGE, y1: 16, y2: 16 });
  const link = make("path", { class: "link" });
  const square = make("rect", { class: "offline", width: 16, height: 16, y: 8, fill: `url(#${key})` });
  const disc = make("circle", { class: "online", r: 7, cy: 16 });
  const node = make("svg", { width: WIDTH, height: 32, style: `width: ${WIDTH}px`, "aria-hidden": "true" }, rule, link, square, disc);
  function update(cell, ends) {
    const drawn = ends !== null && cell.offline !== null && cell.online !== null;
    put(node, { visibility: drawn ? "visible" : "hidden" });
    if (!drawn) return;
    const x = linear(ends, [EDGE, WIDTH - EDGE]);
    put(link, { d: `M${x(cell.offline)} 16H${x(cell.online)}` });
    put(square, { x: x(cell.offline) - 8 });
    put(disc, { cx: x(cell.online) });
  }
  return { node, update };
}

function row(key) {
  const part = {
    name: make("b"), share: make("span", { class: "muted share" }), offline: make("td", { class: "n" }), online: make("td", { class: "n" }),
    dumbbell: dumbbell(key), shape: make("b", { class: "shape" }), detail: make("span", { class: "muted detail" }),
  };
  const first = make("th", { scope: "row" }, part.name, part.share);
  const node = make("tr", {}, first, part.offline, part.online, make("td", {}, part.dumbbell.node), make("td", { class: "why" }, part.shape, part.detail));
  return { ...part, node };
}

function drawRow(part, { feature, cell, ends }) {
  put(part.node, { class: cell.differs ? "differs" : "", "data-test": `feature-${feature.name}` });
  put(part.name, { text: feature.name });
  put(part.share, { text: shareWords(feature.share) });
  put(part.offline, { text: cell.texts[0] });
  put(part.online, { text: cell.texts[1] });
  put(part.shape, { text: cell.differs ? feature.shape || "differs" : "equal" });
  put(part.detail, { text: cell.differs ? feature.detail : "" });
  part.dumbbell.update(cell, ends);
}

function table(key) {
  const heads = ["feature", "▨ offline", "● online", "", "shape of the mismatch"];
  const head = make("tr", {}, ...heads.map((text) => (text ? make("th", { scope: "col", text, class: text.endsWith("line") ? "n" : "" }) : make("td"))));
  const body = make("tbody");
  const node = make("table", {}, make("caption", { class: "hidden", text: "Features" }), make("thead", {}, head), body);
  return { node, update: (rows) => kept(body, rows, () => row(key), drawRow) };
}

function render({ model, el }) {
  const root = rooted(el, "skew_scope", "Skew scope");
  const send = sender(model, () => draw());
  let all = true;
  const select = make("select", { "data-test": "entity", onchange: () => send({ chosen: select.value }) });
  const label = make("span", { class: "muted" });
  const step = (text, by) => make("button", { type: "button", text, onclick: () => send({ chosen: beside(model.get("entities"), model.get("chosen"), by) }) });
  const which = segmented("show", (value) => {
    all = value;
    draw();
  });
  const controls = make("div", { class: "controls" }, make("label", { class: "control" }, label, select), step("Previous", -1), step("Next", 1), which.node);
  const words = make("p", { class: "large", "data-test": "outcome" });
  const score = make("p", { class: "muted" });
  const features = table(root.key);
  root.append(controls, words, score, make("svg", { width: 0, height: 0, class: "defs", "aria-hidden": "true" }, hatch(root.key)), features.node);
  const say = spoken(root);

  function draw() {
    const state = Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
    const entity = state.entities.find((one) => one.key === state.chosen);
    const n = differing(entity);
    const result = outcome(entity, state.threshold, state.decisions);
    put(label, { text: state.key });
    kept(select, state.entities, () => ({ node: make("option") }), (part, one) => put(part.node, { value: one.key, text: one.key }));
    select.value = state.chosen;
    which.update([{ value: true, text: "all" }, { value: false, text: "those that differ" }], all);
    const head = result.words || `${plural(n, "feature")} of ${state.features.length} ${n === 1 ? "differs" : "differ"}`;
    put(words, { text: head, class: `large ${result.changed ? "leak" : ""}` });
    put(score, { text: [scoreWords(entity.score), result.words ? `${n} of ${plural(state.features.length, "feature")} ${n === 1 ? "differs" : "differ"}` : ""].filter(Boolean).join("; ") });
    const rows = state.features.map((feature, i) => ({ feature, cell: entity.cells[i], ends: range(state.entities, i) }));
    features.update(rows.filter(({ cell }) => all || cell.differs));
    say(`${state.key} ${entity.key}: ${head}. ${score.textContent}`);
  }

  draw();
  const stops = [onChange(model, NAMES, draw), say.stop, send.flush];
  return () => stops.forEach((stop) => stop());
}

export default { render };
