// Point-in-time timeline: drag the question or a value's two times; the kernel asks every join at each move.
import { clamp, snapped, linear, ticks, stepsOf, plural, make, put, kept, rooted, spoken, tabled, segmented, sender, onWidth, onChange } from "../shared.js";
import { TOP, LANES, layout, usable, moved, leaky, answerOf, levels, arrow, summary, ttls, inside, presetOf } from "./rules.js";

const NAMES = ["values", "observation", "ttl", "start", "end", "step", "unit", "subject", "sources", "results", "presets", "preset"];

// -- the page -----------------------------------------------------------------------------------------------------

/** Make a part of the picture a slider: pointer, touch and keys. */
function draggable(node, { now, to, start, end, step, scale, svg }) {
  let held = false;
  const at = (event) => scale().back(inside(event.clientX, svg.getBoundingClientRect(), svg.clientWidth));
  put(node, { tabindex: 0, role: "slider" });
  node.addEventListener("pointerdown", (event) => {
    held = true;
    node.setPointerCapture(event.pointerId);
    node.focus({ preventScroll: true });
    event.preventDefault();
  });
  node.addEventListener("pointermove", (event) => held && to(at(event)));
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) node.addEventListener(name, () => (held = false));
  node.addEventListener("keydown", (event) => {
    const steps = stepsOf(event.key, event.shiftKey);
    if (steps === null) return;
    event.preventDefault();
    to(clamp(now() + steps * step(), start(), end()));
  });
}

function handle(draw, options) {
  const node = make("g", { class: "handle" }, make("circle", { r: 20, class: "reach" }), draw);
  draggable(node, options);
  node.show = (x, y, label, value, words) => {
    put(node, { transform: `translate(${x} ${y})`, "aria-label": label, "aria-valuenow": value, "aria-valuetext": words });
    put(node, { "aria-valuemin": options.start(), "aria-valuemax": options.end() });
  };
  return node;
}

function valuePart(value, ends) {
  const part = { link: make("path", { class: "link" }), label: make("text", { class: "strong", "text-anchor": "middle" }) };
  for (const field of ["event", "known"]) {
    const shape = field === "event" ? make("circle", { r: 9 }) : make("rect", { x: -8, y: -8, width: 16, height: 16 });
    part[field] = handle(shape, ends(value.id, field));
    put(part[field], { "data-test": `${field}-${value.id}` });
  }
  return { ...part, node: make("g", {}, part.link, part.label, part.event, part.known) };
}

function enginePart() {
  const part = {
    rule: make("line", { class: "rule" }),
    name: make("text", { class: "strong" }),
    words: make("text", { class: "words" }),
    arrow: make("path", { class: "arrow" }),
    dot: make("circle", { r: 6 }),
    value: make("text", { class: "large strong", "text-anchor": "end" }),
  };
  return { ...part, node: make("g", { class: "engine" }, ...Object.values(part)) };
}

function drawEngine(part, result, i, state, at, x) {
  const { value, leak, words } = answerOf(result, state.values);
  const y = at.engine(i);
  put(part.node, { class: `engine ${result.verdict} ${leak ? "leak" : ""}`, "data-test": `engine-${i}` });
  put(part.rule, { x1: 0, x2: at.right + 96, y1: y - 32, y2: y - 32 });
  put(part.name, { x: 0, y: y - 8, text: result.engine });
  put(part.words, { x: 0, y: y + 14, text: words.length > 26 ? `${words.slice(0, 25)}…` : words });
  put(part.value, { x: at.right + 96, y: y + 5, text: value ? String(value.value) : "–", "data-test": `answer-${i}` });
  put(part.arrow, { d: value ? arrow(x(value.event), x(state.observation), y - 4) : "M0 0" });
  put(part.dot, { cx: value ? x(value.event) : 0, cy: y - 4, visibility: value ? "visible" : "hidden" });
}

