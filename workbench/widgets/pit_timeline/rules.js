// Point-in-time timeline: what is drawn where, and in which words; nothing here touches the page.
import { clamp, snapped, plural } from "../shared.js";

export const WORDS = {
  known: "known by then",
  future: "leak: from the future",
  late: "leak: not recorded yet",
  old: "older than the ttl",
  nothing: "no answer",
  error: "could not answer",
};
export const TOP = 64; // below the numbers of the axis
export const LANES = { event: 120, known: 176 };
const ENGINES = 208;
const ROW = 56;

/** Where things stand at a width and with so many engines. */
export function layout(width, n) {
  const left = 200;
  return { left, right: Math.max(left + 200, width - 96), engine: (i) => ENGINES + ROW * i + 32, bottom: ENGINES + ROW * n + 8 };
}

/** Whether a value could be used at a time; the kernel judges what was picked, this colours what was not. */
export function usable(value, observation, ttl) {
  return Math.max(value.event, value.known) <= observation && (ttl === null || observation - value.event <= ttl);
}

/** The values after one of the two times of one of them was moved. Nothing is recorded before it is true. */
export function moved(values, id, field, to, { start, end, step }) {
  const at = clamp(snapped(to, step), start, end);
  return values.map((value) => {
    if (value.id !== id) return value;
    if (field === "event") return { ...value, event: at, known: Math.max(value.known, at) };
    return { ...value, known: Math.max(at, value.event) };
  });
}

export const leaky = (verdict) => verdict === "future" || verdict === "late";

/** What stands in the row of an engine: its pick, joined to the question. */
export function answerOf(result, values) {
  const value = values.find((one) => one.id === result.picked) ?? null;
  return { value, leak: leaky(result.verdict), words: result.says || WORDS[result.verdict] };
}

/** How high a label stands above its lane: the second of two near neighbours goes one line up. */
export function levels(places, room = 40) {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b]);
  const found = places.map(() => 0);
  order.forEach((i, rank) => {
    const before = order[rank - 1];
    if (rank && places[i] - places[before] < room && found[before] === 0) found[i] = 1;
  });
  return found;
}

/** An arrow from a value to the question; its head stops short of the line. */
export function arrow(from, to, y) {
  const gap = to >= from ? -4 : 4;
  const head = to >= from ? -10 : 10;
  if (Math.abs(to - from) < 12) return `M${from} ${y}H${to}`;
  return `M${from} ${y}H${to + gap}M${to + gap + head} ${y - 6}L${to + gap} ${y}L${to + gap + head} ${y + 6}`;
}

/** One sentence for a screen reader. */
export function summary(state) {
  const leaks = state.results.filter((result) => leaky(result.verdict)).map((result) => result.engine);
  const said = state.results.map((result) => `${result.engine} ${answerOf(result, state.values).value?.value ?? "none"}`);
  const warned = leaks.length ? `${plural(leaks.length, "join")} of ${state.results.length} leak: ${leaks.join(", ")}` : "no join leaks";
  return `As of ${state.unit} ${state.observation}: ${said.join(", ")}; ${warned}.`;
}

/** What the ttl can be set to: none, three round spans, and what it is now. */
export function ttls({ start, end, ttl }) {
  const spans = [0.1, 0.25, 0.5].map((share) => Math.round((end - start) * share));
  return [null, ...new Set([...spans, ...(ttl === null ? [] : [ttl])].sort((a, b) => a - b))];
}

/** Where a pointer is in the picture, in its own pixels: a page may be enlarged as a whole. */
export const inside = (clientX, box, width) => ((clientX - box.left) * (width || box.width)) / box.width;

/** What a preset sets; the others of its kind stay as they are. */
export function presetOf(presets, wanted) {
  const { name, values, observation, ttl } = presets.find((one) => one.name === wanted);
  return { preset: name, values, observation, ttl };
}
