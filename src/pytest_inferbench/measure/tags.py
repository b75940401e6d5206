"""Figures by tag: the requests that a workload labels alike (a turn, a level of a search), each label by itself.

Limits: pure; over all rounds, and also over requests that the case's own figures leave out. Rates have no place here:
requests of one tag may lie scattered over a round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pytest_inferbench.document.figures import Summary
from pytest_inferbench.measure.aggregate import aggregate
from pytest_inferbench.metrics.formulas import RequestView, RoundView
from pytest_inferbench.metrics.pace import Pace
from pytest_inferbench.metrics.table import METRICS, Kind, Metric
from pytest_inferbench.metrics.tokens import TokenMethod, request_views
from pytest_inferbench.records import RoundRecord


def figures_by_tag(
    rounds: Sequence[RoundRecord], method: TokenMethod, pace: Pace, table: Mapping[str, Metric] = METRICS
) -> dict[str, Mapping[str, Summary]] | None:
    """Tag -> metric name -> summary, tags in the order of their first requests; None where no request has one."""
    tagged: defaultdict[str, list[RequestView]] = defaultdict(list)
    for round_ in rounds:
        for view in request_views(round_.requests, method, pace):
            if view.record.tag:
                tagged[view.record.tag].append(view)
    return {tag: _figures(views, table) for tag, views in tagged.items()} or None


def _figures(views: Sequence[RequestView], table: Mapping[str, Metric]) -> Mapping[str, Summary]:
    figures = aggregate([RoundView(tuple(views))], table).metrics
    return {name: summary for name, summary in figures.items() if table[name].kind is not Kind.ROUND}
