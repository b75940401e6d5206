"""Runs for the page: one with everything that can be drawn, and one of many cases, with the records beside them."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

from report_cases import BASELINE, HOSTILE, case, document, metrics

from pytest_inferbench.records import Failure, FailureKind, RequestRecord, RoundRecord, Usage
from pytest_inferbench.report.sidecar import CaseRecords
from pytest_inferbench.stats.verdict import Verdict

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


def _series(unit_lines: dict[str, tuple[str, float, float]]) -> dict[str, Any]:
    at = [round(index * SECONDS / 119, 4) for index in range(120)]
    lines = {
        name: {"unit": unit, "values": [low + (high - low) * (0.5 + 0.5 * math.sin(x * 3 + len(name))) for x in at]}
        for name, (unit, low, high) in unit_lines.items()
    }
    return {"at_s": at, "lines": lines}


def _comparison(metric: str, verdict: Verdict, ratio: float) -> dict[str, Any]:
    """What a history says of a gate, as the document has it: the fields that are drawn."""
    accepted = [{"value": 77.0 + index % 3 - 12 * (index > 3), "segment": int(index > 3)} for index in range(10)]
    found = {
        "accepted": accepted,
        "direction": "lower",
        "ratio": ratio,
        "low": ratio - 0.04,
        "high": ratio + 0.04,
        "margin": 0.05,
        "n": 8,
    }
    return {
        "metric": metric,
        "kind": "history",
        "verdict": verdict.value,
        "value": 66.0 * ratio,
        "unit": "ms",
        "source": f"{BASELINE}:5",
        "note": "8 sessions",
        "comparison": {**found, "sessions": [ratio - 0.01, ratio + 0.012], "baseline": 66.0, "notes": []},
    }


def whole_case(streams: int) -> dict[str, Any]:
    """A case with series of server and GPU, changes against a history, and an SLO."""
    server = _series({"running": ("", 0, streams), "waiting": ("", 0, 2), "kv_cache": ("%", 0.1, 0.8)})
    gpu = _series({"power": ("W", 120, 690), "utilization": ("%", 0, 1)})
    found = case(
        f"concurrency[c{streams:02d}]",
        Verdict.REGRESSED if streams == 8 else Verdict.OK,
        metrics=metrics(40.0 + 6 * streams**1.4, 6.0 + streams / 8, 150 * streams**0.8, streams, 16 * streams),
        slo={"ttft_ms": 150.0},
        timeline={"origin_ns": ORIGIN, "rounds": [{"start_s": 0.0, "end_s": 0.5}, {"start_s": 0.9, "end_s": SECONDS}]},
        server={"observed": {"interval_ms": 10.0, "pages": 120, "missed": 0, "series": server}},
        gpu={"interval_ms": 10.0, "devices": [{"index": 0, "name": "NVIDIA H200", "series": gpu}]},
    )
    changes = [
        _comparison("ttft_ms.p50", Verdict.REGRESSED if streams == 8 else Verdict.OK, 1.14 if streams == 8 else 1.01),
        _comparison("tpot_ms.p50", Verdict.OK, 0.99),
    ]
    return {**found.to_json(), "checks": changes}


_HOSTILE_CASE = case(HOSTILE + "<script>document.title='taken'</script>\"'", Verdict.OVER_BUDGET).to_json()
WHOLE = {
    **document((case("x", Verdict.OK),)),
    "cases": [*(whole_case(streams) for streams in (1, 2, 4, 8)), _HOSTILE_CASE],
}
WHOLE_RECORDS = {f"concurrency[c{streams:02d}]": records(streams, 4, fail=streams == 8) for streams in (1, 2, 4, 8)}


def whole_records(of: Mapping[str, Any]) -> CaseRecords | None:
    return WHOLE_RECORDS.get(of["case"])


def many(count: int) -> dict[str, Any]:
    """A run of many cases, each with all there is to draw."""
    drawn = [whole_case(2**exponent) for exponent in range(4)]
    names = [(f"sweep{index // 4}[c{index % 4}]", drawn[index % 4]) for index in range(count)]
    return {**WHOLE, "cases": [{**each, "id": f"t::{name}", "case": name} for name, each in names]}
