"""Runs that the report tests draw: a usual one with every outcome, and the hostile and the empty ones."""

from __future__ import annotations

from made.cases import budget, case, document, history, metrics, series
from pytest_inferbench.document.account import ClientAccount, ServerAccount
from pytest_inferbench.document.figures import Check, Finding
from pytest_inferbench.document.observed import GpuDevice, Gpus, Observed, Span, Timeline
from pytest_inferbench.document.run import Error, RunDocument, Skipped
from pytest_inferbench.stats.verdict import Verdict

HOSTILE = "bad\nname\r\x1b[31mred\x1b[0m [bold]not bold[/bold] :boom: \u202egnp.exe \x07 </testcase> " + "x" * 500

OBSERVED = Observed(
    interval_ms=250.0,
    pages=4,
    missed=1,
    page_ms=3.2,
    series=series(
        requests_running=("", [0.0, 8.0, 8.0, 3.0]),
        requests_waiting=("", [0.0, 0.0, 2.0, 0.0]),
        kv_cache_use=("%", [0.0, 0.21, 0.37, 0.12]),
        generated_tok_per_s=("tok/s", [0.0, 820.0, 905.0, 410.0]),
    ),
)
GPU = Gpus(
    interval_ms=250.0,
    devices=(
        GpuDevice(
            index=0,
            name="NVIDIA H200",
            memory_gib=139.8,
            memory_peak_gib=127.4,
            energy_j=321.5,
            power_w=428.6,
            power_limit_w=700.0,
            utilization=0.93,
            temperature_c=61.0,
            throttled={"power_cap": 0.25},
            series=series(power_w=("W", [120.0, 512.0, 598.0, 484.5]), memory_gib=("GiB", [127.4] * 4)),
        ),
    ),
)
TIMELINE = Timeline(81_000_000_000, (Span(0.0, 0.75), Span(1.02, 1.77)))


