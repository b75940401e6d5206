"""Assembly: the records of a case to its result.

Limits: pure. Budgets and history are judged later, on the result; here only a measurement that must not be judged gets
its verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain
from types import MappingProxyType
from typing import Any

from pytest_inferbench.document.account import ServerAccount
from pytest_inferbench.document.case import CaseIdentity, CaseResult
from pytest_inferbench.document.observed import Timeline
from pytest_inferbench.measure.aggregate import aggregate
from pytest_inferbench.measure.client import client_account
from pytest_inferbench.measure.evidence import CaseFacts, Evidence, ValidityPolicy
from pytest_inferbench.measure.load_rules import little_steady_time
from pytest_inferbench.measure.tags import figures_by_tag
from pytest_inferbench.measure.validity import findings
from pytest_inferbench.measure.watched import Watched, gpu_observed, round_pages, server_observed, timeline
from pytest_inferbench.measure.window import steady_windows
from pytest_inferbench.metrics.formulas import RoundView
from pytest_inferbench.metrics.pace import Pace, pace_of
from pytest_inferbench.metrics.table import METRICS, Metric
from pytest_inferbench.metrics.tokens import TokenMethod, request_views, token_method
from pytest_inferbench.records import RoundRecord
from pytest_inferbench.stats.verdict import Verdict

_NO_SERVER = ServerAccount()
_EMPTY: Mapping[str, Any] = MappingProxyType({})


def assemble(
    identity: CaseIdentity,
    workload: Mapping[str, Any],
    rounds: Sequence[RoundRecord],
    facts: CaseFacts,
    *,
    policy: ValidityPolicy | None = None,
    slo: Mapping[str, float] = _EMPTY,
    server: ServerAccount = _NO_SERVER,
    watched: Watched | None = None,
    table: Mapping[str, Metric] = METRICS,
) -> CaseResult:
    """The result of a case, with its figures and validity findings and without checks.

    Args:
        identity: the case and its cell.
        workload: its parameters, with `kind` and `hash`.
        rounds: what was observed, warm-up left out.
        facts: what the case wanted and what is known of the server.
        policy: limits of validity; the defaults if None.
        slo: per-request limits for goodput, metric name -> figure.
        server: what the server says of itself, as the result shall hold it.
        watched: how server and GPUs were watched; None where they were not.
        table: the metrics to compute, by name.

    Raises:
        ConfigError: `slo` names something that is no per-request metric.
    """
    method, pace = _tokens_of(rounds)
    views = tuple(_round_view(round_, method, pace, slo) for round_ in rounds)
    figures = aggregate(views, table)
    evidence = Evidence(tuple(rounds), views, figures.metrics, method, pace, facts, policy or ValidityPolicy())
    found, watched, axis = findings(evidence), watched or Watched(), timeline(rounds)
    return CaseResult(
        **asdict(identity),
        workload=workload,
        metrics=figures.metrics,
        rounds=figures.rounds,
        client=client_account(tuple(chain.from_iterable(round_.workers for round_ in rounds))),
        server=_watched_server(server, rounds, watched, axis),
        gpu=None if axis is None else gpu_observed(rounds, views, watched, axis.origin_ns),
        timeline=axis,
        token_method=method.value,
        validity=found,
        verdict=Verdict.INVALID if any(finding.invalid for finding in found) else Verdict.NEW,
        notes=(*_notes(evidence), *watched.notes),
        by_tag=figures_by_tag(rounds, method, pace, table),
        slo=dict(slo) or None,
        issued=sum(len(view.requests) for view in views),
    )


def _tokens_of(rounds: Sequence[RoundRecord]) -> tuple[TokenMethod, Pace]:
    """How the output tokens of all requests are counted, and how their arrivals show a pace."""
    requests = tuple(chain.from_iterable(round_.requests for round_ in rounds))
    return token_method(requests), pace_of(requests)


def _watched_server(
    server: ServerAccount, rounds: Sequence[RoundRecord], watched: Watched, axis: Timeline | None
) -> ServerAccount:
    return server if axis is None else replace(server, observed=server_observed(rounds, watched, axis.origin_ns))


def _round_view(round_: RoundRecord, method: TokenMethod, pace: Pace, slo: Mapping[str, float]) -> RoundView:
    requests = request_views(round_.counted, method, pace)
    windows = steady_windows(requests, round_.concurrency)
    pages = round_pages(round_) if round_.before is not None and round_.after is not None else ()
    return RoundView(requests, windows, slo, round_.found, pages, round_.gpu)


def _notes(evidence: Evidence) -> Iterator[str]:
    if "chunk_gap_ms" in evidence.metrics and "itl_ms" not in evidence.metrics:
        yield "itl_ms is absent: the server does not say how many tokens a chunk holds"
    little = little_steady_time(evidence)
    if little is not None:
        yield little
