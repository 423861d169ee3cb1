"""Predict: a guess before the answer, and then the gap between the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from workbench.errors import SettingsError
from workbench.widgets.base import Widget, css, esm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Answer = float | str


class Predict(Widget):
    """Ask for a guess, keep it, and show how far off it was.

    Parameters
    ----------
    question : str
        One sentence.
    answer : float or str, optional
        Shown after the guess. None: it is not known yet, and a later cell calls `reveal`.
    options : sequence of str
        Choices; none at all asks for a number between ``low`` and ``high``.
    why : str or mapping of str to str
        Said with the answer; as a mapping: option to what speaks for or against it.
    **traits : object
        ``low``, ``high``, ``step``, ``unit`` of a number.

    Notes
    -----
    Nothing waits for the guess: in a run without a reader ``guess`` stays None and ``answer``
    stays hidden. Until there is a guess the page does not hold the answer; the kernel does.
    """

    _esm = esm("predict")
    _css = css("predict")

    question = traitlets.Unicode().tag(sync=True)
    options = traitlets.List(traitlets.Unicode()).tag(sync=True)
    low = traitlets.Float(0.5).tag(sync=True)
    high = traitlets.Float(1.0).tag(sync=True)
    step = traitlets.Float(0.01).tag(sync=True)
    unit = traitlets.Unicode("").tag(sync=True)
    guess = traitlets.Any(None, allow_none=True).tag(sync=True)
    opened = traitlets.Bool(default_value=False).tag(sync=True)
    answer = traitlets.Any(None, allow_none=True).tag(sync=True)
    why = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        question: str,
        *,
        answer: Answer | None = None,
        options: Sequence[str] = (),
        why: str | Mapping[str, str] = "",
        **traits: Any,
    ) -> None:
        super().__init__(question=question, options=[*options], **traits)
        self._answer: Answer | None = None
        self._why: dict[str, str] = {}
        if answer is not None:
            self.reveal(answer, why)

    def reveal(self, answer: Answer, why: str | Mapping[str, str] = "") -> None:
        """Give the answer, for the moment when there is a guess.

        Parameters
        ----------
        answer : float or str
            A number, or one of the options.
        why : str or mapping of str to str
            As in the class.

        Raises
        ------
        SettingsError
            If it is not one of the options.
        """
        if self.options and answer not in self.options:
            raise SettingsError(f"{answer!r} is not among the options", hint=f"there are {self.options}")
        self._answer = answer if self.options else float(answer)
        self._why = {"": why} if isinstance(why, str) else dict(why)
        self._open()

    @traitlets.observe("guess", "opened")
    def _open(self, change: object = None) -> None:
        del change
        if self._answer is not None and self.opened:
            self.why, self.answer = self._why, self._answer

    @property
    def gap(self) -> float | None:
        """Guess less answer; None for a choice, and until there are both."""
        numbers = isinstance(self.guess, (int, float)) and isinstance(self.answer, (int, float))
        return round(self.guess - self.answer, 6) if numbers else None

    def as_text(self) -> str:
        """Return the question, what was guessed, and the answer once it is open.

        Returns
        -------
        str
            One line each.
        """
        among = ", ".join(self.options) or f"between {self.low:g} and {self.high:g} {self.unit}".rstrip()
        lines = [f"[predict] {self.question}", f"  {among}"]
        lines.append("  no guess yet" if self.guess is None else f"  guess {self._said(self.guess)}")
        if self.answer is not None:
            lines.append(f"  answer {self._said(self.answer)}{self._gap_words()}")
        return "\n".join([*lines, *(f"  {text}" for text in self.why.values() if text)])

    def _said(self, value: Any) -> str:
        return value if isinstance(value, str) else f"{value:.{_digits(self.step)}f} {self.unit}".rstrip()

    def _gap_words(self) -> str:
        if self.gap is None:
            return ""
        if abs(self.gap) < self.step / 2:
            return ", as guessed"
        return f", the guess was {self._said(abs(self.gap))} too {'high' if self.gap > 0 else 'low'}"


def _digits(step: float) -> int:
    """Return how many digits after the point a step has."""
    return len(f"{step:.6f}".rstrip("0").partition(".")[2])