function drawValue(part, value, level, state, x) {
  const [event, known] = [x(value.event), x(value.known)];
  const when = (time) => `${state.unit} ${time}`;
  put(part.node, { class: usable(value, state.observation, state.ttl) ? "value usable" : "value" });
  put(part.link, { d: `M${event} ${LANES.event}L${known} ${LANES.known}` });
  put(part.label, { x: event, y: LANES.event - 18 - 20 * level, text: String(value.value) });
  part.event.show(event, LANES.event, `${value.value} became true`, value.event, `${when(value.event)}, value ${value.value}`);
  part.known.show(known, LANES.known, `${value.value} was recorded`, value.known, `${when(value.known)}, value ${value.value}`);
}

function frame() {
  const parts = {
    band: make("rect", { class: "band", y: TOP, height: LANES.known + 28 - TOP }),
    bandText: make("text", { class: "muted" }),
    axis: make("g", {}),
    lanes: make("path", { class: "lane" }),
    axisName: make("text", { class: "muted", x: 0, y: TOP - 8 }),
    event: make("text", { class: "strong", x: 0, y: LANES.event + 5, text: "○  became true" }),
    known: make("text", { class: "strong", x: 0, y: LANES.known + 5, text: "□  was recorded" }),
    answer: make("text", { class: "muted", y: TOP - 8, "text-anchor": "end", text: "answer" }),
  };
  return { ...parts, node: make("g", { "aria-hidden": "true" }, ...Object.values(parts)) };
}

function drawFrame(parts, state, at, x) {
  kept(parts.axis, ticks(state.start, state.end, (at.right - at.left) / 80), () => {
    const part = { line: make("line", { class: "rule" }), text: make("text", { class: "muted", "text-anchor": "middle" }) };
    return { node: make("g", {}, part.line, part.text), ...part };
  }, (part, value) => {
    put(part.line, { x1: x(value), x2: x(value), y1: TOP, y2: LANES.known + 28 });
    const clear = Math.abs(x(value) - x(state.observation)) > 20;
    put(part.text, { x: x(value), y: TOP - 8, text: value, visibility: clear ? "visible" : "hidden" });
  });
  put(parts.axisName, { text: `time, in ${state.unit}s` });
  put(parts.answer, { x: at.right + 96 });
  put(parts.lanes, { d: `M${at.left} ${LANES.event}H${at.right}M${at.left} ${LANES.known}H${at.right}` });
  const from = state.ttl === null ? at.left : Math.max(at.left, x(state.observation - state.ttl));
  put(parts.band, { x: from, width: Math.max(x(state.observation) - from, 0), visibility: state.ttl === null ? "hidden" : "visible" });
  put(parts.bandText, { x: from + 8, y: LANES.known + 23, text: state.ttl === null ? "" : `ttl ${state.ttl}` });
}

function question(options) {
  const pill = make("rect", { x: -44, y: -16, width: 88, height: 32, rx: 16 });
  const text = make("text", { class: "strong", "text-anchor": "middle", y: 5 });
  const node = handle(make("g", {}, pill, text), options);
  put(node, { class: "handle asked", "data-test": "observation" });
  return { node, line: make("line", { class: "asked-line" }), text };
}

function code(root) {
  const body = make("div");
  const box = make("details", { "data-test": "sources" }, make("summary", { text: "What each join runs" }), body);
  root.append(box);
  return (sources) => {
    put(box, { hidden: !Object.keys(sources).length });
    kept(body, Object.entries(sources), () => {
      const part = { name: make("summary"), text: make("pre", { tabindex: 0 }) };
      return { node: make("details", {}, part.name, part.text), ...part };
    }, (part, [name, text]) => {
      put(part.name, { text: name });
      put(part.text, { text, "aria-label": name });
    });
  };
}

