"""Checkpoint: an exercise that is judged by what the learner's function does, with graded hints."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import traitlets

from workbench.widgets.base import Widget, css, esm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that the learner's function must do.

    Attributes
    ----------
    name : str
        What is tried, in words.
    arguments : tuple
        Given to the function, as a copy of their own each time.
    expected : object
        What must come back: compared with ``==``, numbers with a relative tolerance of 1e-9; a
        callable judges what came back by its truth.
    why : str
        Said when it fails: which misconception gives this.
    """

    name: str
    arguments: tuple[Any, ...]
    expected: Any
    why: str = ""


class Checkpoint(Widget):
    """Run the learner's function on cases that it has not seen.

    Parameters
    ----------
    question : str
        The task, in one sentence.
    function : callable
        The learner's. It is looked up by its name at each check, so a cell that defines it again
        is seen, in JupyterLab too.
    cases : sequence of Case
        Judged in order, all of them.
    hints : sequence of str
        From a nudge to nearly the solution; the page holds those that were asked for.

    Notes
    -----
    A function that never ends blocks the kernel, as it does in a cell.
    """

    _esm = esm("checkpoint")
    _css = css("checkpoint")

    question = traitlets.Unicode().tag(sync=True)
    asked = traitlets.Int(0).tag(sync=True)
    hints_asked = traitlets.Int(0).tag(sync=True)
    n_hints = traitlets.Int(0).tag(sync=True)
    hints = traitlets.List(traitlets.Unicode()).tag(sync=True)
    report = traitlets.List().tag(sync=True)
    passed = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(
        self,
        question: str,
        function: Callable[..., Any],
        cases: Sequence[Case],
        hints: Sequence[str] = (),
    ) -> None:
        self._function, self._cases, self._hints = function, [*cases], [*hints]
        super().__init__(question=question, n_hints=len(hints))
        self.check()

    @traitlets.observe("asked")
    def check(self, change: object = None) -> bool:
        """Run all cases now and return whether all passed; `report` says which."""
        del change
        self.report = [judged(self._present(), case) for case in self._cases]
        self.passed = bool(self.report) and all(line["passed"] for line in self.report)
        return bool(self.passed)

    @traitlets.observe("hints_asked")
    def _hint(self, change: Mapping[str, Any]) -> None:
        self.hints = self._hints[: change["new"]]

    def _present(self) -> Callable[..., Any]:
        """Return the newest function of that name where the learner's was defined."""
        name = getattr(self._function, "__name__", "")
        found: Callable[..., Any] = getattr(self._function, "__globals__", {}).get(name, self._function)
        return found

    def as_text(self) -> str:
        """Return the task, each case with what came back, and the hints that were asked for.

        Returns
        -------
        str
            One line each.
        """
        n = sum(line["passed"] for line in self.report)
        lines = [
            f"  {'passed' if one['passed'] else 'not yet'}  {one['name']}{_after(one)}" for one in self.report
        ]
        head = f"[checkpoint] {self.question}: {n} of {len(self.report)}"
        return "\n".join([head, *lines, *(f"  hint: {hint}" for hint in self.hints)])


def _after(line: Mapping[str, Any]) -> str:
    return f": {line['says']}" if line["says"] else ""


def judged(function: Callable[..., Any], case: Case) -> dict[str, Any]:
    """Return how a case went: name, passed, and what it says where it is not as it should be."""
    try:
        got = function(*copy.deepcopy(case.arguments))
        passed = bool(case.expected(got)) if callable(case.expected) else _same(got, case.expected)
    except NotImplementedError:
        return {"name": case.name, "passed": False, "says": "not written yet"}
    except Exception as error:  # noqa: BLE001 (the learner's function may raise anything; it is shown)
        return {"name": case.name, "passed": False, "says": f"{type(error).__name__}: {error}"}
    if passed:
        return {"name": case.name, "passed": True, "says": ""}
    wanted = "" if callable(case.expected) else f", expected {case.expected!r}"
    return {
        "name": case.name,
        "passed": False,
        "says": f"gave {got!r}{wanted}. {case.why}".rstrip(". ") + ".",
    }


def _same(got: Any, expected: Any) -> bool:
    if isinstance(expected, float) and isinstance(got, (int, float)):
        return math.isclose(got, expected, rel_tol=1e-9) or (math.isnan(got) and math.isnan(expected))
    return bool(got == expected)
