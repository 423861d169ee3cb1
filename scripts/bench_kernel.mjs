// The kernel's part of the widget bench: the same rules as Python's, for a page that has no Python.
// `tests/js` compares them with the real ones.

/** Which value each join picks: newest, as of event time, as of both times, and both times once more. */
export const ENGINES = {
  "newest value": (values) => newest(values),
  "as of event time": (values, at, ttl) => fresh(newest(values.filter((value) => value.event <= at)), at, ttl),
  "as of both times": (values, at, ttl) => fresh(newest(values.filter((value) => value.event <= at && value.known <= at)), at, ttl),
  "by brute force": (values, at, ttl) => fresh(looped(values, at), at, ttl),
};

const fresh = (value, at, ttl) => (value && (ttl === null || at - value.event <= ttl) ? value : null);

/** The newest event; of ties, the one recorded last, then the last row. */
function newest(values) {
  return values.reduce((best, value) => (best && rank(best, value) > 0 ? best : value), null);
}

const rank = (one, other) => one.event - other.event || one.known - other.known;

function looped(values, at) {
  let best = null;
  for (const value of values) {
    if (value.event > at || value.known > at) continue;
    if (best === null || rank(value, best) >= 0) best = value;
  }
  return best;
}

export function judged(value, at, ttl) {
  if (!value) return "nothing";
  if (value.event > at) return "future";
  if (value.known > at) return "late";
  return ttl !== null && at - value.event > ttl ? "old" : "known";
}

/** What Python's observers would do. `secrets` are what the page holds only here: answers, hints. */
export const KERNELS = {
  pit_timeline(model) {
    const [values, at, ttl] = ["values", "observation", "ttl"].map((name) => model.get(name));
    const results = Object.entries(ENGINES).map(([engine, pick]) => {
      const value = pick(values, at, ttl);
      return { engine, picked: value?.id ?? null, verdict: judged(value, at, ttl), says: "" };
    });
    model.answer({ results });
  },
  predict(model, secrets) {
    if (model.get("opened") && model.get("answer") === null) model.answer(secrets);
  },
  picture_scope(model, secrets) {
    const seen = secrets.seen[model.get("chosen")];
    if (seen.photo !== model.get("seen").photo) model.answer({ seen });
  },
  checkpoint(model, secrets) {
    model.answer({ hints: secrets.hints.slice(0, model.get("hints_asked")) });
    const last = secrets.reports[Math.min(model.get("asked"), secrets.reports.length - 1)];
    model.answer({ report: last, passed: last.every((line) => line.passed) });
  },
  lineage_trace(model, secrets) {
    model.answer(secrets.states[model.get("tampered")]);
  },
};
