"""What the generated parts of the documents say: read off the code, or off a run."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from workbench.profiles.workspace import Workspace

ROOT: Final = Path(__file__).resolve().parent.parent
FIGURES: Final = ROOT / "docs" / "figures" / "first_lesson.json"
MANIFESTS: Final = ("raw", "reviews", "clean", "extract")
_HASH: Final = re.compile(r"\b[0-9a-f]{32,64}\b")
_LIBRARIES: Final = re.compile(r"(?<![A-Za-z0-9])(p\d+b\d+)_[0-9a-f]{6}\b")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: str, language: str = "") -> str:
    """Return a fenced block."""
    return f"```{language}\n{text.rstrip()}\n```"


def without_machine(text: str) -> str:
    """Hide what differs from one machine to the next: hashes of floats, versions of libraries."""
    return _LIBRARIES.sub(r"\1_…", _HASH.sub("…", text))


# -- read off the code -------------------------------------------------------------------------------------------


def from_code() -> dict[str, str]:
    """Return the parts that need no run."""
    from workbench import failures

    return {
        "cli-help": cli_help(),
        "exit-codes": exit_codes(),
        "stages": stages(),
        "layout": layout(),
        "silent-failures": silent_failures(),
        "figures": figures_table(),
        "failures": failures_table(_largest(), "workbench"),
        "effects": failures_table(failures.ORDER, "../workbench"),
        "lessons": lessons(),
        "catalogue": failures_in_full(),
        "proof": proof_matrix(),
        "guards": guards_table(),
        "guards-limits": guards_limits(),
    }


def cli_help() -> str:
    """Return what `workbench --help` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "--help"],
        env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return code("\n".join(line.rstrip() for line in done.stdout.splitlines()), "text")


def exit_codes() -> str:
    """Return the table of all exit codes."""
    from workbench import errors

    rows = [["0", "", "all well; `reproduce`: IDENTICAL"]]
    rows += [
        [str(value), f"`{name}`", str(getattr(errors, name).__doc__).splitlines()[0]]
        for name, value in sorted(errors.EXIT_CODES.items(), key=lambda item: item[1])
    ]
    rows += [
        ["4", "", "`reproduce`: EQUIVALENT"],
        ["5", "", "`reproduce`: DIFFERENT"],
        ["130", "", "stopped with Ctrl-C; nothing is lost"],
    ]
    return table(["code", "error", "meaning"], sorted(rows, key=lambda row: int(row[0])))


def stages() -> str:
    """Return what each stage says of itself, as written at the top of its file."""
    from workbench.stages import ORDER

    blocks = []
    for number, name in enumerate(ORDER, 1):
        text = inspect.getdoc(importlib.import_module(f"workbench.stages.{name}")) or ""
        summary, _, rest = text.partition("\n\n")
        summary = " ".join(summary.split()).removeprefix(f"Stage {number}, {name}: ")
        blocks.append(
            f"### {number}. {name}\n\n{summary[0].upper()}{summary[1:]}\n\n{code(rest, 'text')}\n\n"
            f"Source: [`workbench/stages/{name}.py`](../workbench/stages/{name}.py)"
        )
    return "\n\n".join(blocks)


def layout() -> str:
    """Return the folders of a workspace, as `workbench.profiles.workspace` draws them."""
    from workbench.profiles import workspace

    lines = (inspect.getdoc(workspace) or "").splitlines()
    drawn = [line[4:] for line in lines if line.startswith("    ")]
    return code("\n".join(drawn), "text")


def silent_failures() -> str:
    """Return README's table: what can fail silently in each stage, and what stops it here.

    Raises
    ------
    ValueError
        If a row names code or a test that does not exist.
    """
    from workbench.stages import ORDER

    raw = tomllib.loads((ROOT / "docs" / "silent_failures.toml").read_text(encoding="utf-8"))
    rows = sorted(raw["failure"], key=lambda row: ORDER.index(row["stage"]))
    return table(
        ["stage", "what can silently fail", "what stops it here", "where", "lesson"],
        [
            [
                row["stage"],
                row["what"],
                row["stopped"],
                f"{_link(row['code'])} ({_link(row['proof'])})",
                _lesson(row),
            ]
            for row in rows
        ],
    )


def _link(target: str) -> str:
    """Turn ``path#name`` into a link, after a look whether `name` is defined there."""
    path, _, name = target.partition("#")
    if not re.search(rf"\b(?:def|class) {re.escape(name)}\b", (ROOT / path).read_text(encoding="utf-8")):
        raise ValueError(f"docs/silent_failures.toml: there is no {name} in {path}")
    short = "test" if path.startswith("tests/") else f"`{name}`"
    return f"[{short}]({path})"


def _lesson(row: dict[str, str]) -> str:
    if "lesson" not in row:
        return ""
    (path,) = (ROOT / "notebooks").glob(f"{row['lesson']}_*.py")
    return f"[{row['lesson']}](notebooks/{path.name})"