WITHIN = case("single", Verdict.WITHIN_BUDGET, checks=(budget("ttft_ms.p50", 41.237, "max 60", "ms", 11, over=False),))
OVER = case(
    "concurrency[c08]",
    Verdict.OVER_BUDGET,
    metrics=metrics(238.4, 8.75, 882.4, 6.91, 640),
    server=ServerAccount(provision="docker", restarts=0, observed=OBSERVED),
    gpu=GPU,
    timeline=TIMELINE,
    checks=(
        budget("ttft_ms.p95", 312.3, "max 250", "ms", 12, over=True),
        budget("output_tok_per_s", 882.4, "min 900", "tok/s", 13, over=True),
        budget("tpot_ms.p50", 8.75, "max 12.5", "ms", 14, over=False),
    ),
)
UNMEASURED = case(
    "batch[b04]",
    Verdict.OVER_BUDGET,
    metrics={name: figure for name, figure in metrics(97.5, 7.2, 512.0, 4.01, 20).items() if name != "tpot_ms"},
    checks=(
        budget("tpot_ms.p50", None, "max 12.5", "ms", 20, over=True, note="every answer was one token"),
        budget("error_rate", 0.0125, "max 0", "%", 21, over=True),
        budget("ttft_ms.p50", 97.5, "max 97.46", "ms", 22, over=True),
        budget("output_tok_per_s", 512.0, "min 1234.5", "tok/s", 23, over=True),
    ),
)
INVALID = case(
    "concurrency[c32]",
    Verdict.INVALID,
    metrics=metrics(1204.0, 21.9, 1386.0, 10.8, 2560, errors=0.0172),
    client=ClientAccount(self_error_ms=3.11),
    validity=(
        Finding(
            "client_lag",
            invalid=True,
            message="the client read sockets 61.2 ms late at p99, limit 60.2 ms.",
            remedy="start more load workers: --bench-workers 4",
            figure=61.2,
            limit=60.2,
        ),
        Finding(
            "error_rate",
            invalid=True,
            message="1.72 % of 2,560 requests failed, limit 0 %",
            remedy="see the server's log",
        ),
    ),
    checks=(budget("ttft_ms.p95", 1577.0, "max 250", "ms", 12, over=True),),
)
NEW = case("rate[r04]", Verdict.NEW, metrics=metrics(52.9, 6.41, 511.0, 3.98, 400), client=ClientAccount())
WARNED = case(
    "multi_turn[t08]",
    Verdict.WITHIN_BUDGET,
    metrics=metrics(9.871, 6.2, 12345.6, 96.4, 6400),
    validity=(
        Finding(
            "thin_tail", invalid=False, message="ttft_ms.p95 from 320 requests, 500 carry it", remedy="add requests"
        ),
    ),
    notes=("the server reports TTFT 9.1 ms",),
)
GATED = (
    case(
        "prefix[warm]",
        Verdict.REGRESSED,
        checks=(history("ttft_ms.p50", Verdict.REGRESSED, 45.2, "+9.6 % against 8 sessions"),),
    ),
    case(
        "prefix[cold]",
        Verdict.INCONCLUSIVE,
        checks=(history("ttft_ms.p50", Verdict.INCONCLUSIVE, 45.2, "2 more sessions would decide"),),
    ),
    case("prefix[half]", Verdict.NEW, checks=(history("ttft_ms.p50", Verdict.NEW, 45.2, "the workload changed"),)),
    case("long_context[k32]", Verdict.OK, checks=(history("ttft_ms.p50", Verdict.OK, 45.2, "would have seen +7.3 %"),)),
    case("long_context[k64]", Verdict.IMPROVED),
)
HOSTILE_CASE = case(
    HOSTILE,
    Verdict.OVER_BUDGET,
    model=HOSTILE,
    version=HOSTILE,
    hardware=HOSTILE,
    workload={"kind": HOSTILE, "hash": HOSTILE},
    validity=(Finding(HOSTILE, invalid=False, message=HOSTILE, remedy=HOSTILE),),
    checks=(Check("ttft_ms.p50", "budget", Verdict.OVER_BUDGET, 41.2, "max", 40, HOSTILE, HOSTILE, HOSTILE),),
    notes=(HOSTILE,),
)
WIDE_CASE = case("並行[c08]" * 12, Verdict.WITHIN_BUDGET, model="模型-cafe\u0301-\N{WHITE SMILING FACE}\ufe0f")
ABSENT_CASE = case(
    "single", Verdict.NEW, metrics={}, rounds=(), client=ClientAccount(), server=ServerAccount(), variant="chunked"
)
EXTREME_CASE = case("single", Verdict.OK, metrics=metrics(0.0000412, 3e300, 987654321.0, 0.19, 10**9, errors=1.0))


_SKIPPED = [
    Skipped(f"benchmarks/test_all.py::test_single[trtllm-0.18.0-qwen3-8b-{name}]", "no GPU on this machine")
    for name in ("a", "b")
]
_ERRORS = [
    Error(
        "benchmarks/test_all.py::test_rate[vllm-v0.8.0-qwen3-8b-r32]",
        "the server ended with exit code 137 while it was measured\n  last 2 log lines:\n    x\n    Killed",
    )
]
_OTHER_CELL = case("concurrency[c08]", Verdict.WITHIN_BUDGET, backend="sglang", version="v0.4.5.post1")

RUNS: dict[str, RunDocument] = {
    "every_outcome": document(
        (WITHIN, OVER, UNMEASURED, INVALID, NEW, WARNED, *GATED), skipped=_SKIPPED, errors=_ERRORS
    ),
    "two_cells": document((WITHIN, OVER, _OTHER_CELL, INVALID)),
    "all_well": document((WITHIN, WARNED)),
    "hostile": document(
        (HOSTILE_CASE, WIDE_CASE),
        skipped=[Skipped(HOSTILE, HOSTILE)],
        errors=[Error(HOSTILE, HOSTILE)],
    ),
    "empty": document(()),
    "nothing_measured": document((), skipped=_SKIPPED, interrupted=True, finished=None),
    "absent_figures": document((ABSENT_CASE,)),
    "extreme_figures": document((EXTREME_CASE, WITHIN)),
}
