// Panel: native controls whose values are one dictionary.
import { make, put, rooted, sender, onChange } from "../shared.js";

/** What a control holds now, of the type that Python gave. */
export const read = (control, input) =>
  control.kind === "range" ? Number(input.value) : control.kind === "checkbox" ? input.checked : input.value;

/** A number as it is shown: as many digits as its step has. */
export const shown = (value, step) => Number(value).toFixed(Math.max(0, -Math.floor(Math.log10(step))));

function built(control, changed) {
  const attributes = { name: control.name, "data-test": control.name, oninput: changed };
  const input = control.kind === "select"
    ? make("select", attributes, ...control.options.map((text) => make("option", { value: text, text })))
    : make("input", { type: control.kind, ...attributes });
  if (control.kind === "range") put(input, { min: control.low, max: control.high, step: control.step });
  const output = make("output", { class: "figure", hidden: control.kind !== "range" });
  const label = make("span", { class: "muted", text: control.name.replaceAll("_", " ") });
  return { control, input, output, node: make("label", { class: "control" }, label, input, output) };
}

function render({ model, el }) {
  const root = rooted(el, "panel", "Controls");
  const send = sender(model, () => draw());
  const changed = () => send({ values: Object.fromEntries(parts.map((part) => [part.control.name, read(part.control, part.input)])) });
  const parts = model.get("controls").map((control) => built(control, changed));
  root.append(make("div", { class: "controls" }, ...parts.map((part) => part.node)));
  function draw() {
    for (const { control, input, output } of parts) {
      const value = model.get("values")[control.name];
      if (control.kind === "checkbox") input.checked = value;
      else if (read(control, input) !== value) input.value = value;
      if (control.kind === "range") put(output, { text: shown(value, control.step) });
    }
  }
  draw();
  const stop = onChange(model, ["values"], draw);
  return () => {
    send.flush();
    stop();
  };
}

export default { render };
