"""A pytest plugin that notes how long each part of a session's work took: `-p benchmarks.perf.scale.phases`.

Limits: it wraps functions of the product by name and changes nothing that they do; a part within a part counts once.
The seconds of each are written as JSON to the file that PHASES names, when the process ends. BEGAN is when it was
started, on the same monotonic clock.
"""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

LOAD, START, REST = "load", "start of pytest, collection", "the rest"
_spent: dict[str, float] = {}
_within: list[list[float]] = []  # of each part under way, the seconds of the parts within it


def _timed(holder: Any, name: str, part: str, in_round: str = "") -> None:
    function: Callable[..., Any] = getattr(holder, name)

    @wraps(function)
    def timed(*args: Any, **keywords: Any) -> Any:
        began, named = monotonic(), in_round if in_round and _within else part
        _within.append([])
        try:
            return function(*args, **keywords)
        finally:
            took, inner = monotonic() - began, sum(_within.pop())
            _spent[named] = _spent.get(named, 0.0) + took - inner
            if _within:
                _within[-1].append(took)

    setattr(holder, name, timed)


def pytest_runtestloop() -> None:
    """Collection is over: note how long it took, and wrap what follows."""
    from pytest_inferbench.archive.run_file import RunFile  # noqa: PLC0415 - their import is part of the session's start
    from pytest_inferbench.bench import measure_case, running_cell  # noqa: PLC0415 - as above
    from pytest_inferbench.bench.rounds import CaseRunner  # noqa: PLC0415 - as above
    from pytest_inferbench.bench.running_cell import RunningCell  # noqa: PLC0415 - as above
    from pytest_inferbench.load.engine import LoadEngine  # noqa: PLC0415 - as above
    from pytest_inferbench.models import location  # noqa: PLC0415 - as above

    _spent[START] = monotonic() - float(os.environ["BEGAN"])
    for holder, name, part in (
        (running_cell, "start_server", "start of the server"),
        (location, "builtin_model", "making the model"),
        (running_cell, "calibrate", "learning prompt lengths"),
        (running_cell, "canary_hash", "canary"),
        (CaseRunner, "_round", "prompts, samples"),
        (running_cell, "self_error_ms", "self-check"),
        (measure_case, "case_result", "figures of the case"),
        (RunFile, "write", "writing run.json"),
        (RunningCell, "close", "end of the server"),
    ):
        _timed(holder, name, part)
    _timed(CaseRunner, "_carry", "warm-up", in_round="encoding and decoding")
    _count_load(LoadEngine)
    atexit.register(_write)


def _count_load(engine: type) -> None:
    """What a round's load itself took, by its workers, leaves the parts that it was in."""
    carry = engine.carry  # type: ignore[attr-defined]

    def carried(*args: Any, **keywords: Any) -> Any:
        seen = carry(*args, **keywords)
        if len(_within) > 1:  # a load of a round is in the round
            took = max(worker.seconds for worker in seen.workers)
            _spent[LOAD] = _spent.get(LOAD, 0.0) + took
            _within[-1].append(took)
        return seen

    engine.carry = carried  # type: ignore[attr-defined]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    """A regression item is the judgement of a case."""
    began = monotonic()
    result = yield
    if "::regression" in item.nodeid:
        _spent["judging"] = _spent.get("judging", 0.0) + monotonic() - began
    return result


def _write() -> None:
    whole = monotonic() - float(os.environ["BEGAN"])
    _spent[REST] = whole - sum(_spent.values())
    Path(os.environ["PHASES"]).write_text(json.dumps(_spent), encoding="utf-8")