def figures_table() -> str:
    """Return README's figures, from what `scripts.make_figures` has measured over several seasons."""
    raw: dict[str, Any] = json.loads(FIGURES.read_text(encoding="utf-8"))
    seasons = raw["seasons"]

    def cell(name: str) -> str:
        values = [season[name] for season in seasons]
        return f"**{sum(values) / len(values):.2f}** ({min(values):.2f} to {max(values):.2f})"

    rows = [
        ["as known at the time", cell("honest_claimed"), cell("could_have_had")],
        ["newest value joined", cell("claimed"), cell("got")],
    ]
    note = (
        f"Accuracy: mean of {len(seasons)} simulated seasons, smallest to largest. Claimed on {raw['n_test']} fruit, "
        f"got on {raw['n_production']} others. Measured by `{raw['made_by']}`."
    )
    return f"{table(['dataset', 'claimed: its own test set', 'got: production'], rows)}\n\n{note}"


def lessons() -> str:
    """Return the course, one row a lesson."""
    from workbench.lab.course import COURSE

    rows = [
        [f"[{card.number} {card.title}](notebooks/{card.file}.py)", str(card.minutes), card.shows]
        for card in COURSE
    ]
    return table(["lesson", "minutes", "what you will see fail"], rows)


MOST: Final = 3
"""Failures of a family that README shows; docs/FAILURES.md has all."""


def _largest() -> list[str]:
    """Return the failures of each family with the largest effects, and all controls, in the order of the catalogue."""
    from workbench.failure import FAMILIES
    from workbench.failures import ORDER, load
    from workbench.lab.effects import summary

    size = {row["failure"]: max(row["excess_inflation"], row["damage"]) for row in summary()}
    chosen: set[str] = set()
    for family in FAMILIES:
        mine = sorted((name for name in ORDER if load(name).family == family), key=lambda name: -size[name])
        chosen |= set(mine if family == "control" else mine[:MOST])
    return [name for name in ORDER if name in chosen]


def failures_table(names: Sequence[str], package: str) -> str:
    """Return failures with what they were measured to do, from the table of effects.

    Parameters
    ----------
    names : sequence of str
        Of the catalogue.
    package : str
        Path of the package, as links of the text need it.

    Returns
    -------
    str
        A table, and how it was measured.
    """
    from workbench.failures import load
    from workbench.lab.effects import SEEDS, summary

    measured = {row["failure"]: row for row in summary()}
    rows = []
    for failure in map(load, names):
        row = measured.get(failure.name)
        numbers = ["not measured yet"] + [""] * 5
        if row is not None:
            numbers = [f"{row[key]:.2f}" for key in ("claimed", "got", "could_have_had")]
            numbers.append(f"{row['excess_inflation']:+.2f} ({row['least']:+.2f} to {row['most']:+.2f})")
            numbers.append(f"{row['damage']:+.2f}")
            numbers.append(_ratio(row["score_to_rate"], row["cured_score_to_rate"]))
        guard = (
            f"[`{failure.guard}`]({package}/guards/{failure.guard}.py)" if failure.guard else "none needed"
        )
        rows.append(
            [f"[`{failure.name}`]({package}/failures/{failure.name}.py)", failure.family, *numbers, guard]
        )
    head = [
        "failure",
        "family",
        "claimed",
        "got",
        "could have had",
        "excess inflation",
        "damage",
        "p / rate",
        "guard",
    ]
    note = (
        f"At each failure's default strength, at lesson size: mean of {SEEDS['packhouse']} seasons of the packhouse (accuracy) "
        f"or of {SEEDS['gym']} gyms (AUC, since one in twenty leaves), smallest to largest. *p / rate*: mean probability in production over the "
        "share that was positive, and the same after the cure; 1 is right, and AUC is blind to it. Measured by "
        "`make effects`; a test measures a sample again."
    )
    return f"{table(head, rows)}\n\n{note}"


def _ratio(injected: float, cured: float) -> str:
    return "" if cured != cured else f"{injected:.2f} ({cured:.2f})"  # noqa: PLR0124  (NaN: not measured)


def proof_matrix() -> str:
    """Return which guards fired on each failure and on its cure: at lesson size, and on fresh seeds."""
    from workbench.failures import ORDER, load
    from workbench.lab import proof
    from workbench.lab.effects import read

    measured, fresh = read().to_pylist(), proof.read()
    rows = []
    for failure in map(load, ORDER):
        mine = [(row["fired"], row["fired_when_cured"]) for row in measured if row["failure"] == failure.name]
        proofs = [
            (one.fired, one.fired_cured) for one in fresh if one.failure == failure.name and not one.broke
        ]
        own, others, cured = _who_fired(failure.guard, mine)
        own_fresh, _, cured_fresh = _who_fired(failure.guard, proofs)
        rows.append([f"`{failure.name}`", failure.world, failure.guard or "none needed",
                     own, others, cured, own_fresh, cured_fresh])  # fmt: skip
    head = ["failure", "world", "its guard", "fires in", "others that fire", "fires when cured",
            "on fresh seeds fires in", "and when cured"]  # fmt: skip
    note = (
        "First every row of the table of effects: all strengths, models and seeds, at lesson size. Then the default "
        f"strength on {proof.N_SEEDS} seeds of the smallest world that nothing was worked out on (`make proof`). The "
        "tests measure one of these seeds again in full, and some cells of the others, drawn by the day; they fail if "
        "a guard is silent, or fires unasked."
    )
    wrong = [f"{one.failure} on seed {one.seed}: {trouble}" for one, trouble in proof.exceptions(fresh)]
    wrong += [f"{one.failure} cannot be run on seed {one.seed}: {one.broke}" for one in fresh if one.broke]
    said = "; ".join(wrong) or "none"
    return f"{table(head, rows)}\n\n{note}\n\nExceptions among {len(fresh)} runs: {said}."


