"""How many cases came out how.

Limits: pure; knows of a case its verdict and those of its checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from pytest_inferbench.document.listed import Ran


def count_verdicts(cases: Iterable[Ran]) -> dict[str, int]:
    """In how many cases there is each verdict, the worst first; one with two that fail counts in both."""
    found = Counter(verdict for case in cases for verdict in _verdicts_of(case))
    return {verdict.value: found[verdict] for verdict in Verdict if found[verdict]}


def _verdicts_of(case: Ran) -> set[Verdict]:
    """Its verdict, and that it regressed where it is over a budget as well."""
    regressed = any(check.verdict is Verdict.REGRESSED for check in case.checks)
    return {case.verdict, Verdict.REGRESSED} if case.verdict is Verdict.OVER_BUDGET and regressed else {case.verdict}
