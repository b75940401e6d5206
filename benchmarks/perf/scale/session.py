"""A whole session beside its load, on the embedded llama.cpp: where the time goes that is not load.

Limits: one case of five rounds on a server of its own, and the same with ten times the requests.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from benchmarks.perf import ROOT

from .phases import LOAD
from .row import Row
from .timing import timed

_MOST_OVER_LOAD = 0.2
_MODELS = {"tiny": (64, 64), "small": (4, 32)}  # requests of a round, and tokens of each
_TENFOLD = 10
_SUITE = """
from pytest_inferbench import Concurrency

async def test_c04(bench):
    load = Concurrency(streams=4, requests={requests}, prompt_tokens=96, output_tokens={tokens})
    (await bench.run(load)).check()
"""
_CONFIG = "models: [{{path: 'builtin:{model}', name: {model}, backend: llama}}]\n"


def rows() -> Iterator[Row]:
    """The parts of both sessions of each model; `whole / load` has the goal."""
    for model, (requests, tokens) in _MODELS.items():
        _parts(model, 4, 4)  # makes the model, where it is not yet, and bytecode
        usual, tenfold = (_parts(model, requests * size, tokens) for size in (1, _TENFOLD))
        what = f"builtin:{model}, {requests} and {_TENFOLD * requests} requests a round"
        whole = [sum(parts.values()) for parts in (usual, tenfold)]
        yield Row(what, "whole session, s", *whole)
        for part in dict.fromkeys((LOAD, *sorted(tenfold, key=lambda name: -tenfold[name]))):
            yield Row(what, f"{part}, s", usual.get(part, 0.0), tenfold.get(part, 0.0))
        over = (total / parts[LOAD] - 1 for total, parts in zip(whole, (usual, tenfold), strict=True))
        yield Row(what, "over its load, share", *over, _MOST_OVER_LOAD)


def _parts(model: str, requests: int, tokens: int) -> dict[str, float]:
    """Seconds of each part of one session."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        (folder / "config").mkdir()
        (folder / "config/models.yaml").write_text(_CONFIG.format(model=model), encoding="utf-8")
        (folder / "test_site.py").write_text(_SUITE.format(requests=requests, tokens=tokens), encoding="utf-8")
        found = folder / "phases.json"
        os.environ |= {"PHASES": str(found), "BEGAN": str(monotonic()), "PYTHONPATH": str(ROOT)}
        plugins = ("no:cacheprovider", "no:hypothesispytest", "benchmarks.perf.scale.phases")
        chosen = [word for plugin in plugins for word in ("-p", plugin)]
        timed((sys.executable, "-m", "pytest", "-q", "--hardware=site", *chosen), folder)
        parts: dict[str, float] = json.loads(found.read_text(encoding="utf-8"))
        return parts
