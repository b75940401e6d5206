"""Whether the verdicts hold on a real server: sessions in which nothing changed, and some in which it became slower.

`python -m benchmarks.perf.sessions` from the repository's root runs pytest again and again on llama.cpp's server with
the built-in model: first sessions that become a history, then sessions that are judged against it and accepted, as a
nightly job does; then sessions on a server that is held up by the change that the last report says it detects, and by
three times that; last the same changes by pairs. It prints how many were called beside what the reports had said.

Limits: every session is a pytest run of its own, on a server of its own, and all of them are counted.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from scipy.stats import binom

HELD = Path(__file__).with_name("held_python.py")
SUITE = """
from pytest_inferbench import Concurrency

async def test_c04(bench):
    (await bench.run(Concurrency(streams=4, requests={requests}, prompt_tokens=96, output_tokens=64))).check()
"""
CONFIG = """
models:
  - path: builtin:{model}
    name: {model}
    backend: llama
    variants:
      plain: {{python: {folder}/plain}}
      slower: {{python: {folder}/slower}}
      far: {{python: {folder}/far}}
"""
_POWER, _LEVEL = 0.8, 0.99  # what a detectable change is caught with; of the binomial bounds
_HISTORY = 8
_TRIES = 2


Run = Callable[..., list[list[dict[str, Any]]]]
"""(name, how often, arguments of pytest...) -> every gate of each session."""

Calibrate = Callable[..., None]
"""(variant, change, sessions a try, arguments of pytest...): from now on its servers are slower by about that."""


class Site:
    """A project of one suite whose servers are held up as told."""

    def __init__(self, folder: Path, model: str, requests: int, rounds: int) -> None:
        self._folder = folder
        self._rounds = rounds
        (folder / "config").mkdir(parents=True)
        (folder / "config/models.yaml").write_text(CONFIG.format(model=model, folder=folder))
        (folder / "test_site.py").write_text(SUITE.format(requests=requests))
        for variant in ("plain", "slower", "far"):
            self.hold(variant, 0.0)

    def hold(self, variant: str, slower: float) -> None:
        """From now on the variant's servers take (1 + slower) times as long."""
        program = self._folder / variant
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {HELD} {slower / (1 + slower):.4f} "$@"\n')
        program.chmod(0o755)

    def session(self, *arguments: str) -> dict[str, Any]:
        """Run pytest once; the run document."""
        done = subprocess.run(  # noqa: S603 - our own interpreter and suite
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hardware=site"),
                *(f"--bench-rounds={self._rounds}", *arguments),
            ],
            cwd=self._folder,
            env={name: value for name, value in os.environ.items() if name != "CI"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        runs = sorted(self._folder.glob("perf/*/run.json"), key=os.path.getmtime)
        if not runs or done.returncode not in (0, 1):
            raise SystemExit(done.stdout)
        document: dict[str, Any] = json.loads(runs[-1].read_text(encoding="utf-8"))
        return document

    def forget_budgets(self) -> None:
        """Only the history is asked for: take out the budgets that the first session proposed."""
        for path in self._folder.glob("benchmarks/baselines/*.yaml"):
            head, cases, _ = path.read_text(encoding="utf-8").partition("cases:")
            path.write_text(f"{head}{cases}\n", encoding="utf-8")


def main() -> None:
    """Run the sessions and print what was called."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.perf.sessions", description=__doc__)
    parser.add_argument("--sessions", type=int, default=30, help="in which nothing changed")
    parser.add_argument("--slower", type=int, default=20, help="sessions of each slower server")
    parser.add_argument("--paired", type=int, default=20, help="comparisons with each slower server")
    parser.add_argument("--only", choices=("history", "pairs"), help="one of the two engines")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--requests", type=int, default=64, help="of one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a JSON file for every gate of every session")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sessions-"))
    site, seen = Site(folder, args.model, args.requests, args.rounds), dict[str, list[list[dict[str, Any]]]]()

    def run(name: str, count: int, *arguments: str) -> list[list[dict[str, Any]]]:
        seen[name] = []
        for number in range(count):
            seen[name].append(_gates(site.session(*arguments)))
            _say(f"{name} {number + 1}/{count}: {_line(seen[name][-1])}")
            if args.out:
                args.out.write_text(json.dumps(seen, indent=1), encoding="utf-8")
        return seen[name]

    def calibrate(variant: str, change: float, calibrating: int, *arguments: str) -> None:
        """Hold a variant up so that the change is seen: standing still costs more than the time that it takes."""
        held = change / 2
        for turn in range(_TRIES):
            site.hold(variant, held)
            gates = run(f"{variant} held up by {held:.1%}, try {turn + 1}", calibrating, *arguments)
            worse = statistics.median(abs(math.log(gate["ratio"])) for each in gates for gate in each)
            held *= change / math.expm1(worse)
        site.hold(variant, held)

    if args.only != "pairs":
        _by_history(site, run, calibrate, args)
    if args.only != "history":
        _by_pairs(site, run, calibrate, args)


def _by_history(site: Site, run: Run, calibrate: Calibrate, args: argparse.Namespace) -> None:
    plain = ("-k", "plain")
    run("history", 1, *plain, "--update-baselines")
    site.forget_budgets()
    run("history", _HISTORY - 1, *plain, "--update-baselines")
    same = run("nothing changed", args.sessions, *plain, "--update-baselines")
    change = max(gate["detectable"] for gate in same[-1])
    calibrate("plain", change, 5, *plain)
    near = run(f"{change:+.1%}", args.slower, *plain)
    site.hold("plain", 3 * change)
    far = run(f"{3 * change:+.1%}", args.slower, *plain)
    site.hold("plain", 0.0)
    _say("")
    _false_alarms(same)
    _caught(f"{change:+.1%} by history", near, _POWER)
    _caught(f"{3 * change:+.1%} by history", far, 1.0)


def _by_pairs(site: Site, run: Run, calibrate: Calibrate, args: argparse.Namespace) -> None:
    paired = run("pairs, nothing changed", 2, "--compare", "plain..plain")
    small = max(gate["detectable"] for gate in paired[-1])
    calibrate("slower", small, 2, "--compare", "plain..slower")
    site.hold("far", 3 * small)
    near_pairs = run(f"pairs, {small:+.1%}", args.paired, "--compare", "plain..slower")
    far_pairs = run(f"pairs, {3 * small:+.1%}", args.paired, "--compare", "plain..far")
    _say("")
    _caught(f"{small:+.1%} by pairs", near_pairs, _POWER)
    _caught(f"{3 * small:+.1%} by pairs", far_pairs, 1.0)


def _gates(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each gate of a session: metric, verdict, ratio, what it would have seen, and the run's own error rate."""
    rate = document.get("family", {})
    return [
        {"metric": check["metric"], "verdict": check["verdict"], **check["comparison"], "family": rate}
        for case in document["cases"]
        for check in case["checks"]
        if "comparison" in check
    ]


def _line(gates: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(
        f"{gate['metric']} {gate['verdict']} x{gate.get('ratio', math.nan):.3f} (sees {gate.get('detectable', 0):+.1%})"
        for gate in gates
    )


def _false_alarms(sessions: list[list[dict[str, Any]]]) -> None:
    called = sum(any(gate["verdict"] == "regressed" for gate in gates) for gates in sessions)
    stated = sessions[-1][0]["family"]["at_most_per_100"] / 100
    most = int(binom.ppf(_LEVEL, len(sessions), stated))
    _say(f"nothing changed: {called} of {len(sessions)} sessions called; stated {stated:.1%}, 99 % bound {most}")


def _caught(name: str, sessions: list[list[dict[str, Any]]], power: float) -> None:
    """Per gate, since each has a detectable change of its own; the run as a whole catches more."""
    runs = sum(any(gate["verdict"] == "regressed" for gate in gates) for gates in sessions)
    least = binom.ppf(1 - _LEVEL, len(sessions), power)
    _say(f"{name}: {runs} of {len(sessions)} runs called; at least {least:.0f} expected")
    for metric in dict.fromkeys(gate["metric"] for gates in sessions for gate in gates):
        found = [gate for gates in sessions for gate in gates if gate["metric"] == metric]
        caught = sum(gate["verdict"] == "regressed" for gate in found)
        ratio = statistics.median(gate["ratio"] for gate in found)
        sees = statistics.median(gate["detectable"] for gate in found)
        _say(f"  {metric}: {caught} of {len(found)}; median ratio {ratio:.3f}; it says that it sees {sees:+.1%}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