function render({ model, el }) {
  const root = rooted(el, "pit_timeline", "Point-in-time timeline");
  const send = sender(model, () => draw());
  const state = () => Object.fromEntries(NAMES.map((name) => [name, model.get(name)]));
  const first = Object.fromEntries(["values", "observation", "ttl", "preset"].map((name) => [name, model.get(name)]));
  const title = make("p", { class: "title" });
  const verdict = make("p", { class: "large", "data-test": "verdict" });
  const says = make("p", { class: "says", "data-test": "says" });
  const presets = segmented("try", (name) => send(presetOf(model.get("presets"), name)));
  const ttl = segmented("ttl", (value) => send({ ttl: value }));
  const reset = make("button", { type: "button", class: "plain", text: "Reset", "data-test": "reset", onclick: () => send(first) });
  const svg = make("svg", { role: "group", "aria-label": "timeline: drag, or focus a mark and use the arrow keys" });
  const lines = frame();
  const engines = make("g", { "aria-hidden": "true" });
  const values = make("g", {});
  const ends = (read, write) => ({
    now: () => read(state()),
    to: (time) => write(time),
    start: () => model.get("start"),
    end: () => model.get("end"),
    step: () => model.get("step"),
    scale: () => scaleOf(state()),
    svg,
  });
  const asked = question(ends((now) => now.observation, (time) => {
    const at = clamp(snapped(time, model.get("step")), model.get("start"), model.get("end"));
    if (at !== model.get("observation")) send({ observation: at });
  }));
  const endsOf = (id, field) => ends((now) => now.values.find((value) => value.id === id)[field], (time) => {
    const after = moved(model.get("values"), id, field, time, state());
    if (JSON.stringify(after) !== JSON.stringify(model.get("values"))) send({ values: after });
  });
  svg.append(lines.node, engines, asked.line, values, asked.node);
  const head = make("div", {}, title, verdict);
  put(presets.node, { class: "control presets" });
  root.append(presets.node, make("div", { class: "head" }, head, make("div", { class: "controls" }, ttl.node, reset)), says, svg);
  const sources = code(root);
  const table = tabled(root, "Answers", ["join", "answer", "true from", "recorded", "verdict"]);
  const say = spoken(root);
  const width = () => Math.max(root.clientWidth - 48, 496);
  const scaleOf = (now) => {
    const at = layout(width(), now.results.length);
    return linear([now.start, now.end], [at.left, at.right]);
  };

  function draw() {
    const now = state();
    const at = layout(width(), now.results.length);
    const x = scaleOf(now);
    const leaks = now.results.filter((result) => leaky(result.verdict)).length;
    put(svg, { height: at.bottom, style: `min-width: ${at.right + 96}px` });
    put(title, { text: `${now.subject} as of ${now.unit} ${now.observation}` });
    put(verdict, { text: leaks ? `${leaks} of ${plural(now.results.length, "join")} leak` : "no join leaks here", class: `large ${leaks ? "leak" : "known"}` });
    presets.update(now.presets.map(({ name }) => ({ value: name, text: name })), now.preset);
    const said = now.presets.find(({ name }) => name === now.preset)?.says ?? "";
    put(says, { text: said, hidden: !said });
    ttl.update(ttls(now).map((value) => ({ value, text: value === null ? "none" : `${value} ${now.unit}s` })), now.ttl);
    drawFrame(lines, now, at, x);
    put(asked.line, { x1: x(now.observation), x2: x(now.observation), y1: 32, y2: at.bottom - 8 });
    put(asked.text, { text: `${now.unit} ${now.observation}` });
    asked.node.show(x(now.observation), 16, "time asked about", now.observation, `${now.unit} ${now.observation}`);
    const high = levels(now.values.map((value) => x(value.event)));
    kept(values, now.values, (value) => valuePart(value, endsOf), (part, value, i) => drawValue(part, value, high[i], now, x));
    kept(engines, now.results, enginePart, (part, result, i) => drawEngine(part, result, i, now, at, x));
    sources(now.sources);
    table(now.results.map((result) => {
      const { value, words } = answerOf(result, now.values);
      return [result.engine, ...(value ? [value.value, value.event, value.known] : ["none", "", ""]).map(String), words];
    }));
    say(summary(now));
  }

  draw();
  const stops = [onWidth(root, draw), onChange(model, NAMES, draw), say.stop, send.flush];
  return () => stops.forEach((stop) => stop());
}

export default { render };
