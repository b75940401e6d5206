"""What a test gets of a measured case.

Law: the public face of a `CaseResult`; it judges nothing anew.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_inferbench.errors import FailedVerdict, InvalidMeasurement
from pytest_inferbench.measure.findings_text import findings_text
from pytest_inferbench.measure.result import CaseResult, Finding, Summary
from pytest_inferbench.report.budget_table import budget_table
from pytest_inferbench.stats.verdict import Verdict


class Result:
    """A measured case.

    Attributes:
        case: everything that is known of it (`CaseResult`).
    """

    def __init__(self, case: CaseResult) -> None:
        self.case = case

    @property
    def metrics(self) -> Mapping[str, Summary]:
        """Metric name -> summary: `result.metrics["ttft_ms"].p50`."""
        return self.case.metrics

    @property
    def rounds(self) -> tuple[Mapping[str, float], ...]:
        """For each round, `metric.statistic` -> figure."""
        return self.case.rounds

    @property
    def validity(self) -> tuple[Finding, ...]:
        """What must be known about the measurement itself."""
        return self.case.validity

    @property
    def verdict(self) -> Verdict:
        """The worst of its checks."""
        return self.case.verdict

    def check(self) -> None:
        """Judge validity, then budgets.

        Raises:
            InvalidMeasurement: the measurement must not be judged; pytest reports an error.
            FailedVerdict: a budget was not kept; pytest reports a failure.
        """
        if self.case.invalid:
            raise InvalidMeasurement(findings_text(self.case, "and was not judged"))
        if self.case.verdict is Verdict.OVER_BUDGET:
            raise FailedVerdict(budget_table(self.case.to_json()))
