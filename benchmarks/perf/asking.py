"""What it costs a server that we ask it for more than answers: the same load with and without, in pairs.

`python -m benchmarks.perf.asking pages` from the repository's root asks for its metrics page every `--interval-ms`,
`... counts` for the tokens of each chunk. It starts llama.cpp's server on a built-in model, or takes the one at
`--server-url`; the order of a pair is drawn anew. The product's own paired engine makes the interval.

Limits: both arms run on one server and differ in nothing but what is asked; nothing is left out of the pairs.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pytest_inferbench.backends.backend import ServerPlan
from pytest_inferbench.backends.catalogue import backend_named
from pytest_inferbench.bench.rounds import CasePlan, CaseRunner
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.load.engine import LoadEngine
from pytest_inferbench.metrics import formulas
from pytest_inferbench.metrics.formulas import RoundView
from pytest_inferbench.metrics.tokens import request_views, token_method
from pytest_inferbench.models.builtin import builtin_model
from pytest_inferbench.observe.tokens import TokenCounter
from pytest_inferbench.records import RoundRecord
from pytest_inferbench.servers.server import Server, start_process
from pytest_inferbench.servers.url import attach_url
from pytest_inferbench.stats.paired import judge_pairs
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.sequential import Looks
from pytest_inferbench.units import Direction
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.workloads.concurrency import Concurrency
from pytest_inferbench.workloads.prompts import PromptMaker, calibrate

_FEWEST_PAIRS = 20
_FIGURES = {"output_tok_per_s_run": Direction.HIGHER, "ttft_ms": Direction.LOWER, "tpot_ms": Direction.LOWER}


def main() -> None:
    """Measure the pairs and print what asking changed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.perf.asking", description=__doc__)
    parser.add_argument("what", choices=("pages", "counts"))
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--interval-ms", type=float, default=100.0)
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--requests", type=int, default=16, help="of one load")
    parser.add_argument("--tokens", type=int, default=32, help="of each answer")
    parser.add_argument("--server-url", help="a server that runs; else llama.cpp's is started")
    parser.add_argument("--backend", default="llama")
    parser.add_argument("--model", default="small", help="the built-in model of a server that is started")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a JSON file for the pairs")
    args = parser.parse_args()
    if args.pairs < _FEWEST_PAIRS:
        parser.error(f"--pairs: got {args.pairs}, expected at least {_FEWEST_PAIRS}")
    workload = Concurrency(streams=args.streams, requests=args.requests, prompt_tokens=64, output_tokens=args.tokens)
    with _server(args.server_url, args.backend, args.model) as server, LoadEngine() as engine:
        counts = server.backend.chunk_counts[server.backend.protocols[0]] if args.what == "counts" else {}
        runners = {"without": case_runner(server, engine, {}), "with": case_runner(server, engine, counts)}
        intervals = {"without": 0.0, "with": args.interval_ms if args.what == "pages" else 0.0}
        pairs: list[dict[str, dict[str, float]]] = []
        asked: list[RoundRecord] = []
        order = random.Random(args.seed)
        for number in range(args.pairs):
            turn = order.sample(list(runners), 2)
            seen = {arm: _load(runners[arm], workload, intervals[arm], 2 * number + at) for at, arm in enumerate(turn)}
            asked.append(seen["with"])
            pairs.append({arm: _figures(round_) for arm, round_ in seen.items()})
            print(f"pair {number + 1}/{args.pairs}", flush=True)  # noqa: T201 - a program's output
            if args.out:
                args.out.write_text(json.dumps(pairs, indent=1), encoding="utf-8")
    _print(server, args.what, pairs, asked)


@contextmanager
def _server(url: str | None, backend: str, model: str) -> Iterator[Server]:
    known = backend_named(backend)
    if url is not None:
        yield attach_url(url, known, model="", timeout_s=60, clock=SYSTEM_CLOCK)
        return
    plan = ServerPlan(backend=backend, model_path=str(builtin_model(model)), model_name=model)
    with tempfile.TemporaryDirectory() as folder:
        server = start_process(plan, known, log_dir=Path(folder), timeout_s=120, clock=SYSTEM_CLOCK)
        try:
            yield server
        finally:
            server.stop()


def case_runner(server: Server, engine: LoadEngine, body: Mapping[str, object]) -> CaseRunner:
    """What runs cases on a server, each request with these fields besides."""
    protocol, cold = protocol_named(server.backend.protocols[0]), dict(server.backend.cold_cache_body)
    counter = TokenCounter(server.endpoint, protocol, SYSTEM_CLOCK, cold)
    prompts = PromptMaker(calibrate(counter), cold, body)
    return CaseRunner(server, protocol, prompts, engine, SYSTEM_CLOCK, lambda _: None)


def _load(runner: CaseRunner, workload: Concurrency, interval_ms: float, seed: int) -> RoundRecord:
    plan = CasePlan("asking", workload, 1, 1, seed, 120.0, interval_ms=interval_ms)
    (round_,) = runner.run(plan)
    return round_


def _figures(round_: RoundRecord) -> dict[str, float]:
    view = RoundView(request_views(round_.requests, token_method(round_.requests)))
    rate = formulas.output_tok_per_s_run(view)
    means = {
        name: statistics.fmean(sample for request in view.completed for sample in formula(request))
        for name, formula in (("ttft_ms", formulas.ttft_ms), ("tpot_ms", formulas.tpot_ms))
    }
    return {"output_tok_per_s_run": rate or 0.0, **means}


def _print(server: Server, what: str, pairs: list[dict[str, dict[str, float]]], asked: list[RoundRecord]) -> None:
    pages = [page for round_ in asked for page in round_.pages]
    took = f", {len(pages)}, {statistics.median(p.took_ns for p in pages) / 1e6:.1f} ms each (median)" if pages else ""
    print(f"{server.backend.name} {server.version}: {len(pairs)} pairs, with {what}{took}")  # noqa: T201 - a program's output
    looks = Looks(len(pairs), len(pairs))
    for name, direction in _FIGURES.items():
        both = [(pair["without"][name], pair["with"][name]) for pair in pairs]
        found = judge_pairs(both, direction, Rule(), looks=looks)
        without = statistics.median(a for a, _ in both)
        assert found.change is not None  # every pair has both figures
        change, low, high = (100 * (ratio - 1) for ratio in (found.change.ratio, found.change.low, found.change.high))
        print(  # noqa: T201 - as above
            f"{name}: {without:.4g} without; with: {change:+.2f} % [{low:+.2f}, {high:+.2f}] "
            f"({found.change.level:.0%} interval)"
        )


if __name__ == "__main__":
    main()
