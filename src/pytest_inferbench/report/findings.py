"""In how many cases of a run there is each verdict.

Law: a case counts in each finding that fails it, not in its worst one alone: a figure over its budget that regressed is
two things to look at.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def findings(cases: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """In how many cases there is each verdict, the worst first; one with two that fail counts in both."""
    found = Counter(verdict for case in cases for verdict in _found(case))
    return {verdict.value: found[verdict] for verdict in Verdict if found[verdict]}


def _found(case: Mapping[str, Any]) -> set[Verdict]:
    """Its verdict, and that it regressed where it is over a budget as well."""
    own = Verdict(case["verdict"])
    regressed = any(check["verdict"] == Verdict.REGRESSED for check in case["checks"])
    return {own, Verdict.REGRESSED} if own is Verdict.OVER_BUDGET and regressed else {own}