def _who_fired(own: str, looks: Sequence[tuple[Sequence[str], Sequence[str]]]) -> tuple[str, str, str]:
    """Return how often a failure's own guard fired, which others did, and which did on the cured."""
    from collections import Counter

    fired = Counter(guard for said, _ in looks for guard in said)
    false = Counter(guard for _, cured in looks for guard in cured)
    mine = f"{fired.pop(own, 0)} of {len(looks)}" if own else ""
    others, cured = (
        ", ".join(f"{guard} {n}" for guard, n in sorted(found.items())) or "none" for found in (fired, false)
    )
    return mine, others, cured


def failures_in_full() -> str:
    """Return all entries of the catalogue, in their fixed fields."""
    from workbench.failure import EFFECTS
    from workbench.failures import catalogue

    blocks = []
    for failure in catalogue():
        cures = "\n".join(f"- {cure}: {why}." for cure, why in failure.wrong_cures)
        read = "; ".join(failure.references)
        blocks.append(
            f"## {failure.name}\n\n*{failure.title}*\n\n"
            f"**Family** {failure.family}. **Made in** {failure.stage}. **It {failure.effect}**: {EFFECTS[failure.effect]}.\n\n"
            f"**Symptom.** {failure.symptom}\n\n**Mechanism.** {failure.mechanism}\n\n**Wrong cures.**\n\n{cures}\n\n"
            f"**Cure.** {failure.cure_text}\n\n**Guard.** {failure.guard or 'none: it harms nobody'}. {failure.limits}\n\n"
            f"**Strength.** {failure.strength.means}, {failure.strength.low:g} to {failure.strength.high:g}.\n\n**Read.** {read}"
        )
    return "\n\n".join(blocks)


def guards_table() -> str:
    """Return every guard with how often it fired, from what `scripts.make_rates` has measured."""
    from workbench.lab.rates import read

    rows, last = [], ""
    for rate in read():
        about, field = _about(rate.guard)
        first = [f"[`{rate.guard}`](../workbench/guards/{rate.guard}.py)", about]
        own = rate.guard != last
        last = rate.guard
        cost = field.get("Cost", "") if own else ""
        rows.append([*(first if own else ["", ""]), rate.kind, rate.case, str(rate), cost])
    return table(["guard", "what it asks", "kind", "case", "fired (95 % interval)", "cost"], rows)


def guards_limits() -> str:
    """Return what each guard does not see, as its module says."""
    from workbench.lab.rates import read

    names = dict.fromkeys(rate.guard for rate in read())
    missed = {name: _about(name)[1].get("Misses", "") for name in names}
    return "\n".join(f"- **{name}**: {text}" for name, text in missed.items() if text)


def _about(guard: str) -> tuple[str, dict[str, str]]:
    """Return the first paragraph of a guard's docstring, and its fields: Catches, Misses, Fires, Cost."""
    text = inspect.getdoc(importlib.import_module(f"workbench.guards.{guard}")) or ""
    fields = re.findall(r"^([A-Z][a-z]+) {2,}(.+?)(?=^[A-Z]|\Z)", text, re.DOTALL | re.MULTILINE)
    return " ".join(text.split("\n\n")[0].split()), {name: " ".join(said.split()) for name, said in fields}


# -- read off a run ----------------------------------------------------------------------------------------------


def from_run(ws: Workspace) -> dict[str, str]:
    """Return the parts that show the manifests of a workspace with all seven stages run.

    Parameters
    ----------
    ws : Workspace
        On the packhouse, `tiny`, seed 0.

    Returns
    -------
    dict of str to str
        Name of a part to its content. Hashes are left out: some depend on the machine's floats.
    """
    headers = {f"manifest-{kind}": ws.manifests / kind for kind in MANIFESTS}
    (dataset,) = ws.datasets.glob("dataset_v*_pit_*")
    headers["manifest-dataset"] = dataset
    parts = {name: _json(folder / "manifest.json") for name, folder in headers.items()}
    parts["dataset-card"] = _json(dataset / "card.json")
    return parts


def _json(path: Path) -> str:
    raw = json.loads(path.read_text(encoding="utf-8"))
    text = json.dumps(raw, indent=2, ensure_ascii=False)
    short = re.sub(r"\[\s+([^\[\]{}]{0,60}?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text)
    return code(without_machine(short), "json")
