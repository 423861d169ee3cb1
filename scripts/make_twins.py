"""Make the JupyterLab twins of the lessons: executed, and the same bytes each time.

    python -m scripts.make_twins                   write notebooks/jupyter/*.ipynb anew
    python -m scripts.make_twins --check           compare with what is there; exit 1 on a difference
    python -m scripts.make_twins notebooks/00_*.py only these

A lesson is written once, as a marimo file. Its twin is marimo's own export, given a kernel and
stable ids, executed in an empty WORKBENCH_HOME, and stripped of everything that differs between
two runs. A twin that shows nothing where something should be is refused: marimo and nbval both
call it good.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
LESSONS: Final = ROOT / "notebooks"
TWINS: Final = LESSONS / "jupyter"
KERNEL: Final = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
TIMEOUT_S: Final = 300
_PICTURE: Final = re.compile(r"data:image/(jpeg|png);base64,[A-Za-z0-9+/=]+")
"""Bytes of a JPEG may differ with the build of its library; whether there is one may not."""


def exported(source: Path) -> Any:
    """Return marimo's export of a lesson, with a kernel and stable ids.

    Parameters
    ----------
    source : Path
        The marimo file.

    Returns
    -------
    nbformat.NotebookNode
        Not executed.
    """
    import nbformat

    argv = [sys.executable, "-m", "marimo", "export", "ipynb", str(source), "--sort", "top-down"]
    env = os.environ | {"MARIMO_SKIP_UPDATE_CHECK": "1"}
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=env, encoding="utf-8")
    notebook: Any = nbformat.reads(done.stdout, as_version=4)  # type: ignore[no-untyped-call]
    notebook.metadata = {
        "kernelspec": KERNEL,
        "language_info": {"name": "python"},
        "workbench": {"generated": f"do not edit: edit ../{source.name}, then `make twins`"},
    }
    notebook.nbformat_minor = 5
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i:02d}"
        hidden = (
            cell.metadata.get("marimo", {}).get("config", {}).get("hide_code") and cell.cell_type == "code"
        )
        cell["metadata"] = {"jupyter": {"source_hidden": True}} if hidden else {}
    return notebook


def executed(notebook: Any) -> Any:
    """Run a notebook from top to bottom in an empty WORKBENCH_HOME and strip what is of this run alone.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Changed in place.

    Returns
    -------
    nbformat.NotebookNode
        The same.
    """
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory(prefix="workbench-twin-") as home:
        env = os.environ | {"WORKBENCH_HOME": f"{home}/workspaces", "OMP_NUM_THREADS": "1"}
        client = NotebookClient(notebook, timeout=TIMEOUT_S, kernel_name="python3", store_widget_state=False)
        client.execute(cwd=home, env=env)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        _merge_streams(cell)
        for output in cell.get("outputs", []):
            if "text/plain" in output.get(
                "data", {}
            ):  # the words: for a model of the past JupyterLab shows an error
                output["data"].pop("application/vnd.jupyter.widget-view+json", None)
    return notebook


def _merge_streams(cell: Any) -> None:
    """Join what was printed in pieces: where it is cut depends on the clock."""
    joined: list[Any] = []
    for output in cell.get("outputs", []):
        last = joined[-1] if joined else {}
        if output["output_type"] == "stream" and last.get("name") == output["name"]:
            last["text"] += output["text"]
        else:
            joined.append(output)
    if joined:
        cell["outputs"] = joined


def troubles(notebook: Any) -> list[str]:
    """Return what is wrong with an executed notebook.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Executed.

    Returns
    -------
    list of str
        One sentence for each error, each line on stderr, and each cell that ends in an
        expression and shows nothing; also if the whole shows nothing at all.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    found = [sentence for cell in code for sentence in _troubles_of(cell)]
    if not any(_shows(cell) for cell in code):
        found.append("the notebook shows nothing at all")
    return found


def _troubles_of(cell: Any) -> list[str]:
    outputs = cell.get("outputs", [])
    found = [f"{cell.id}: {o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]
    found += [f"{cell.id} writes to stderr: {o['text'][:200]}" for o in outputs if o.get("name") == "stderr"]
    if _ends_in_expression(cell.source) and not _shows(cell):
        found.append(f"{cell.id} ends in an expression and shows nothing")
    return found


def _shows(cell: Any) -> bool:
    rich = [
        o.get("data", {})
        for o in cell.get("outputs", [])
        if o["output_type"] in {"display_data", "execute_result"}
    ]
    return any(str(value).strip() not in {"", "None"} for data in rich for value in data.values())


def _ends_in_expression(source: str) -> bool:
    body = ast.parse(source).body
    return bool(body) and isinstance(body[-1], ast.Expr)


def written(notebook: Any) -> str:
    """Return the text of a twin, as it is stored."""
    import nbformat

    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"  # type: ignore[no-untyped-call]


def differences(old: str, new: str) -> list[str]:
    """Return the lines in which two twins differ, the bytes of pictures aside."""
    before, now = (_PICTURE.sub(r"data:image/\1;base64,...", text).splitlines() for text in (old, new))
    return [line[:200] for line in difflib.unified_diff(before, now, "stored", "made now", lineterm="", n=1)]


def make(source: Path, *, check: bool) -> list[str]:
    """Make one twin; return what is wrong.

    Parameters
    ----------
    source : Path
        The lesson.
    check : bool
        Compare instead of writing.

    Returns
    -------
    list of str
        Empty when all is well.
    """
    notebook = executed(exported(source))
    wrong = troubles(notebook)
    target, text = TWINS / f"{source.stem}.ipynb", written(notebook)
    if check:
        return wrong + differences(target.read_text(encoding="utf-8") if target.is_file() else "", text)
    if not wrong:
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    return wrong


def lessons() -> list[Path]:
    """Return the lessons, in order; there is at least one."""
    found = sorted(LESSONS.glob("[0-9][0-9]_*.py"))
    if not found:
        sys.exit(f"make_twins: there are no lessons in {LESSONS}")
    return found


def main() -> int:
    """Make or check the twins; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", nargs="*", type=Path)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    failed = 0
    for source in options.sources or lessons():
        wrong = make(source, check=options.check)
        failed += bool(wrong)
        print(f"make_twins: {'FAILED' if wrong else 'ok'} {source.stem}")
        print("".join(f"  {line}\n" for line in wrong[:60]), end="")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
