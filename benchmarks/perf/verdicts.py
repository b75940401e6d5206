"""What baselines and verdicts cost: 200 cases with 3 gates and 20 accepted sessions each, in the files of 20 models.

    python -m benchmarks.perf.verdicts

Read, judged and recorded by the very functions that a run calls, in seconds of one core, so that what else the machine
does adds little. Exit status 1 where it takes longer than it may.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import TypeVar

from pytest_inferbench.baselines.candidate import Candidate
from pytest_inferbench.baselines.pool import accepted_spreads
from pytest_inferbench.baselines.schema import Baseline
from pytest_inferbench.baselines.store import BaselineStore
from pytest_inferbench.baselines.update import plan_update
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.figures import Summary
from pytest_inferbench.judge.history import Histories
from pytest_inferbench.metrics.table import METRICS, SampleMetric
from pytest_inferbench.policy import DEFAULT_GATES
from pytest_inferbench.stats.moderation import OwnSpread
from pytest_inferbench.units import Direction

MODELS, CASES, SESSIONS, ROUNDS = 20, 10, 20, 5
JUDGED_S, RECORDED_S = 1.0, 1.0
BACKEND, HARDWARE = "vllm", "8x-nvidia-h200"
_MACHINE = {"GPUs": "8x NVIDIA H200", "GPU driver": "570.86", "kernel": "6.8.0", "memory": "2016 GiB"}
_FIRST_NIGHT = datetime(2026, 1, 1, tzinfo=UTC)
_REPEATS = 3

T = TypeVar("T")


def main() -> int:
    """Build the files, measure, report."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "baselines"
        rng = random.Random(1)
        models = [f"org-model-{number:02d}" for number in range(MODELS)]
        for model in models:
            _make(folder, model, rng)
        today = {model: [_result(model, number, rng) for number in range(CASES)] for model in models}

        def measured() -> tuple[float, float, tuple[Baseline, ...], list[list[object]]]:
            reading, baselines = _timed(lambda: BaselineStore(folder, folder.parent, METRICS).read_hardware(HARDWARE))

            def judge() -> list[list[object]]:
                pool = {each.name: accepted_spreads(each, METRICS) for each in baselines}
                others = {one: [spread for name in pool if name != one for spread in pool[name]] for one in pool}
                return [list(_judged(each, today[each.file.model], others[each.name])) for each in baselines]

            judging, verdicts = _timed(judge)
            return reading, judging, baselines, verdicts

        # The shortest of a few: what the code costs, without what else the machine did.
        reading, judging, baselines, verdicts = min(
            (measured() for _ in range(_REPEATS)), key=lambda run: run[0] + run[1]
        )
        gates = sum(map(len, verdicts))
        store = BaselineStore(folder, folder.parent, METRICS)
        writing, _ = _timed(
            lambda: [_record(store, each, today[each.file.model], "today", SESSIONS) for each in baselines]
        )
    what = f"{MODELS * CASES} cases x {gates // (MODELS * CASES)} gates x {SESSIONS} sessions"
    sys.stdout.write(
        f"{what}, {MODELS} models:\n"
        f"  read {reading:.2f} s and judged {judging:.2f} s: {reading + judging:.2f} s (may take {JUDGED_S:g} s)\n"
        f"  one session of each case recorded {writing:.2f} s (may take {RECORDED_S:g} s)\n"
    )
    return int(reading + judging > JUDGED_S or writing > RECORDED_S)


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    started = process_time()
    result = call()
    return process_time() - started, result


def _judged(baseline: Baseline, cases: list[CaseResult], pool: list[OwnSpread]) -> Iterator[object]:
    history = Histories(baseline, METRICS, (), _MACHINE, pool)
    for case in cases:
        checks = history.judge([case], MODELS * CASES * len(DEFAULT_GATES), again=False).checks
        assert all(check.comparison is not None for check in checks)
        yield from checks


def _record(store: BaselineStore, baseline: Baseline, cases: list[CaseResult], run: str, night: int) -> None:
    candidates = [Candidate(case, _MACHINE) for case in cases]
    date = (_FIRST_NIGHT + timedelta(days=night)).isoformat()
    store.write(plan_update(baseline, candidates, run_id=run, date=date))


def _make(folder: Path, model: str, rng: random.Random) -> None:
    """Both files of one model, as nightly runs would have left them."""
    store = BaselineStore(folder, folder.parent, METRICS)
    for night in range(SESSIONS):
        cases = [_result(model, number, rng) for number in range(CASES)]
        _record(store, store.read(model, BACKEND, HARDWARE), cases, f"run-{night:03d}", night)


def _result(model: str, number: int, rng: random.Random) -> CaseResult:
    """One case of one session, with every metric that has a better side."""
    luck = rng.lognormvariate(0, 0.02)
    names = [
        f"{name}{part}"
        for name, metric in METRICS.items()
        if metric.direction is not Direction.NEUTRAL
        for part in ([".mean", ".p50", ".p90"] if isinstance(metric, SampleMetric) else [""])
    ]
    rounds = tuple({name: 40 * luck * rng.lognormvariate(0, 0.01) for name in names} for _ in range(ROUNDS))
    return CaseResult(
        id=f"test_c.py::test_concurrency[c{number:02d}]",
        case=f"concurrency[c{number:02d}]",
        model=model,
        backend=BACKEND,
        variant="",
        version="v0.8.1",
        hardware=HARDWARE,
        workload={"kind": "concurrency", "hash": "5c1e0d9b"},
        metrics={name: Summary(metric.unit.symbol, metric.direction.value) for name, metric in METRICS.items()},
        rounds=rounds,
        client={},
        server={"args_hash": "0f0f0f0f0f0f0f0f", "provision": "docker", "canary": "c0ffee"},
        gpu=None,
        token_method="usage",  # noqa: S106 - a way to count
    )


if __name__ == "__main__":
    sys.exit(main())
