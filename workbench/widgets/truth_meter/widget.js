// Truth meter: claimed (hatched), got (solid), could have had (outline) on a fixed axis.
import { clamp, linear, make, put, kept, rooted, spoken, tabled, segmented, sender, onWidth, onChange } from "../shared.js";

const LOW = 0.5; // a coin
const HIGH = 1; // always right; the axis is never fitted to the data
const SETTING = ["failure", "strength", "cured", "seed"];
const BARS = [
  { key: "claimed", label: "claimed", n: "n_test" },
  { key: "got", label: "got", n: "n_production" },
  { key: "could_have_had", label: "could have had", n: "n_production" },
];
const ROW = 64;
const TOP = 32;

/** The row of a setting; null where it was not measured. */
export const chosen = (rows, state) => rows.find((row) => SETTING.every((name) => row[name] === state[name])) ?? null;

/** The same setting on other seeds. */
export const others = (rows, row) =>
  rows.filter((one) => one.seed !== row.seed && SETTING.slice(0, 3).every((name) => one[name] === row[name]));

/** What a control can be set to: each value once, in the order of the rows. */
export const choices = (rows, name, fixed = {}) => {
  const fits = (row) => Object.entries(fixed).every(([key, value]) => row[key] === value);
  return [...new Set(rows.filter(fits).map((row) => row[name]))];
};

/** A setting that was measured and is as near to the wanted one as can be: the failure counts most. */
export function nearest(rows, wanted) {
  const far = (row) =>
    1e6 * (row.failure !== wanted.failure) + 1e3 * (row.cured !== wanted.cured) +
    Math.min(Math.abs(row.strength - wanted.strength), 900) + 1e-3 * (row.seed !== wanted.seed);
  const best = rows.reduce((one, other) => (far(other) < far(one) ? other : one));
  return Object.fromEntries(SETTING.map((name) => [name, best[name]]));
}

/** The preset that a setting is, or one of the same failure; null where there is none. */
export const presetOf = (presets, state) =>
  presets.find((one) => SETTING.every((name) => one[name] === state[name])) ?? presets.find((one) => one.failure === state.failure) ?? null;

/** Two digits, rounded as Python rounds: an exact half goes to the even digit. */
export function fixed2(value) {
  const half = Number.isInteger(value * 8) && (value * 8) % 2 !== 0;
  return (half ? (2 * Math.round(value * 50)) / 100 : value).toFixed(2);
}
export const signed2 = (value) => (value < 0 ? "-" : "+") + fixed2(Math.abs(value));

/** Words by rule alone: inflated only where the interval of the excess leaves zero out. */
export function verdict(row) {
  if (row.cured) return ["cured: the honest pipeline", "its own gap is drift and luck, nothing added"];
  if (!row.excess) return ["", ""];
  const [value, low, high] = row.excess;
  if (low > 0) return [`inflated by ${fixed2(value)}`, `95 % interval ${fixed2(low)} to ${fixed2(high)}, beyond the honest gap`];
  return ["not shown at this size", `inflation ${signed2(value)}, 95 % interval ${signed2(low)} to ${signed2(high)}`];
}

/** Where things stand at a width. */
export function layout(width) {
  const left = 136;
  return { left, right: Math.max(left + 160, width - 248) };
}

/** Lines from low to high with an end on each side. */
export const whisker = (low, high, y) => `M${low} ${y}H${high}M${low} ${y - 5}v10M${high} ${y - 5}v10`;

const percent = (share) => `${Math.round(share * 100)} %`;
const nWords = (row, bar, unit) => (row[bar.n] === null ? "n not given" : `n = ${row[bar.n]} ${unit}`);
const intervalWords = ([, low, high]) => (low === undefined ? "no interval" : `${fixed2(low)} to ${fixed2(high)}`);

// -- the page -----------------------------------------------------------------------------------------------------

