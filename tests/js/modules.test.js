// Every widget as the browser gets it: the shared module put in, the module sound, one way in.
// WIDGET_MODULES names a folder of those files; `tests/js/test_js.py` writes it.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import test from "node:test";
import { pathToFileURL } from "node:url";

const folder = process.env.WIDGET_MODULES;
const files = folder ? readdirSync(folder).filter((name) => name.endsWith(".mjs")) : [];

test("there are modules to look at", { skip: folder ? false : "run by pytest" }, () => {
  assert.ok(files.length >= 6);
});

for (const name of files) {
  test(`${name} is one module with one way in`, async () => {
    const module = await import(pathToFileURL(`${folder}/${name}`));
    assert.equal(typeof module.default.render, "function");
    const taken = Object.keys(module).filter((key) => key === "render" || key === "initialize");
    assert.deepEqual(taken, []);
  });
}
