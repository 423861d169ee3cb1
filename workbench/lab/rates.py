"""How often each guard fires, and how often it should not have: measured by `make rates`, read here.

Each case was looked at on at least 30 seeds that no threshold was chosen on. A seed that a guard could not judge
counts against it: among flaws as one that was missed, elsewhere as one that proves nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FILE: Final = "rates.json"
KINDS: Final = {
    "clean": "nothing is wrong: it should be silent",
    "flaw": "planted: it should fire",
    "blind": "planted, and documented as what it does not see",
    "misused": "nothing is wrong, but it is asked in a way that its text warns of",
}
LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a guard fired in one case.

    Attributes
    ----------
    guard : str
        Its module in `workbench.guards`.
    case : str
        What was done to the world.
    kind : str
        One of `KINDS`.
    first_seed : int
        The others follow.
    verdicts : str
        One letter a seed: ``1`` fired, ``0`` silent, ``?`` could not judge.
    """

    guard: str
    case: str
    kind: str
    first_seed: int
    verdicts: str

    @property
    def n(self) -> int:
        """Seeds."""
        return len(self.verdicts)

    @property
    def fired(self) -> int:
        """Seeds on which it fired."""
        return self.verdicts.count("1")

    @property
    def could_not_judge(self) -> int:
        """Seeds on which it could not judge."""
        return self.verdicts.count("?")

    @property
    def of(self) -> int:
        """Seeds that count: all for a flaw, else those that were judged."""
        return self.n if self.kind == "flaw" else self.n - self.could_not_judge

    @property
    def interval(self) -> tuple[float, float]:
        """The exact 95 % interval of the rate (Clopper and Pearson 1934), 0 to 1."""
        from scipy.special import betaincinv  # scipy.stats would take a second to load

        k, rest, tail = self.fired, self.of - self.fired, (1 - LEVEL) / 2
        low = float(betaincinv(k, rest + 1, tail)) if k else 0.0
        high = float(betaincinv(k + 1, rest, 1 - tail)) if rest else 1.0
        return low, high

    def __str__(self) -> str:
        low, high = self.interval
        unjudged = f", {self.could_not_judge} could not be judged" if self.could_not_judge else ""
        return f"{self.fired} of {self.of} ({low:.0%} to {high:.0%}){unjudged}"

    def to_dict(self) -> dict[str, Any]:
        """Return the row of the file: counts stand beside the verdicts for whoever reads it by eye."""
        counts = {"n": self.n, "fired": self.fired, "could_not_judge": self.could_not_judge}
        seeds = [self.first_seed, self.first_seed + self.n - 1]
        named = {"guard": self.guard, "case": self.case, "kind": self.kind}
        return named | counts | {"seeds": seeds, "verdicts": self.verdicts}


def folder() -> Path:
    """Return where the file lies: in the repository, or in the installed package, beside the table of effects."""
    beside = Path(__file__).resolve().parent.parent
    shipped = beside / "_effects"
    return shipped if shipped.is_dir() else beside.parent / "data" / "effects"


def read() -> tuple[Rate, ...]:
    """Return all rates, guards together.

    Returns
    -------
    tuple of Rate
        In the order in which they were measured.

    Raises
    ------
    ManifestError
        If the file is not there.
    """
    path = folder() / FILE
    if not path.is_file():
        raise ManifestError(f"there are no rates at {path}", hint="measure them with `make rates`")
    return tuple(
        Rate(row["guard"], row["case"], row["kind"], row["seeds"][0], row["verdicts"])
        for row in json.loads(path.read_text(encoding="utf-8"))
    )


def write(rates: Iterable[Rate]) -> None:
    """Write the file anew, one line a case."""
    rows = [json.dumps(rate.to_dict(), ensure_ascii=False) for rate in rates]
    path = folder() / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{FILE}")
    beside.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")
    beside.replace(path)


def in_one_line(guard: str) -> str:
    """Return what was measured of a guard, in one line.

    Parameters
    ----------
    guard : str
        Its module in `workbench.guards`.

    Returns
    -------
    str
        Detection, false positives and what it is blind to; empty where it was not measured.
    """
    mine = [rate for rate in read() if rate.guard == guard]
    parts = [
        f"{_range(some)} {what}"
        for kind, what in (
            ("flaw", "with a flaw"),
            ("clean", "clean"),
            ("blind", "with what it does not see"),
        )
        if (some := [rate for rate in mine if rate.kind == kind])
    ]
    if not parts:
        return ""
    highest = max((rate.interval[1] for rate in mine if rate.kind == "clean"), default=1.0)
    return f"fired on {', '.join(parts)}; false positives: {highest:.0%} at most, by the 95 % interval"


def _range(rates: Sequence[Rate]) -> str:
    """Return ``30 of 30``, or ``12 to 30 of 30`` in several cases."""
    fewest = min(rates, key=lambda rate: rate.fired / max(1, rate.of))
    most = max(rates, key=lambda rate: rate.fired / max(1, rate.of))
    if (fewest.fired, fewest.of) == (most.fired, most.of):
        return f"{most.fired} of {most.of}"
    between = str(fewest.fired) if fewest.of == most.of else f"{fewest.fired} of {fewest.of}"
    return f"{between} to {most.fired} of {most.of}"
