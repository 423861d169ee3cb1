// Picture scope: one photo as the model sees it, offline and online, their difference, and what became of it.
import { plural, make, put, kept, rooted, spoken, segmented, tabled, sender, onChange } from "../shared.js";

const NAMES = ["photos", "chosen", "alteration", "gain", "threshold", "decisions", "seen"];
const GAINS = [1, 4, 16];

/** What the decision does, in words. */
export function decided(before, after, threshold, decisions) {
  const [was, now] = [before, after].map((score) => decisions[Number(score >= threshold)]);
  return { words: was === now ? `stays ${now}` : `${was} becomes ${now}`, changed: was !== now };
}

/** A share in percent; what is rare is neither none nor all. */
export function percent(share) {
  if (share > 0 && share < 0.01) return "<1 %";
  return `${share < 1 ? Math.min(99, Math.round(share * 100)) : 100} %`;
}

/** Three digits, and a true minus sign. */
export const cosineWords = (cosine) => cosine.toFixed(3).replace("-0.000", "0.000").replace("-", "−");

/** Facts about a view: what was measured, and the number. */
export const facts = (view, before) => [
  ["pixels that changed", percent(view.changed)],
  ["mean difference", `${view.mean.toFixed(1)} of 255`],
  ["cosine of embeddings", cosineWords(view.cosine)],
  ["score", `${before.toFixed(2)} → ${view.score.toFixed(2)}`],
];

/** What the difference shows, for who does not see it. */
export function described(view, gain) {
  if (view.changed === 0) return "black: no pixel differs";
  return `difference, ${gain === 1 ? "as it is" : `${gain} times as bright`}: ${percent(view.changed)} of the pixels differ, by ${view.mean.toFixed(1)} of 255 levels on average`;
}

/** Rows of the table: every alteration of the photo. */
export const rowsOf = ({ views, score }, threshold, decisions) => views.map((view) => [
  view.name, ...facts(view, score).map(([, text]) => text), decided(score, view.score, threshold, decisions).words,
]);

// -- the page -----------------------------------------------------------------------------------------------------

function figure(title, name) {
  const part = { picture: make("img", { "data-test": name }), text: make("span", { class: "muted" }) };
  return { ...part, node: make("figure", {}, part.picture, make("figcaption", {}, make("b", { text: title }), part.text)) };
}

/** One picture subtracted from the other by the browser: black is equal. */
function difference() {
  const [under, over] = [make("img", { alt: "" }), make("img", { alt: "", class: "over" })];
  const [box, text] = [make("div", { class: "stack", role: "img", "data-test": "difference" }, under, over), make("span", { class: "muted" })];
  const caption = make("figcaption", {}, make("b", { text: "difference" }), text);
  return { under, over, box, text, caption, node: make("figure", {}, box, caption) };
}

/** Buttons of which one is pressed, in as many lines as they need; `fill` draws one. */
function choices(label, css, pick, fill) {
  const box = make("div", { class: css, role: "group", "aria-label": label });
  const build = () => {
    const part = { node: make("button", { type: "button" }), value: null };
    part.node.addEventListener("click", () => pick(part.value));
    return part;
  };
  const update = (values, chosen) => kept(box, values, build, (part, value, i) => {
    part.value = value;
    put(part.node, { "aria-pressed": String(value === chosen) });
    fill(part, i);
  });
  return { node: box, update };
}

function measures() {
  const node = make("dl", { class: "facts" });
  const build = () => {
    const part = { name: make("dt", { class: "muted" }), value: make("dd") };
    return { ...part, node: make("div", {}, part.name, part.value) };
  };
  return { node, update: (found) => kept(node, found, build, (part, [name, text]) => {
    put(part.name, { text: name });
    put(part.value, { text, "data-test": name.split(" ")[0] });
  }) };
}

function render({ model, el }) {
  const root = rooted(el, "picture_scope", "Picture scope");
  const send = sender(model, () => draw());
  const photos = choices("photo", "strip", (chosen) => send({ chosen }), (part, i) => {
    const photo = model.get("photos")[i];
    part.picture ??= part.node.appendChild(make("img", { alt: "" }));
    put(part.picture, { src: photo.picture });
    put(part.node, { "aria-label": `photo ${i + 1}, ${photo.id}, ${photo.text}`, title: photo.text, "data-test": `photo-${i}` });
  });
  const alterations = choices("what the service does otherwise", "chips", (alteration) => send({ alteration }), (part) => put(part.node, { text: part.value, "data-test": part.value }));
  const gains = segmented("brightness of the difference", (gain) => send({ gain }));
  const [outcome, says] = [make("p", { class: "large", "data-test": "outcome" }), make("p", { class: "says", "data-test": "says" })];
  const [offline, online, gap, measured] = [figure("▨ offline", "offline"), figure("● online", "online"), difference(), measures()];
  gap.caption.append(gains.node);
  const stage = make("div", { class: "stage" }, offline.node, online.node, gap.node, measured.node);
  root.append(make("div", { class: "head" }, photos.node, alterations.node), outcome, says, stage);
  const table = tabled(root, "Every alteration of this photo", ["the service", "pixels", "mean difference", "cosine", "score", "decision"]);
  const say = spoken(root);

  function drawPictures(seen, view, gain) {
    put(offline.picture, { src: seen.picture, alt: "the photo as the model sees it offline" });
    put(online.picture, { src: view.picture, alt: `the same photo online: ${view.says}` });
    put(offline.text, { text: "as the model learned it" });
    put(online.text, { text: "as the model is given it" });
    put(gap.under, { src: seen.picture });
    put(gap.over, { src: view.picture });
    put(gap.box, { "aria-label": described(view, gain), style: `filter: brightness(${gain})` });
    put(gap.text, { text: view.changed === 0 ? "no pixel differs" : gain === 1 ? "as it is" : `${gain}× as bright` });
  }

  function draw() {
    const state = Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
    const { seen, gain } = state;
    const view = seen.views.find((one) => one.name === state.alteration) ?? seen.views[0];
    const { words, changed } = decided(seen.score, view.score, state.threshold, state.decisions);
    put(root, { "aria-busy": String(seen.photo !== state.chosen) });
    photos.update(state.photos.map((photo) => photo.id), state.chosen);
    alterations.update(seen.views.map((one) => one.name), view.name);
    put(outcome, { text: words, class: `large ${changed ? "leak" : ""}` });
    put(says, { text: view.says });
    drawPictures(seen, view, gain);
    measured.update(facts(view, seen.score));
    gains.update(GAINS.map((value) => ({ value, text: `${value}×` })), gain);
    table(rowsOf(seen, state.threshold, state.decisions));
    const at = state.photos.findIndex((photo) => photo.id === seen.photo) + 1;
    say(`Photo ${at} of ${plural(state.photos.length, "photo")}, ${view.name}: ${words}. ${facts(view, seen.score).map((fact) => fact.join(" ")).join("; ")}`);
  }

  draw();
  const stops = [onChange(model, NAMES, draw), say.stop, send.flush];
  return () => stops.forEach((stop) => stop());
}

export default { render };
