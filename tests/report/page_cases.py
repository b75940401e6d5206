"""Runs for the page: one with everything that can be drawn, and one of many cases, with the records beside them."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from made.cases import case, document, history, metrics, series
from pytest_inferbench.document.account import ServerAccount
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.comparison import AcceptedSession
from pytest_inferbench.document.figures import Check
from pytest_inferbench.document.observed import GpuDevice, Gpus, Observed, Series, Span, Timeline
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.records import Failure, FailureKind, RequestRecord, RoundRecord, Usage
from pytest_inferbench.report.sidecar import CaseRecords
from pytest_inferbench.stats.verdict import Verdict
from report.report_cases import HOSTILE

ORIGIN = 7_000_000_000_000
SECONDS = 1.2
MS = 1_000_000


def records(streams: int, each: int, seed: int = 1, *, tokens: int = 24, fail: bool = False) -> CaseRecords:
    """Closed-loop streams, one request after the other, in two rounds."""
    chance = random.Random(seed)
    rounds, start = [], ORIGIN
    for number in range(2):
        made = []
        for stream in range(streams):
            now = start
            for _ in range(each):
                arrivals = [now + int((40 + 4 * streams) * chance.lognormvariate(0, 0.2) * MS)]
                arrivals += [arrivals[-1] + int(gap * MS) for gap in _sums(chance, tokens - 1)]
                broken = fail and chance.random() < 0.08
                failure = Failure(FailureKind.CUT, "the connection ended", None) if broken else None
                place = (len(made), 0, stream, "", None, now)
                made.append(
                    RequestRecord(
                        *place, tuple(arrivals), arrivals[0], arrivals[-1], usage=Usage(64, tokens), failure=failure
                    )
                )
                now = arrivals[-1] + MS
        rounds.append(RoundRecord(number, tuple(made), (), concurrency=streams))
        start = max(record.end_ns for record in made) + 400 * MS
    return CaseRecords("x", tuple(rounds))


def _sums(chance: random.Random, count: int) -> list[float]:
    total, sums = 0.0, []
    for _ in range(count):
        total += 6 * chance.lognormvariate(0, 0.3)
        sums.append(total)
    return sums


def _series(**lines: tuple[str, float, float]) -> Series:
    """Lines that swing between two figures, by name: unit, lowest, highest."""
    at = tuple(round(index * SECONDS / 119, 4) for index in range(120))
    waves = {name: [0.5 + 0.5 * math.sin(x * 3 + len(name)) for x in at] for name in lines}
    drawn = {
        name: (unit, [low + (high - low) * share for share in waves[name]]) for name, (unit, low, high) in lines.items()
    }
    return series(at, **drawn)


def _compared(metric: str, verdict: Verdict, ratio: float) -> Check:
    """What a history of two segments says of a gate."""
    return history(
        metric,
        verdict,
        66.0 * ratio,
        "8 sessions",
        accepted=tuple(AcceptedSession(77.0 + index % 3 - 12 * (index > 3), int(index > 3)) for index in range(10)),
        ratio=ratio,
        low=ratio - 0.04,
        high=ratio + 0.04,
        sessions=(ratio - 0.01, ratio + 0.012),
        baseline=66.0,
    )


def whole_case(streams: int) -> CaseResult:
    """A case with series of server and GPU, changes against a history, and an SLO."""
    server = _series(running=("", 0, streams), waiting=("", 0, 2), kv_cache=("%", 0.1, 0.8))
    gpu = _series(power=("W", 120, 690), utilization=("%", 0, 1))
    verdict = Verdict.REGRESSED if streams == 8 else Verdict.OK
    return case(
        f"concurrency[c{streams:02d}]",
        verdict,
        metrics=metrics(40.0 + 6 * streams**1.4, 6.0 + streams / 8, 150 * streams**0.8, streams, 16 * streams),
        slo={"ttft_ms": 150.0},
        timeline=Timeline(ORIGIN, (Span(0.0, 0.5), Span(0.9, SECONDS))),
        server=ServerAccount(observed=Observed(interval_ms=10.0, pages=120, missed=0, series=server)),
        gpu=Gpus(interval_ms=10.0, devices=(GpuDevice(0, "NVIDIA H200", series=gpu),)),
        checks=(
            _compared("ttft_ms.p50", verdict, 1.14 if streams == 8 else 1.01),
            _compared("tpot_ms.p50", Verdict.OK, 0.99),
        ),
    )


def with_server_series(of: CaseResult, seen: Series) -> CaseResult:
    """The case, its server's page with other lines."""
    assert of.server.observed is not None
    return replace(of, server=replace(of.server, observed=replace(of.server.observed, series=seen)))


_HOSTILE_CASE = case(HOSTILE + "<script>document.title='taken'</script>\"'", Verdict.OVER_BUDGET)
WHOLE = document((*(whole_case(streams) for streams in (1, 2, 4, 8)), _HOSTILE_CASE))
WHOLE_RECORDS = {f"concurrency[c{streams:02d}]": records(streams, 4, fail=streams == 8) for streams in (1, 2, 4, 8)}


def whole_records(of: CaseResult) -> CaseRecords | None:
    return WHOLE_RECORDS.get(of.case)


def many(count: int) -> RunDocument:
    """A run of many cases, each with all there is to draw."""
    drawn = [whole_case(2**exponent) for exponent in range(4)]
    names = [(f"sweep{index // 4}[c{index % 4}]", drawn[index % 4]) for index in range(count)]
    return document(tuple(replace(each, id=f"t::{name}", case=name) for name, each in names))
