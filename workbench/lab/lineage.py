"""The lineage of a run on a copy of its workspace: what each thing remembers of the one it was made from.

Everything is looked at by the code that the pipeline itself relies on: headers and their digests,
the sha256 of raw objects and of a run's files, the card of a dataset.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import WorkbenchError
from workbench.hashing import content_hash, order_hash, sha256_file, sha256_texts
from workbench.lab.again import reproduce_run
from workbench.lab.tampering import TAMPERS, noticed
from workbench.manifests import is_whole, read_header, read_table
from workbench.profiles.datasets import KEYS, read_card
from workbench.profiles.objects import objects_of
from workbench.profiles.recorded import changed_objects
from workbench.profiles.runs import CHAMPION, Runs
from workbench.profiles.workspace import Workspace
from workbench.widgets import LineageTrace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from workbench.guards.verdict import Verdict
    from workbench.profiles.run_records import RunRecord

FOLDERS: Final = {"raw": "raw", "clean": "clean", "features": "extract"}
"""Node to its manifest."""
PARENTS: Final = {"clean": "raw", "features": "clean"}
PROMISES: Final = {
    "photos": "",
    "raw": "the sha256 of each photo, taken when it arrived",
    "clean": "the digest of the raw manifest",
    "features": "the digest of the clean manifest",
    "dataset": "the digest of the features, on its card",
    "run": "the hashes of content and of order",
    "model": "the sha256 of each of its files, in the run's record",
}
_KEPT: Final = ("raw", "manifests", "datasets", "runs")


class Lineage:
    """A run and all that it was made from, in a copy that may be damaged.

    Parameters
    ----------
    source : Workspace
        With all stages run. It is copied to a temporary folder and never written to.
    run_id : str
        A run id, the first digits of one, or an alias.
    """

    def __init__(self, source: Workspace, run_id: str = CHAMPION) -> None:
        folder = tempfile.mkdtemp(prefix="workbench-lineage-")
        self._gone = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        root = Path(folder) / source.name
        with source.writing():  # nobody writes while it is copied
            shutil.copytree(source.root, root, ignore=shutil.ignore_patterns(".lock*", ".scratch"))
        self.ws = Workspace(root, source.settings)
        self.run_id = Runs(self.ws).resolve(run_id)
        self._whole = {path: path.read_bytes() for path in self._files()}

    @property
    def record(self) -> RunRecord:
        """Record of the run."""
        return Runs(self.ws).record(self.run_id)

    def _files(self) -> list[Path]:
        return [path for name in _KEPT for path in sorted((self.ws.root / name).rglob("*")) if path.is_file()]

    def nodes(self) -> list[dict[str, str]]:
        """Return what there is, from the photos to the model, as the widget takes it."""
        record = self.record
        raw, clean, extract = (read_header(self.ws.manifests / kind) for kind in FOLDERS.values())
        card = record.dataset
        words = {
            "photos": f"{raw.rows} files, named by their content",
            "raw": "names, times, labels",
            "clean": f"{clean.counts['total_clean']} usable, {clean.counts['total_quarantined']} set aside",
            "features": f"{extract.rows} embeddings of {extract.counts['dimension']} numbers",
            "dataset": f"{sum(card.split_counts.values())} rows",
            "run": "settings, code, versions",
            "model": f"{record.params['family']} regression"
            if record.params["family"] == "logistic"
            else record.params["family"],
        }
        return [
            {"id": name, "kind": name, "words": words[name], "promise": promise}
            for name, promise in PROMISES.items()
        ]

    def mend(self) -> None:
        """Put every file back that was changed."""
        for path, data in self._whole.items():
            if not path.is_file() or path.read_bytes() != data:
                path.unlink(missing_ok=True)
                path.write_bytes(data)

    def tamper(self, name: str) -> list[tuple[str, bool]]:
        """Change one node.

        Parameters
        ----------
        name : str
            Of `workbench.lab.tampering.TAMPERS`.

        Returns
        -------
        list of (str, bool)
            Each check of it, the weak ones first, and whether it gives the same as before.
        """
        return noticed(TAMPERS[name], self.ws, self.run_id)

    def verify(self) -> dict[str, dict[str, str]]:
        """Look at every link.

        Returns
        -------
        dict
            ``hashes`` of all nodes as they are now, and what is ``broken``, both by node.
        """
        hashes = {name: _said(look, self)[0] for name, look in HASHES.items()}
        found = {name: _said(look, self) for name, look in LINKS.items()}
        return {
            "hashes": hashes,
            "broken": {name: error or said for name, (said, error) in found.items() if error or said},
        }

    def again(self) -> Verdict:
        """Make the run again from the photos as they are now; the verdict of stage 7. Takes seconds."""
        return reproduce_run(self.ws, self.run_id)

    def widget(self, only: Iterable[str] = ()) -> LineageTrace:
        """Return the widget on this lineage.

        Parameters
        ----------
        only : iterable of str
            What may be tampered with; default all of `TAMPERS`.

        Returns
        -------
        LineageTrace
            Each click changes files of the copy, and each link is looked at anew.
        """
        names = [*only] or [*TAMPERS]
        offered = [TAMPERS[name].to_dict() for name in names]
        return LineageTrace(self.nodes(), offered, tamper=self.tamper, mend=self.mend, verify=self.verify)


def _said(look: Callable[[Lineage], str], lineage: Lineage) -> tuple[str, str]:
    """Return what a look gives, or the message of what it found broken, without paths and random ids."""
    try:
        return look(lineage), ""
    except WorkbenchError as error:
        told = error.message.replace(f"{lineage.ws.root}/", "")
        return "", told.replace(f"runs/{lineage.run_id}/", "")


def _photos(lineage: Lineage) -> str:
    store = objects_of(lineage.ws)
    return sha256_texts(sha256_file(lineage.ws.root / key) for key in store.keys("raw/"))


def _digest(kind: str) -> Callable[[Lineage], str]:
    return lambda lineage: read_header(lineage.ws.manifests / kind).digest


def _rows(lineage: Lineage) -> Any:
    return read_table(lineage.ws.datasets / lineage.record.dataset.dataset_id)


def _dataset(lineage: Lineage) -> str:
    rows = _rows(lineage)
    return sha256_texts([content_hash(rows, KEYS), order_hash(rows, KEYS)])


def _model(lineage: Lineage) -> str:
    folder = lineage.ws.runs / lineage.run_id
    return sha256_texts(sha256_file(folder / name) for name in sorted(lineage.record.files))


HASHES: Final[dict[str, Callable[[Lineage], str]]] = {
    "photos": _photos,
    **{name: _digest(kind) for name, kind in FOLDERS.items()},
    "dataset": _dataset,
    "run": lambda lineage: sha256_file(lineage.ws.runs / lineage.run_id / "run.json"),
    "model": _model,
}


def _raw_link(lineage: Lineage) -> str:
    changed, missing = changed_objects(lineage.ws)
    said = [f"{len(changed)} {'has' if len(changed) == 1 else 'have'} another one now"] if changed else []
    return ", ".join([*said, *([f"{len(missing)} are gone"] if missing else [])])


def _parent_link(name: str) -> Callable[[Lineage], str]:
    def look(lineage: Lineage) -> str:
        folder = lineage.ws.manifests / FOLDERS[PARENTS[name]]
        if not is_whole(folder):
            return f"a part of the {PARENTS[name]} manifest is not the file of its header"
        made_from = read_header(lineage.ws.manifests / FOLDERS[name]).extra["parents"][folder.name]
        return (
            ""
            if made_from == read_header(folder).digest
            else f"the {PARENTS[name]} manifest has another one now"
        )

    return look


def _dataset_link(lineage: Lineage) -> str:
    folder = lineage.ws.manifests / "extract"
    if not is_whole(folder):
        return "a part of the features is not the file of its header"
    made_from = read_card(lineage.ws, lineage.record.dataset.dataset_id).parents["extract"]
    return "" if made_from == read_header(folder).digest else "the features have another one now"


def _run_link(lineage: Lineage) -> str:
    card, rows = lineage.record.dataset, _rows(lineage)
    unlike = [
        name
        for name, hashed, was in (
            ("content", content_hash, card.content_hash),
            ("order", order_hash, card.order_hash),
        )
        if hashed(rows, KEYS) != was
    ]
    return f"the {' and the '.join(unlike)} {'differ' if unlike[1:] else 'differs'}" if unlike else ""


def _model_link(lineage: Lineage) -> str:
    Runs(lineage.ws).check_files(lineage.record)
    return ""


LINKS: Final[dict[str, Callable[[Lineage], str]]] = {
    "raw": _raw_link,
    **{name: _parent_link(name) for name in PARENTS},
    "dataset": _dataset_link,
    "run": _run_link,
    "model": _model_link,
}
"""Node to what its link to the one before it finds; empty where it holds."""
