"""Runs for the page: one with everything that can be drawn, and one of many cases, with the records beside them."""

from __future__ import annotations

import math
import random
from typing import Any

from report_cases import BASELINE, HOSTILE, case, document, metrics

from pytest_inferbench.measure.result import CaseResult, Check
from pytest_inferbench.records import Failure, FailureKind, RequestRecord, RoundRecord, Usage
from pytest_inferbench.report.sidecar import CaseRecords
from pytest_inferbench.stats.verdict import Verdict

ORIGIN = 7_000_000_000_000
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


def _series(unit_lines: dict[str, tuple[str, float, float]], seconds: float) -> dict[str, Any]:
    at = [round(index * seconds / 119, 4) for index in range(120)]
    lines = {
        name: {"unit": unit, "values": [low + (high - low) * (0.5 + 0.5 * math.sin(x * 3 + len(name))) for x in at]}
        for name, (unit, low, high) in unit_lines.items()
    }
    return {"at_s": at, "lines": lines}


def _comparison(metric: str, verdict: Verdict, ratio: float, value: float) -> Check:
    found = {
        "direction": "lower", "baseline": value / ratio, "n": 8, "k": 2, "ratio": ratio, "low": ratio - 0.04, "high": ratio + 0.04,
        "level": 0.95, "sessions": [ratio - 0.01, ratio + 0.012], "screened": True, "equivalent": False, "margin": 0.05,
        "resolve": 0.2, "alpha": 0.05, "alpha_each": 0.005, "gates": 10, "shared": 0.5, "shared_measured": False,
        "confirmations": 1, "notes": [],
    }  # fmt: skip
    return Check(
        metric, "history", verdict, value, unit="ms", source=f"{BASELINE}:5", note="8 sessions", comparison=found
    )


def whole_case(streams: int) -> CaseResult:
    """A case with series of server and GPU, changes against a history, and an SLO."""
    seconds = 1.2
    return case(
        f"concurrency[c{streams:02d}]",
        Verdict.REGRESSED if streams == 8 else Verdict.OK,
        metrics=metrics(40.0 + 6 * streams**1.4, 6.0 + streams / 8, 150 * streams**0.8, streams, 16 * streams),
        slo={"ttft_ms": 150.0},
        checks=(_comparison("ttft_ms.p50", Verdict.REGRESSED, 1.14, 88.0), _comparison("tpot_ms.p50", Verdict.OK, 0.99, 7.0)),
        timeline={"origin_ns": ORIGIN, "rounds": [{"start_s": 0.0, "end_s": 0.5}, {"start_s": 0.9, "end_s": seconds}]},
        server={
            "generated_tokens": 3072.0,
            "observed": {
                "interval_ms": 10.0, "pages": 120, "missed": 0,
                "series": _series({"running": ("", 0, streams), "waiting": ("", 0, 2), "kv_cache": ("%", 0.1, 0.8)}, seconds),
            },
        },
        gpu={
            "interval_ms": 10.0,
            "devices": [
                {"index": 0, "name": "NVIDIA H200", "series": _series({"power": ("W", 120, 690), "utilization": ("%", 0, 1)}, seconds)}
            ],
        },
    )  # fmt: skip


WHOLE = document((*(whole_case(streams) for streams in (1, 2, 4, 8)), case(HOSTILE, Verdict.OVER_BUDGET)))
WHOLE_RECORDS = {f"concurrency[c{streams:02d}]": records(streams, 4, fail=streams == 8) for streams in (1, 2, 4, 8)}


def whole_records(of: dict[str, Any]) -> CaseRecords | None:
    return WHOLE_RECORDS.get(of["case"])


def many(count: int) -> dict[str, Any]:
    """A run of many cases, each with all there is to draw."""
    streams = [2**exponent for exponent in range(4)]
    made = [
        whole_case(streams[index % 4]).to_json() | {"id": f"t::{index}", "case": f"sweep{index // 4}[c{index % 4}]"}
        for index in range(count)
    ]
    return {**document((case("x", Verdict.OK),)), "cases": made}
