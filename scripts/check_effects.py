"""Measure some rows of the table of effects again, and compare: by default the five largest, on seed 0.

A score must lie within the interval that the table gives it; guards must say the same.

Usage: python -m scripts.check_effects [--top 5] [--random 0]
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
from typing import TYPE_CHECKING, Any, Final

from workbench.clock import utc_now
from workbench.failures import load
from workbench.lab.effects import FILE, folder, read, row_of
from workbench.lab.trial import try_failure

if TYPE_CHECKING:
    from collections.abc import Sequence

SCORES: Final = ("claimed", "got", "could_have_had", "excess_inflation", "damage")
_ROUNDED: Final = 1e-9  # an interval of no width holds its own value


def largest(rows: Sequence[dict[str, Any]], n: int) -> list[dict[str, Any]]:
    """Return the rows of seed 0 with the largest effects, one a failure, at its default strength.

    Parameters
    ----------
    rows : sequence of dict
        Of the table.
    n : int
        How many.

    Returns
    -------
    list of dict
        By excess inflation or damage, whichever is larger.
    """
    mine = [
        row
        for row in rows
        if row["seed"] == 0
        and row["strength"] == load(row["failure"]).strength.default
        and row["model"] == load(row["failure"]).family_of_model
    ]
    return sorted(mine, key=lambda row: -max(row["excess_inflation"], row["damage"]))[:n]


def drawn(rows: Sequence[dict[str, Any]], n: int) -> list[dict[str, Any]]:
    """Return rows at random; another day and another table draw others, so that each row has its turn."""
    dice = random.Random(f"{utc_now():%Y-%m-%d} {(folder() / FILE).stat().st_size}")  # noqa: S311  (no secret)
    return dice.sample(list(rows), n)


def again(row: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Measure a row again.

    Parameters
    ----------
    row : dict
        Of the table.

    Returns
    -------
    tuple of dict and list of str
        The new row, and what is not as the table says.
    """
    new = row_of(try_failure(row["failure"], row["strength"], seed=row["seed"], model=row["model"]))
    found = [
        f"{name} is {new[name]:.3f}, outside [{row[f'{name}_low']:.3f}, {row[f'{name}_high']:.3f}]"
        for name in SCORES
        if not row[f"{name}_low"] - _ROUNDED <= new[name] <= row[f"{name}_high"] + _ROUNDED
    ]
    found += [
        f"{name}: {new[name]}, not {row[name]}"
        for name in ("fired", "fired_when_cured")
        if new[name] != row[name]
    ]
    return new, found


def main() -> int:
    """Measure and compare.

    Returns
    -------
    int
        1 if anything is not as the table says.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--top", type=int, default=5)
    parser.add_argument("--random", type=int, default=0)
    options = parser.parse_args()
    rows = read().to_pylist()
    chosen = [*largest(rows, options.top), *drawn(rows, options.random)]
    wrong = 0
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("WORKBENCH_HOME", home)
        for row in chosen:
            new, found = again(row)
            wrong += bool(found)
            said = "; ".join(found) or "as the table says"
            print(
                f"{row['failure']:40} claimed {new['claimed']:.2f} got {new['got']:.2f} "
                f"could have had {new['could_have_had']:.2f} excess {new['excess_inflation']:+.2f}  {said}",
                flush=True,
            )
    print(f"{len(chosen)} rows measured again, {wrong} differ")
    return 1 if wrong or not chosen else 0


if __name__ == "__main__":
    raise SystemExit(main())
