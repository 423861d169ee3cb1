import assert from "node:assert/strict";
import test from "node:test";

import { firstBroken, rows, linkWords, headline, told, described } from "../../workbench/widgets/lineage_trace/widget.js";

const NODES = [
  { id: "photos", kind: "photos", words: "277 files", promise: "" },
  { id: "raw", kind: "raw", words: "names", promise: "the sha256 of each photo" },
  { id: "clean", kind: "clean", words: "265", promise: "the digest of raw" },
  { id: "model", kind: "model", words: "logistic", promise: "the digest of clean" },
];
const HASHES = { photos: "aaaaaaaaaa", raw: "bbbbbbbbbb", clean: "cccccccccc", model: "dddddddddd" };
const WHOLE = { nodes: NODES, tampers: [{ id: "p", node: "photos", text: "improve one", told: "One was improved." }],
  tampered: "", done: "", hashes: HASHES, before: HASHES, broken: {}, digests: [], says: "" };
const BROKEN = { ...WHOLE, tampered: "p", done: "p", hashes: { ...HASHES, photos: "eeeeeeeeee" },
  broken: { clean: "later", raw: "1 of them has another one now" },
  digests: [{ name: "names", same: true }, { name: "sha256", same: false }] };

test("the first broken link is the one nearest to the source, whatever the order of the findings", () => {
  assert.equal(firstBroken(NODES, {}), null);
  assert.equal(firstBroken(NODES, BROKEN.broken), "raw");
  assert.equal(firstBroken(NODES, { model: "x" }), "model");
});

test("what rests on a broken link is not shown as proven, and what lies before it is", () => {
  assert.deepEqual(rows(WHOLE).map((row) => row.link), ["none", "holds", "holds", "holds"]);
  assert.deepEqual(rows(BROKEN).map((row) => row.link), ["none", "broken", "broken", "unproven"]);
  assert.deepEqual(rows({ ...BROKEN, broken: { clean: "x" } }).map((row) => row.link), ["none", "holds", "broken", "unproven"]);
});

test("a hash that changed is shown beside what it was", () => {
  const [photos, raw] = rows(BROKEN);
  assert.deepEqual([photos.changed, photos.hash, photos.was], [true, "eeeeeeee", "aaaaaaaa"]);
  assert.equal(raw.changed, false);
});

test("a broken link says what it promised and what was found", () => {
  const [photos, raw, , model] = rows(BROKEN).map(linkWords);
  assert.equal(photos, "");
  assert.equal(raw, "the sha256 of each photo: 1 of them has another one now");
  assert.equal(model, "the digest of clean");
});

test("the headline tells whole, broken, unnoticed, failed and at work apart", () => {
  assert.equal(headline(WHOLE), "All 3 links hold");
  assert.equal(headline(BROKEN), "The link of raw breaks first");
  assert.equal(headline({ ...BROKEN, broken: {} }), "Changed, and no link noticed");
  assert.equal(headline({ ...BROKEN, done: "" }), "The kernel is at it …");
  assert.equal(headline({ ...BROKEN, says: "OSError: disk" }), "That did not work");
  assert.equal(told({ ...BROKEN, says: "OSError: disk" }), "OSError: disk");
  assert.equal(told(BROKEN), "One was improved.");
});

test("a screen reader hears what broke and what the other checks said", () => {
  assert.equal(described(BROKEN),
    "The link of raw breaks first. One was improved.. 1 of them has another one now. names: same, sha256: differs".replace("..", "."));
});
