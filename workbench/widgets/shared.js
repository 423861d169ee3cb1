// What all widgets share. Pure functions first, then what touches the page.
// Python puts this text in the place of each widget's one import: names here are taken.

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Round to a multiple of step, without the dust of binary fractions. */
export const snapped = (value, step) => Number((Math.round(value / step) * step).toFixed(6));

/** A linear scale: from [a, b] to [c, d], and back. */
export function linear([a, b], [c, d]) {
  const to = (value) => c + ((value - a) / (b - a)) * (d - c);
  to.back = (place) => a + ((place - c) / (d - c)) * (b - a);
  return to;
}

/** Round numbers between two ends, about so many. */
export function ticks(start, end, about = 6) {
  const raw = (end - start) / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= raw - 1e-9) * power;
  const found = [];
  for (let at = Math.ceil(start / step - 1e-9) * step; at <= end + 1e-9; at += step) found.push(snapped(at, step / 10));
  return found;
}

/** How far a key moves a handle, in steps; null where the key is not ours. */
export function stepsOf(key, shift = false) {
  const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[key];
  if (key === "Home") return -Infinity;
  if (key === "End") return Infinity;
  return by === undefined ? null : by * (shift ? 5 : 1);
}

export const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

/** Call at most once in wait_ms, at once the first time, and always with the last state. */
export function throttled(call, wait_ms, now = () => performance.now(), later = (f, ms) => setTimeout(f, ms)) {
  let last = -Infinity;
  let waiting = null;
  const run = () => {
    waiting = null;
    last = now();
    call();
  };
  const ask = () => {
    if (waiting !== null) return;
    const left = last + wait_ms - now();
    if (left <= 0) run();
    else waiting = later(run, left);
  };
  ask.flush = () => {
    if (waiting === null) return;
    clearTimeout(waiting);
    run();
  };
  return ask;
}

/** Put a state into the model, draw it and send it: 25 times a second during a drag, and the last one always. */
export function sender(model, draw = () => {}, wait_ms = 40) {
  const save = throttled(() => model.save_changes(), wait_ms);
  const send = (changes) => {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    draw();
    save();
  };
  send.flush = save.flush;
  return send;
}

// -- the page -----------------------------------------------------------------------------------------------------

const SVG_NAMES = new Set("svg g path rect line circle text tspan defs pattern marker polygon title".split(" "));

/** Set attributes; false and null take one away. Texts that have not changed stay untouched. */
export function put(node, attributes = {}) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") {
      if (node.textContent !== String(value)) node.textContent = value;
    } else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === false || value === null || value === undefined) node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : value);
  }
  return node;
}

/** Make an element, HTML or SVG. */
export function make(name, attributes = {}, ...children) {
  const svg = SVG_NAMES.has(name);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  put(node, attributes).append(...children.filter((child) => child !== null));
  return node;
}

/** Keep as many children as there are items, made once and updated in place: a drag must not lose its handle. */
export function kept(parent, items, build, update) {
  parent.parts ??= [];
  while (parent.parts.length > items.length) parent.parts.pop().node.remove();
  items.forEach((item, i) => {
    if (!parent.parts[i]) {
      parent.parts[i] = build(item, i);
      parent.append(parent.parts[i].node);
    }
    update(parent.parts[i], item, i);
  });
}

let roots = 0;
/** Make the root of a widget. Keys stay inside: JupyterLab takes arrow keys for itself. */
export function rooted(el, name, label) {
  const root = make("div", { class: `wb-widget wb-${name}`, role: "group", "aria-label": label, "data-widget": name });
  root.dataset.lmSuppressShortcuts = "true";
  root.addEventListener("keydown", (event) => event.stopPropagation());
  root.key = `wb-${name}-${(roots += 1)}`;
  el.append(root);
  return root;
}

/** A line that a screen reader reads when it has come to rest. */
export function spoken(root, wait_ms = 400) {
  const node = make("p", { class: "hidden", role: "status", "aria-live": "polite", "data-test": "spoken" });
  root.append(node);
  let waiting;
  const say = (text) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => put(node, { text }), wait_ms);
  };
  say.stop = () => clearTimeout(waiting);
  return say;
}

/** The same in a table, closed: for a screen reader, a keyboard and a printed page. */
export function tabled(root, title, columns) {
  const body = make("tbody");
  const head = make("tr", {}, ...columns.map((text) => make("th", { scope: "col", text })));
  const table = make("table", {}, make("caption", { class: "hidden", text: title }), make("thead", {}, head), body);
  root.append(make("details", { "data-test": "table" }, make("summary", { text: "The same in a table" }), table));
  return (rows) => {
    const cell = (_, i) => ({ node: make(i ? "td" : "th", i ? {} : { scope: "row" }) });
    kept(body, rows, () => ({ node: make("tr") }), (line, row) => {
      kept(line.node, row, cell, (part, text) => put(part.node, { text }));
    });
  };
}

/** A row of buttons of which one is pressed: a few choices, all in sight. */
export function segmented(label, pick) {
  const box = make("div", { class: "segmented", role: "group", "aria-label": label });
  const node = make("div", { class: "control" }, make("span", { class: "muted", text: label }), box);
  const update = (options, chosen) => {
    put(node, { hidden: options.length < 2 });
    kept(box, options, () => {
      const part = { node: make("button", { type: "button" }) };
      part.node.addEventListener("click", () => pick(part.value));
      return part;
    }, (part, option) => {
      part.value = option.value;
      put(part.node, { text: option.text, "aria-pressed": String(option.value === chosen) });
    });
  };
  return { node, update };
}

/** Draw again when the width changes; returns what ends it. */
export function onWidth(root, draw) {
  let before = 0;
  const watcher = new ResizeObserver(() => {
    const width = Math.floor(root.clientWidth);
    if (width && width !== before) draw((before = width));
  });
  watcher.observe(root);
  return () => watcher.disconnect();
}

/** Listen to several traits of the model; returns what ends it. */
export function onChange(model, names, draw) {
  for (const name of names) model.on(`change:${name}`, draw);
  return () => names.forEach((name) => model.off(`change:${name}`, draw));
}
