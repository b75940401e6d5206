"""One case of a run, and its parts: everything has a likely value, and a test names what it is about."""

from __future__ import annotations

from typing import Any

from pytest_inferbench.document.account import ClientAccount, ServerAccount
from pytest_inferbench.document.build import build_document
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.comparison import GateComparison
from pytest_inferbench.document.environment import Environment
from pytest_inferbench.document.figures import Check, Summary
from pytest_inferbench.document.observed import SampledLine, Series
from pytest_inferbench.document.run import RunDocument, Setting
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

BASELINE = "benchmarks/baselines/qwen3-8b--vllm.yaml"


def summary(unit: str, direction: str = "lower", **figures: float) -> Summary:
    return Summary(unit, Direction(direction), **figures)  # type: ignore[arg-type]


def metrics(ttft: float, tpot: float, output: float, rate: float, n: int, *, errors: float = 0.0) -> dict[str, Summary]:
    tail = {"p95": ttft * 1.31, "p99": ttft * 1.6} if n >= 100 else {}
    return {
        "ttft_ms": summary("ms", n=n, mean=ttft * 1.02, p50=ttft, p90=ttft * 1.2, **tail),
        "tpot_ms": summary("ms", n=n, mean=tpot, p50=tpot, p90=tpot * 1.1, **({"p95": tpot * 1.2} if tail else {})),
        "e2e_ms": summary("ms", n=n, p50=ttft + 128 * tpot),
        "output_tok_per_s": summary("tok/s", "higher", value=output),
        "request_per_s": summary("req/s", "higher", value=rate),
        "error_rate": summary("%", value=errors),
    }


def case(name: str, verdict: Verdict = Verdict.NEW, **changes: Any) -> CaseResult:
    fields: dict[str, Any] = {
        "id": f"benchmarks/test_all.py::test_{name.replace('[', '[vllm-v0.8.0-qwen3-8b-')}",
        "case": name,
        "model": "qwen3-8b",
        "backend": "vllm",
        "variant": "",
        "version": "v0.8.0",
        "hardware": "1x-nvidia-h200",
        "workload": {"kind": name.partition("[")[0], "hash": "5c1e0d9b", "requests": 128, "prompt_tokens": 128},
        "metrics": metrics(41.237, 6.104, 164.2, 1.214, 24),
        "rounds": ({"ttft_ms.p50": 41.2, "output_tok_per_s": 164.2}, {"ttft_ms.p50": 41.3, "output_tok_per_s": 163.9}),
        "client": ClientAccount(self_error_ms=0.052, cpu_share=0.08),
        "server": ServerAccount(provision="docker", restarts=0),
        "token_method": "usage",
        "verdict": verdict,
    }
    return CaseResult(**(fields | changes))


def budget(metric: str, value: float | None, limit: str, unit: str, line: int, *, over: bool, note: str = "") -> Check:
    bound, _, figure = limit.partition(" ")
    verdict = Verdict.OVER_BUDGET if over else Verdict.WITHIN_BUDGET
    return Check(metric, "budget", verdict, value, bound, float(figure), unit, f"{BASELINE}:{line}", note)  # type: ignore[arg-type]


def comparison(**fields: Any) -> GateComparison:
    """A comparison whose rule is the usual one; figures are there if named."""
    usual: dict[str, Any] = {
        "direction": Direction.LOWER,
        "n": 8,
        "k": 1,
        "sessions": (),
        "screened": False,
        "equivalent": False,
        "margin": 0.05,
        "resolve": 0.2,
        "alpha": 0.05,
        "alpha_each": 0.01,
        "gates": 5,
        "shared": 0.5,
        "shared_measured": False,
        "confirmations": 1,
        "notes": (),
    }
    return GateComparison(**(usual | fields))


def history(metric: str, verdict: Verdict, value: float | None = None, note: str = "", **found: Any) -> Check:
    """A check against accepted sessions; with a comparison where anything of it is named."""
    compared = comparison(**found) if found else None
    return Check(metric, "history", verdict, value, unit="ms", source=f"{BASELINE}:5", note=note, comparison=compared)


def series(at_s: tuple[float, ...] = (-0.02, 0.23, 0.48, 0.73), **lines: tuple[str, list[float]]) -> Series:
    return Series(at_s, {name: SampledLine(unit, tuple(values)) for name, (unit, values) in lines.items()})


def document(cases: tuple[CaseResult, ...], **changes: Any) -> RunDocument:
    fields: dict[str, Any] = {
        "run_id": "20250301-120000-abcd",
        "started": "2025-03-01T12:00:00+00:00",
        "finished": "2025-03-01T12:20:31.5+00:00",
        "interrupted": False,
        "environment": Environment(hardware="1x-nvidia-h200", driver="570.86"),
        "settings": [Setting("rounds", 5, "default")],
        "cases": cases,
        "skipped": [],
        "errors": [],
    }
    return build_document(**(fields | changes))
