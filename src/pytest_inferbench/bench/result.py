"""What a test gets of a measured case.

Limits: the public face of a `CaseResult`; it judges nothing anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_inferbench.config.wording import unknown_name
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.figures import Finding, Summary
from pytest_inferbench.errors import FailedVerdict, InvalidMeasurement
from pytest_inferbench.measure.findings_text import findings_text
from pytest_inferbench.metrics.absent import what_it_needs
from pytest_inferbench.metrics.table import METRICS
from pytest_inferbench.report.budget_table import budget_table
from pytest_inferbench.stats.verdict import Verdict


class Metrics(Mapping[str, Summary]):
    """The metrics of a case by their names; a name that is not there is an error that says why."""

    def __init__(self, case: CaseResult) -> None:
        self._metrics = case.metrics

    def __getitem__(self, name: str) -> Summary:
        found = self._metrics.get(name)
        if found is None:
            raise AbsentMetricError(self._why(name))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)

    def _why(self, name: str) -> str:
        known = {*METRICS, *self._metrics}
        if name not in known:
            return f"result.metrics: {unknown_name('metric', name, known)}"
        need = what_it_needs(name)
        return f"result.metrics: {name} was not measured" + (f"; it needs {need}" if need else "")


class AbsentMetricError(KeyError):
    """A metric that a case does not have; the message says why, and what it needs."""

    def __str__(self) -> str:
        return str(self.args[0])


class Result:
    """A measured case.

    Attributes:
        case: everything that is known of it (`CaseResult`).
    """

    def __init__(self, case: CaseResult) -> None:
        self.case = case

    @property
    def metrics(self) -> Mapping[str, Summary]:
        """Metric name -> summary: `result.metrics["ttft_ms"].p50`; those that were not measured are not among them."""
        return Metrics(self.case)

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
            raise FailedVerdict(budget_table(self.case))