function hatch(id) {
  const ground = make("rect", { width: 8, height: 8, class: "hatch-ground" });
  const lines = make("rect", { width: 4, height: 8, class: "hatch-line" });
  const pattern = { id, width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" };
  return make("defs", {}, make("pattern", pattern, ground, lines));
}

function axis() {
  const node = make("g", { "aria-hidden": "true" });
  return { node, update: (x, values, text, top, bottom) => kept(node, values, () => {
    const line = make("line", { class: "rule" });
    const number = make("text", { class: "muted", "text-anchor": "middle" });
    return { node: make("g", {}, line, number), line, number };
  }, (part, value) => {
    put(part.line, { x1: x(value), x2: x(value), y1: top, y2: bottom });
    put(part.number, { x: x(value), y: top - 8, text: text(value) });
  }) };
}

function barPart(bar, key) {
  const fill = bar.key === "claimed" ? { fill: `url(#${key})` } : {};
  const part = { rect: make("rect", { class: `bar ${bar.key}`, ...fill }) };
  part.halo = make("path", { class: "halo" });
  part.whisker = make("path", { class: "whisker" });
  part.dots = make("g");
  part.label = make("text", { class: "strong", text: bar.label });
  part.below = make("text", { class: "muted" });
  part.value = make("text", { class: "large strong", "data-test": `value-${bar.key}` });
  part.interval = make("text", { class: "muted" });
  part.n = make("text", { class: "muted" });
  part.node = make("g", {}, ...Object.values(part));
  return part;
}

function drawBar(part, bar, y, at, row, same, unit) {
  const [value, low, high] = row[bar.key];
  const bare = low === undefined;
  const x = linear([LOW, HIGH], [at.left, at.right]);
  const on = (score) => x(clamp(score, LOW, HIGH));
  const ends = bare || high < LOW ? "M0 0" : whisker(on(low), on(high), y + 20);
  put(part.rect, { x: at.left, y: y + 8, width: Math.max(on(value) - at.left, 2), height: 24 });
  put(part.halo, { d: ends });
  put(part.whisker, { d: ends });
  put(part.label, { x: 0, y: y + 25 });
  put(part.below, { x: at.left + 16, y: y + 25, text: value < LOW ? "◂ below the axis" : "" });
  put(part.value, { x: at.right + 24, y: y + 29, text: fixed2(value) });
  put(part.interval, { x: at.right + 112, y: y + 18, text: intervalWords(row[bar.key]) });
  put(part.n, { x: at.right + 112, y: y + 42, text: nWords(row, bar, unit) });
  const scores = same.filter((one) => one[bar.key]).map((one) => on(one[bar.key][0]));
  kept(part.dots, scores, () => ({ node: make("circle", { class: `dot ${bar.key}`, r: 5 }) }), (dot, cx) => {
    put(dot.node, { cx, cy: y + 46 });
  });
}

function drawDial(part, y, at, row, planned) {
  const x = linear([0, 1], [at.left, at.right]);
  put(part.node, { visibility: row.contacted === null ? "hidden" : "visible" });
  if (row.contacted === null) return;
  part.axis.update(x, [0, 0.25, 0.5, 0.75, 1], percent, y, y + 48);
  put(part.label, { x: 0, y: y + 25 });
  put(part.rect, { x: at.left, y: y + 8, width: Math.max(x(row.contacted) - at.left, 2), height: 24 });
  put(part.planned, { d: `M${x(planned)} ${y}v48` });
  put(part.plan, { x: x(planned) + 8, y: y + 48, text: `planned ${percent(planned)}` });
  put(part.what, { x: 0, y: y + 72, text: "share of production beyond the threshold" });
  put(part.value, { x: at.right + 24, y: y + 29, text: percent(row.contacted) });
  const ratio = row.score_to_rate;
  put(part.interval, { x: at.right + 112, y: y + 18, text: ratio === null ? "" : "score / true rate" });
  put(part.n, { x: at.right + 112, y: y + 42, text: ratio === null ? "" : fixed2(ratio) });
}

function dialPart() {
  const part = barPart({ key: "got", label: "acts on" }, "");
  part.axis = axis();
  part.planned = make("path", { class: "planned" });
  part.plan = make("text", { class: "muted" });
  part.what = make("text", { class: "muted" });
  part.node.prepend(part.axis.node);
  part.node.append(part.planned, part.plan, part.what);
  put(part.value, { "data-test": "value-contacted" });
  return part;
}

function controls(model, send, first) {
  const rows = () => model.get("rows");
  const state = () => Object.fromEntries(SETTING.map((name) => [name, model.get(name)]));
  const set = (change) => send(nearest(rows(), { ...state(), ...change }));
  const select = make("select", { "aria-label": "failure", "data-test": "failure", onchange: () => set({ failure: select.value }) });
  const failure = make("label", { class: "control" }, make("span", { class: "muted", text: "failure" }), select);
  const strength = segmented("strength", (value) => set({ strength: value }));
  const seed = segmented("season", (value) => set({ seed: value }));
  const cure = segmented("pipeline", (value) => set({ cured: value }));
  const reset = make("button", { type: "button", class: "plain", text: "Reset", "data-test": "reset", onclick: () => send(first) });
  const refit = make("button", { type: "button", text: "Measure this now", "data-test": "refit", onclick: () => send({ asked: model.get("asked") + 1 }) });
  const status = make("span", { class: "muted", role: "status", "data-test": "status" });
  const node = make("div", { class: "controls" }, failure, strength.node, cure.node, seed.node, refit, reset, status);
  const update = () => {
    const now = state();
    const options = (values, text = String) => values.map((value) => ({ value, text: text(value) }));
    const names = choices(rows(), "failure");
    kept(select, names, () => ({ node: make("option") }), (part, name) => {
      put(part.node, { value: name, text: name.replaceAll("_", " ") });
    });
    select.value = now.failure;
    put(failure, { hidden: names.length < 2 });
    strength.update(options(choices(rows(), "strength", { failure: now.failure })), now.strength);
    seed.update(options(choices(rows(), "seed", { failure: now.failure })), now.seed);
    const words = (cured) => (cured ? "cured" : "with the failure");
    cure.update(options(choices(rows(), "cured", { failure: now.failure }).sort(), words), now.cured);
    put(refit, { hidden: !model.get("can_refit"), disabled: model.get("status") === "measuring" });
    put(status, { text: model.get("status"), hidden: !model.get("status") });
    put(node, { hidden: rows().length < 2 && !model.get("can_refit") });
  };
  return { node, update, state };
}

function render({ model, el }) {
  const root = rooted(el, "truth_meter", "Truth meter");
  const send = sender(model, () => draw());
  const first = Object.fromEntries(SETTING.map((name) => [name, model.get(name)]));
  const panel = controls(model, send, first);
  const presets = segmented("try", (wanted) => {
    const found = model.get("presets").find(({ name }) => name === wanted);
    send(Object.fromEntries(SETTING.map((name) => [name, found[name]])));
  });
  put(presets.node, { class: "control presets" });
  const says = make("p", { class: "says", "data-test": "says" });
  const words = make("p", { class: "large", "data-test": "verdict" });
  const grounds = make("p", { class: "muted grounds" });
  const scale = axis();
  const bars = BARS.map((bar) => barPart(bar, root.key));
  const dial = dialPart();
  const metric = make("text", { class: "muted" });
  const svg = make("svg", { "aria-hidden": "true" }, hatch(root.key), scale.node, ...bars.map((bar) => bar.node), dial.node, metric);
  root.append(presets.node, panel.node, says, words, grounds, svg);
  const table = tabled(root, "Scores", ["number", "score", "95 % interval", "n"]);
  const say = spoken(root);

  function drawRow(row, width) {
    const at = layout(width);
    const same = others(model.get("rows"), row);
    const shown = BARS.filter((bar) => row[bar.key]);
    const bottom = TOP + ROW * shown.length;
    scale.update(linear([LOW, HIGH], [at.left, at.right]), [0.5, 0.6, 0.7, 0.8, 0.9, 1], (value) => value.toFixed(1), TOP, bottom);
    BARS.forEach((bar, i) => {
      put(bars[i].node, { visibility: row[bar.key] ? "visible" : "hidden" });
      if (row[bar.key]) drawBar(bars[i], bar, TOP + ROW * shown.indexOf(bar), at, row, same, model.get("unit"));
    });
    const dots = same.length ? "; the dots are other seasons" : "";
    put(metric, { x: 0, y: bottom + 24, text: `${model.get("metric")}; 0.5 is a coin${dots}` });
    drawDial(dial, bottom + 72, at, row, model.get("planned"));
    put(svg, { height: bottom + (row.contacted === null ? 40 : 152) });
  }

  function draw() {
    panel.update();
    const preset = presetOf(model.get("presets"), panel.state());
    presets.update(model.get("presets").map(({ name }) => ({ value: name, text: name })), preset?.name);
    put(says, { text: preset?.says ?? "", hidden: !preset?.says });
    const row = chosen(model.get("rows"), panel.state());
    const [large, small] = row ? verdict(row) : ["not measured", "choose another setting"];
    put(words, { text: large, hidden: !large, class: `large ${large.startsWith("inflated") ? "leak" : ""}` });
    put(grounds, { text: small, hidden: !small });
    put(svg, { visibility: row ? "visible" : "hidden" });
    if (!row) return;
    drawRow(row, root.clientWidth - 48);
    const shown = BARS.filter((bar) => row[bar.key]);
    table(shown.map((bar) => [bar.label, fixed2(row[bar.key][0]), intervalWords(row[bar.key]), String(row[bar.n] ?? "not given")]));
    say([large, ...shown.map((bar) => `${bar.label} ${fixed2(row[bar.key][0])}`)].filter(Boolean).join(", "));
  }

  draw();
  const stops = [onWidth(root, draw), onChange(model, ["rows", "presets", ...SETTING, "metric", "unit", "planned", "can_refit", "status"], draw), say.stop];
  return () => stops.forEach((stop) => stop());
}

export default { render };
