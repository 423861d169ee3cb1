"""``workbench status``: the lineage of a workspace, read from the headers on disk alone.

Every hash is the one that the next manifest names as its parent; where the two differ, the
child was made from something that is no longer there, and the tree says so.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from workbench.cli.screen import counted, describe_world, features_by
from workbench.manifests import has_manifest, read_header
from workbench.profiles.members import has_tables
from workbench.profiles.runs import CHAMPION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.table import Table
    from rich.text import Text
    from rich.tree import Tree

    from workbench.manifests import Header
    from workbench.profiles.workspace import Workspace

RARE: Final = 0.9
"""Accuracy of always saying the same, above which accuracy is not worth a line."""


def lineage(ws: Workspace) -> Tree:
    """Return raw, clean, extract, view, datasets, runs and what they served, as a tree.

    Parameters
    ----------
    ws : Workspace
        Open. Only headers, cards and run records are read.

    Returns
    -------
    rich.tree.Tree
        To be printed on a console with our styles.
    """
    from rich.tree import Tree

    said = f"  {describe_world(ws.settings.world)} · {features_by(ws)} · {ws.settings.learner_id}"
    tree = Tree(_text((ws.name, "name"), (said, "quiet")), guide_style="quiet")
    node = tree
    headers = _headers(ws)
    for kind, header in headers.items():
        node = node.add(_manifest_line(kind, header, headers))
    if not headers:
        tree.add(_text(("nothing yet: workbench run", "quiet")))
    if "extract" in headers:
        view = str(headers["extract"].extra["view"])
        others = [path.name for path in sorted(ws.features.iterdir()) if path.name != view]
        node = node.add(_text(("view      ", "quiet"), (view, "name")))
        for other in others:
            node.add(_text(("view      ", "quiet"), (f"{other}, of an earlier encoder", "quiet")))
    _add_datasets(ws, node, headers)
    return tree


def _text(*parts: tuple[str, str]) -> Text:
    from rich.text import Text

    return Text.assemble(*parts)


def _headers(ws: Workspace) -> dict[str, Header]:
    kinds = ("raw", "clean", "extract")
    return {kind: read_header(ws.manifests / kind) for kind in kinds if has_manifest(ws.manifests / kind)}


def _manifest_line(kind: str, header: Header, headers: Mapping[str, Header]) -> Text:
    """Return name, digest, counts, reasons of the quarantine, and whether a parent has changed."""
    line = _text((f"{kind:<10}", "name"), (header.digest[:8], "hash"), (f"  {counted(header.counts)}", ""))
    reasons = header.extra.get("reasons") or {}
    if reasons:
        line.append(f"\n{'':<10}quarantined: {counted(reasons)}", style="warn")
    line.append_text(_stale(header.extra.get("parents") or {}, headers))
    return line


def _stale(parents: Mapping[str, str], headers: Mapping[str, Header]) -> Text:
    changed = [kind for kind, digest in parents.items() if kind in headers and headers[kind].digest != digest]
    said = [f"\n{'':<20}stale: made from {kind} {parents[kind][:8]}" for kind in changed]
    return _text(*((text, "bad") for text in said))


def _add_datasets(ws: Workspace, node: Tree, headers: Mapping[str, Header]) -> None:
    from workbench.profiles.runs import Runs

    names: dict[str, list[str]] = {}
    for alias, run_id in Runs(ws).aliases().items():
        names.setdefault(run_id, []).append(alias)
    runs = list(_records(ws.runs, "run.json"))
    for _, card in _records(ws.datasets, "card.json"):
        kind, style = ("as of", "ok") if card["point_in_time"] else ("latest value: leaky", "bad")
        line = _text(("dataset   ", "quiet"), (card["content_hash"][:8], "hash"), (f"  {card['dataset_id']}", "name"),
                     (f"  {kind}", style), (f"\n{'':<20}{counted(card['split_counts'])}", ""))  # fmt: skip
        line.append_text(_stale(card["parents"], headers))
        branch = node.add(line)
        for folder, run in runs:
            if run["dataset"]["dataset_id"] == card["dataset_id"]:
                _add_run(ws, branch, run, names.get(folder.name, []))


def _add_run(ws: Workspace, branch: Tree, run: Mapping[str, Any], names: Sequence[str]) -> None:
    run_id = run["run_id"]
    line = _text(("run       ", "quiet"), (run_id[:8], "hash"), (f"  {_claims(run['metrics'])}", ""))
    for name in names:
        line.append(f"  ★ {name}", style="ok" if name == CHAMPION else "warn")
    leaf = branch.add(line)
    served = ws.served / run_id
    if has_manifest(served):
        header = read_header(served)
        leaf.add(
            _text(("served    ", "quiet"), (header.digest[:8], "hash"), (f"  {counted(header.counts)}", ""))
        )


def _claims(metrics: Mapping[str, Any]) -> str:
    """Return what the run says about its own test set: ``claims accuracy 0.84 [0.77, 0.90] on 60 groups``.

    Where one class is rare, accuracy says little: the AUC stands there instead.
    """
    if "test" not in metrics:
        return "claims nothing: there was no test split"
    test = metrics["test"]
    rare = "roc_auc" in test["metrics"] and test["metrics"]["constant_accuracy"]["value"] > RARE
    name = "roc_auc" if rare else "accuracy"
    m = test["metrics"][name]
    return f"claims {'AUC' if rare else name} {m['value']:.2f} [{m['low']:.2f}, {m['high']:.2f}] on {test['n_groups']} groups"


def _records(folder: Path, name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield each record below a folder, oldest first."""
    paths = sorted(folder.glob(f"*/{name}"), key=lambda path: (path.stat().st_mtime_ns, path))
    for path in paths:
        yield path.parent, json.loads(path.read_text(encoding="utf-8"))


def summary(ws: Workspace) -> Table:
    """Return what was made and where, in a few lines.

    Parameters
    ----------
    ws : Workspace
        With all stages run.

    Returns
    -------
    rich.table.Table
        One line a thing, with its path in the workspace.
    """
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, said, where in _made(ws):
        table.add_row("", _text((name, "name")), said, _text((where, "quiet")))
    return table


def _made(ws: Workspace) -> Iterator[tuple[str, str, str]]:
    from workbench.profiles.runs import Runs

    headers = _headers(ws)
    record = Runs(ws).record(CHAMPION)
    yield (
        "tables" if has_tables(ws) else "photos",
        counted(headers["clean"].counts),
        "manifests/raw, manifests/clean",
    )
    yield (
        "features",
        f"{headers['extract'].rows:,} {'rows' if has_tables(ws) else 'embeddings'}, {headers['extract'].extra['card']['spec']}",
        f"features/{headers['extract'].extra['view']}",
    )
    yield "dataset", counted(record.dataset.split_counts), f"datasets/{record.dataset.dataset_id}"
    yield "model", _claims(record.metrics), f"runs/{record.run_id}"
    if has_manifest(ws.served / record.run_id):
        yield "served", counted(read_header(ws.served / record.run_id).counts), f"served/{record.run_id}"
    verdict = ws.root / "verdicts" / f"{record.run_id}.json"
    if verdict.is_file():
        yield "made again", json.loads(verdict.read_text(encoding="utf-8"))["word"], ws.relative(verdict)
    yield "all in", "", str(ws.root)
