"""The verbs of `workbench guard`. Everything heavy is imported inside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Findings and offenders for programs.")]
AsPage = Annotated[
    Path | None, typer.Option("--report", help="Write the findings and the worst rows as one HTML page too.")
]
Sides = Annotated[str, typer.Option(help="Values of the split: what was learned from, and what judges.")]

FEAST_HELP = """Read a Feast repository for what fails without a word, and ask both stores for a sample.

This imports every Python file of the repository, as `feast apply` does: give one that you trust.
Nothing is applied or written, and its registry, which may hold code, is not opened.
"""

guard_app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False
)


@guard_app.callback()
def guard() -> None:
    """Run the guards on your own tables, photos or Feast repository.

    Exit code 0: clean, 1: found, 2: could not judge, or bad input.
    """


@guard_app.command("leakage")
def guard_leakage(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, one row an observation.")],
    label: Annotated[str, typer.Option(help="Column of the label.")],
    positive: Annotated[
        str | None, typer.Option(help="Value of the positive class [default: the rarer of two].")
    ] = None,
    time: Annotated[str | None, typer.Option(help="Column of the observation time.")] = None,
    known_at: Annotated[
        str | None, typer.Option(help="Column that says when a row's features were recorded.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="Column of the entity or group.")] = None,
    split: Annotated[str | None, typer.Option(help="Column that names the side of each row.")] = None,
    sides: Sides = "train,test",
    horizon_days: Annotated[float, typer.Option(help="Length of the label window.")] = 30.0,
    extracted_at: Annotated[str | None, typer.Option(help="When the table was made (ISO 8601).")] = None,
    ignore: Annotated[str, typer.Option(help="Columns that are no features: ids, times of load (a,b).")] = "",
    report: AsPage = None,
    as_json: AsJson = False,
) -> None:
    """Look for leakage: every guard for which the columns are named."""
    from workbench.cli.guard import show
    from workbench.lab.own_data import Columns, look_for_leakage, two_sides

    columns = Columns(
        label=label,
        positive=positive,
        time=time,
        known_at=known_at,
        group=group,
        split=split,
        sides=two_sides(sides),
        horizon_days=horizon_days,
        extracted_at=extracted_at,
        ignore=_names(ignore),
    )
    raise typer.Exit(show(lambda: look_for_leakage(file, columns), as_json=as_json, page=report))


@guard_app.command("parity")
def guard_parity(
    offline: Annotated[Path, typer.Argument(help="What the model is trained on: CSV or Parquet.")],
    online: Annotated[Path, typer.Argument(help="What it was served, for the same keys.")],
    key: Annotated[str, typer.Option(help="Column that names a row, or several (a,b).")],
    time: Annotated[str | None, typer.Option(help="Column of the observation time: a key too.")] = None,
    columns: Annotated[
        str, typer.Option(help="Columns to compare (a,b) [default: all that both have].")
    ] = "",
    report: AsPage = None,
    as_json: AsJson = False,
) -> None:
    """Compare training and serving, key by key; name the shape of each mismatch."""
    from workbench.cli.guard import show
    from workbench.lab.own_data import compare

    keys = (*_names(key), *([time] if time else []))
    raise typer.Exit(
        show(
            lambda: compare(offline, online, keys=keys, columns=_names(columns)), as_json=as_json, page=report
        )
    )


@guard_app.command("images")
def guard_images(
    folder: Annotated[Path, typer.Argument(help="With the photos.")],
    split: Annotated[
        Path, typer.Option(help="CSV or Parquet: path, split, and perhaps group, device, label.")
    ],
    group_column: Annotated[str | None, typer.Option(help="[default: group, where there is one]")] = None,
    device_column: Annotated[str | None, typer.Option(help="[default: device, else EXIF]")] = None,
    label_column: Annotated[str | None, typer.Option(help="[default: label, where there is one]")] = None,
    sides: Sides = "train,test",
    report: AsPage = None,
    as_json: AsJson = False,
) -> None:
    """Look across a split of photos: near-duplicates, shared groups, telling cameras."""
    from workbench.cli.guard import show
    from workbench.lab.own_data import two_sides
    from workbench.lab.own_pictures import Roles, look_at_photos

    roles = Roles(group_column, device_column, label_column, two_sides(sides))
    raise typer.Exit(show(lambda: look_at_photos(folder, split, roles), as_json=as_json, page=report))


@guard_app.command("feast", help=FEAST_HELP)
def guard_feast(
    repo: Annotated[Path, typer.Argument(help="Folder with feature_store.yaml.")],
    online: Annotated[
        bool, typer.Option("--online", help="Ask the online store also where it is a server.")
    ] = False,
    report: AsPage = None,
    as_json: AsJson = False,
) -> None:
    """Read a Feast repository for what fails without a word, and ask both stores for a sample."""
    from workbench.cli.guard import feast_report, show

    raise typer.Exit(show(lambda: feast_report(repo, ask_online=online), as_json=as_json, page=report))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))
