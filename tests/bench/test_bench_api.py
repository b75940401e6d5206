"""The public face of `bench`."""

from __future__ import annotations

import dataclasses
import inspect

from pytest_inferbench.bench.api import Bench
from pytest_inferbench.bench.measure_case import CaseRequest


def test_run_and_run_sync_take_the_same_arguments() -> None:
    """What one of them takes the other takes, with the same defaults, and both become one request."""
    awaited, plain = (inspect.signature(method).parameters for method in (Bench.run, Bench.run_sync))
    assert awaited == plain
    assert [*awaited][1:] == [field.name for field in dataclasses.fields(CaseRequest)][2:]
