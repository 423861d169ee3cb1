"""The guards on anybody's photos: hash what a list names, then look across its split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import GuardError
from workbench.guards.columns import SIDES, sides_of
from workbench.lab.own_files import Report, judged, read_rows, require_named

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from workbench.guards.evidence import Finding

PATH, SPLIT, GROUP, DEVICE, LABEL = "path", "split", "group", "device", "label"
_EXIF_DEVICE: Final = "exif_device"
LABEL_THRESHOLD: Final = 0.15
"""Share of near-duplicates that is a finding where no column says which photos show one thing."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What the columns of a list of photos mean; None: the usual name, where there is one.

    Attributes
    ----------
    group : str, optional
        Things whose photos belong together; ``group``.
    device : str, optional
        Camera; ``device``, else what the EXIF blocks say.
    label : str, optional
        Label; ``label``.
    sides : tuple of two str
        Values of ``split`` for what was learned from and what judges.
    """

    group: str | None = None
    device: str | None = None
    label: str | None = None
    sides: tuple[str, str] = SIDES


def look_at_photos(folder: Path, split: Path, roles: Roles | None = None) -> Report:
    """Look for near-duplicates, shared groups and telling cameras across a split.

    Parameters
    ----------
    folder : Path
        With the photos; nothing outside it is read.
    split : Path
        CSV or Parquet with ``path`` (below the folder) and ``split``, and perhaps ``group``, ``device``, ``label``.
    roles : Roles, optional
        Other names of columns.

    Returns
    -------
    Report
        With what was not run, and the column that it needs.

    Raises
    ------
    GuardError
        If the list or a photo that it names cannot be read, or a column is missing.
    """
    roles = roles or Roles()
    if not folder.is_dir():
        raise GuardError(f"{folder} is not a folder", hint="give the folder that the paths are below")
    listed = read_rows(split)
    asked = [name for name in (roles.group, roles.device, roles.label) if name]
    require_named(listed, [PATH, SPLIT, *asked], split.name)
    rows, problems = _with_hashes(listed, folder)
    group, label = _role(listed, roles.group, GROUP), _role(listed, roles.label, LABEL)
    device = _role(listed, roles.device, DEVICE)
    if device is None and rows[_EXIF_DEVICE].null_count < rows.num_rows:
        device = _EXIF_DEVICE
    found = [judged("near_duplicates", lambda: _copies(rows, (group, label), device, roles))]
    lacking: list[tuple[str, str]] = []
    if group:
        found.append(judged("group_overlap", lambda: _groups(rows, group, roles)))
    else:
        lacking.append(("group_overlap", "a column group"))
    if label and device:
        found.append(judged("exif_association", lambda: _cameras(rows, label, device, group)))
    else:
        lacking.append(("exif_association", "the columns label and device, or EXIF in the photos"))
    return Report(
        str(folder),
        tuple(found),
        tuple(lacking),
        _notes(rows, problems, device, by_label=bool(label and not group)),
        folder,
    )


def _role(rows: pa.Table, named: str | None, usual: str) -> str | None:
    return named or (usual if usual in rows.column_names else None)


def _with_hashes(listed: pa.Table, folder: Path) -> tuple[pa.Table, list[str]]:
    """Add the hash of each photo and of its mirror image, and its camera; say which cannot be decoded."""
    import pyarrow as pa

    seen, problems = [], []
    root = folder.resolve()
    for name in listed[PATH].to_pylist():
        looks, problem = _look(root, name)
        seen.append(looks)
        if problem:
            problems.append(f"{name}: {problem}")
    if len(problems) == len(seen):
        raise GuardError(f"none of {len(seen)} photos can be decoded", hint=problems[0])
    rows = listed.append_column("uri", listed[PATH]) if "uri" not in listed.column_names else listed
    for at, column in enumerate(("phash", "phash_mirrored", _EXIF_DEVICE)):
        if column in rows.column_names:
            rows = rows.drop_columns([column])
        rows = rows.append_column(column, pa.array([looks[at] for looks in seen], pa.string()))
    return rows, problems


def _look(root: Path, name: Any) -> tuple[tuple[str | None, str | None, str | None], str]:
    from PIL import ImageOps

    from workbench.pictures import PictureProblem, open_picture, perceptual_hash, read_exif

    place = (root / str(name)).resolve()
    if not name or not place.is_relative_to(root):
        raise GuardError(f"{name!r} is not below {root}", hint="paths in the list are below the folder")
    try:
        data = place.read_bytes()
    except OSError as error:
        raise GuardError(f"{place} cannot be read: {error.strerror}", hint="correct the list") from error
    try:
        image = open_picture(data).image
    except PictureProblem as problem:
        return (None, None, None), str(problem)
    return (perceptual_hash(image), perceptual_hash(ImageOps.mirror(image)), read_exif(data).device), ""


def _copies(
    rows: pa.Table, groups: tuple[str | None, str | None], device: str | None, roles: Roles
) -> Finding:
    """Look for copies; where only labels tell things apart, things of one label are alike without being copies."""
    from workbench.guards import near_duplicates as guard

    group, label = groups
    seen = guard.measure(rows, split=SPLIT, group=group or label, device=device, sides=roles.sides)
    found = guard.check(seen, threshold=LABEL_THRESHOLD if label and not group else guard.THRESHOLD)
    evidence = found.evidence
    if evidence is None or evidence.offenders is None:
        return found
    pairs = evidence.offenders.drop_columns(["cosine"])  # there are no embeddings here
    return replace(found, evidence=replace(evidence, offenders=pairs))


def _groups(rows: pa.Table, group: str, roles: Roles) -> Finding:
    from workbench.guards import group_overlap as guard

    found = guard.check(guard.measure(rows, group=group, split=SPLIT, sides=roles.sides))
    return _with_examples(found, rows, group, roles)


def _with_examples(found: Finding, rows: pa.Table, group: str, roles: Roles) -> Finding:
    """Name one picture of each side beside each shared group."""
    import pyarrow as pa

    evidence = found.evidence
    if evidence is None or evidence.offenders is None:
        return found
    shown, groups = evidence.offenders, rows[group].to_pylist()
    learned, judges = sides_of(rows, SPLIT, roles.sides, found.guard)
    for name, mask in (("test_uri", judges), ("train_uri", learned)):
        there = [
            (value, path) for value, path, on in zip(groups, rows[PATH].to_pylist(), mask, strict=True) if on
        ]
        first = dict(reversed(there))
        paths = [str(first[value]) for value in shown[group].to_pylist()]
        shown = shown.append_column(name, pa.array(paths, pa.string()))
    return replace(found, evidence=replace(evidence, offenders=shown))


def _cameras(rows: pa.Table, label: str, device: str, group: str | None) -> Finding:
    from workbench.guards import exif_association as guard

    return guard.check(guard.measure(rows, tags=(device,), label=label, group=group))


def _notes(rows: pa.Table, problems: list[str], device: str | None, *, by_label: bool) -> tuple[str, ...]:
    said = [f"{rows.num_rows} photos; cameras from {device or 'nowhere'}"]
    if by_label:
        said.append(
            f"no groups, so up to {LABEL_THRESHOLD:.0%} near-duplicates pass: photos of one label are alike"
        )
    if problems:
        more = ", ..." if len(problems) > 3 else ""
        said.append(f"{len(problems)} cannot be decoded and were left out: {'; '.join(problems[:3])}{more}")
    return tuple(said)
