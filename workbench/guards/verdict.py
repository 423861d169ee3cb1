"""The verdict on a run that was made again: IDENTICAL, EQUIVALENT, or DIFFERENT because of what.

Causes and outcome are judged apart. A changed seed is a cause even where the coefficients do not
move; coefficients that move without a cause are the finding that matters most.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import isinf
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Word = Literal["IDENTICAL", "EQUIVALENT", "DIFFERENT"]
Cause = Literal[
    "data rows", "code", "environment", "machine", "seed", "settings", "threads", "row order", "unexplained"
]
TOLERANCE: Final = 1e-6
"""Largest difference of a coefficient or a probability that another CPU may make, in float64."""
EXIT_CODES: Final[dict[Word, int]] = {"IDENTICAL": 0, "EQUIVALENT": 4, "DIFFERENT": 5}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is not as it was.

    Attributes
    ----------
    cause : str
        One of `Cause`. ``machine`` is the one that may end as EQUIVALENT: another CPU, BLAS
        kernel or operating system with the same versions.
    sentence : str
        What, in one line.
    details : tuple of str
        Which rows, files or versions.
    """

    cause: Cause
    sentence: str
    details: tuple[str, ...] = ()


@dataclass
class Findings:
    """What was found so far.

    Attributes
    ----------
    reasons : list of Reason
        Causes.
    notes : list of str
        What is no cause, and should be known.
    """

    reasons: list[Reason] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, cause: Cause, sentence: str, details: tuple[str, ...] = ()) -> None:
        """Note down one cause.

        Parameters
        ----------
        cause : str
            As in `Reason`.
        sentence : str
            What.
        details : tuple of str
            Which.
        """
        self.reasons.append(Reason(cause, sentence, details))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far the result moved.

    Attributes
    ----------
    coefficients : float
        Largest absolute difference of a coefficient or intercept; 0 means equal bits.
    probabilities : float
        Largest absolute difference of a predicted probability, 0 to 1.
    labels_changed : int
        Rows that are now predicted to be of another class.
    rows_compared : int
        Rows that both predictions have.
    rows_unmatched : int
        Rows that only one of them has.
    """

    coefficients: float
    probabilities: float
    labels_changed: int
    rows_compared: int
    rows_unmatched: int = 0

    @property
    def max_difference(self) -> float:
        """The larger of the two differences."""
        return max(self.coefficients, self.probabilities)

    @property
    def is_equal(self) -> bool:
        """Whether every bit is the same."""
        return self.max_difference == 0 and not self.labels_changed and not self.rows_unmatched

    @property
    def is_close(self) -> bool:
        """Whether the result is the same for every purpose."""
        return self.max_difference <= TOLERANCE and not self.labels_changed and not self.rows_unmatched

    def __str__(self) -> str:
        if self.is_equal:
            return f"coefficients and {self.rows_compared} predictions are equal, bit for bit"
        text = (
            f"coefficients moved by up to {self.coefficients:.3g}, probabilities by up to "
            f"{self.probabilities:.3g}; {self.labels_changed} of {self.rows_compared} predicted labels changed"
        )
        return text + (f", and {self.rows_unmatched} rows have no counterpart" if self.rows_unmatched else "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a run that was made again.

    Attributes
    ----------
    run_id : str
        Of the recorded run.
    word : str
        ``IDENTICAL``, ``EQUIVALENT`` or ``DIFFERENT``.
    reasons : tuple of Reason
        Every cause that was found; empty when IDENTICAL.
    result : Outcome
        How far coefficients and predictions moved.
    notes : tuple of str
        What a reader should know and what is no cause.
    """

    run_id: str
    word: Word
    reasons: tuple[Reason, ...]
    result: Outcome
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 IDENTICAL, 4 EQUIVALENT, 5 DIFFERENT."""
        return EXIT_CODES[self.word]

    @property
    def causes(self) -> tuple[str, ...]:
        """Each cause once, in the order found."""
        return tuple(dict.fromkeys(reason.cause for reason in self.reasons))

    @property
    def max_difference(self) -> float:
        """Largest absolute difference of a coefficient or probability."""
        return self.result.max_difference

    @property
    def outcome(self) -> str:
        """One sentence on how far the result moved."""
        all_the_same = ", all the same" if self.reasons and self.result.is_equal else ""
        return f"{self.result}{all_the_same}"

    def __str__(self) -> str:
        head: str = self.word
        if self.word == "EQUIVALENT":
            head += f" (max difference {self.max_difference:.3g})"
        if self.word == "DIFFERENT":
            head += f" because of {', '.join(self.causes)}"
        lines = [head, f"  outcome: {self.outcome}"]
        for reason in self.reasons:
            lines.append(f"  {reason.cause}: {reason.sentence}")
            lines += [f"    {detail}" for detail in reason.details]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values for JSON."""
        numbers = {k: None if isinf(v) else v for k, v in asdict(self.result).items()}  # JSON has no infinity
        return asdict(self) | {"result": numbers, "causes": list(self.causes), "outcome": self.outcome}


def judge(run_id: str, reasons: Sequence[Reason], result: Outcome, notes: Sequence[str] = ()) -> Verdict:
    """Give the verdict.

    Parameters
    ----------
    run_id : str
        Of the recorded run.
    reasons : sequence of Reason
        All that is not as it was.
    result : Outcome
        How far the result moved.
    notes : sequence of str
        Passed on.

    Returns
    -------
    Verdict
        IDENTICAL: nothing differs and every bit is equal. EQUIVALENT: nothing but the machine
        differs, and the result is within `TOLERANCE`. DIFFERENT: anything else; when the result
        moved and no cause was found, the cause is ``unexplained``.
    """
    if not reasons and result.is_equal:
        return Verdict(run_id, "IDENTICAL", (), result, tuple(notes))
    if all(reason.cause == "machine" for reason in reasons):
        if result.is_close:
            return Verdict(run_id, "EQUIVALENT", tuple(reasons), result, tuple(notes))
        what = "nothing else" if reasons else "nothing that we compare"
        strange = Reason("unexplained", f"{what} differs, yet the result does by more than {TOLERANCE:g}")
        reasons = [*reasons, strange]
    return Verdict(run_id, "DIFFERENT", tuple(reasons), result, tuple(notes))
