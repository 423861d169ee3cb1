"""Mystery cases: a pipeline that has a silent failure in it, or has none, to be found from what it left behind.

A case is drawn by its number and level alone; with ``WORKBENCH_PEPPER`` set it depends on that, too. It runs on the
real pipeline. Everything that it shows has the same shape whatever is wrong, and nothing of it holds the answer.

The seal of a case is good for one thing: nobody reads the answer by accident, and nobody can change it later. It is
a salted scrypt hash of one answer in some forty, so that who reads this code needs minutes to try them all. Without a
pepper it takes even less: `workbench.cases.draw` tells. In a workshop the instructor sets one and keeps it.
"""

from __future__ import annotations

from workbench.cases.case import BUDGET, LEVELS, Case, open_case
from workbench.cases.draw import CATALOGUE, NONE, SHARE_WITHOUT
from workbench.cases.grade import OF, Diagnosis, Grade

__all__ = [
    "BUDGET",
    "CATALOGUE",
    "LEVELS",
    "NONE",
    "OF",
    "SHARE_WITHOUT",
    "Case",
    "Diagnosis",
    "Grade",
    "open_case",
]
