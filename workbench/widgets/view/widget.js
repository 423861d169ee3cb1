// View: shows a text that the kernel computes.
import { make, put, rooted, onChange } from "../shared.js";

function render({ model, el }) {
  const root = rooted(el, "view", "Result");
  const words = make("pre", { "data-test": "words", "aria-live": "polite" });
  const html = make("div", { "aria-live": "polite" });
  root.append(words, html);
  function draw() {
    const drawn = model.get("html");
    put(words, { text: model.get("words"), hidden: Boolean(drawn) });
    put(html, { hidden: !drawn });
    html.innerHTML = drawn; // from the learner's own kernel
  }
  draw();
  return onChange(model, ["html", "words"], draw);
}

export default { render };
