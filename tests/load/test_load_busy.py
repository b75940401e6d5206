"""What a busy machine does to stamps: a kernel's receive stamp is right however late the read."""

from __future__ import annotations

import os
from statistics import median

import pytest

from fakes.busy import BUSY_S, busy_core, load_workers, pin
from fakes.scripted.process import ScriptedServer
from fakes.scripted.script import Script

_CORES = sorted(os.sched_getaffinity(0))


@pytest.mark.skipif(len(_CORES) < 2, reason="the server needs a core of its own")
def test_kernel_stamps_are_right_on_a_busy_core(carry):
    """With the worker held up for 50 ms at a time, arrivals are off by a small part of how late they were read."""
    busy, quiet = _CORES[0], _CORES[-1]
    # Chunks that come further apart than the worker is held up: each is a read, and has a stamp, of its own.
    with ScriptedServer(Script(first_ms=400, gap_ms=400)) as server:
        pin(server.pid, quiet)
        carry(server, requests=1)
        (worker,) = load_workers()
        pin(worker, busy)
        server.forget()
        with busy_core(busy):
            seen = carry(server, requests=4, streams=2, tokens=5)
        truth = {sent.id: sent for sent in server.sent_log()}
    (reading,) = seen.workers
    assert reading.kernel_stamps
    late_ns = sorted(reading.loop_lag_ns)
    assert late_ns[-1] > BUSY_S * 1e9 / 4, "the neighbour did hold the worker up"
    assert len(truth) == 4
    begun = sorted(stamp for sent in truth.values() for stamp in sent.begun_ns)
    arrived = sorted(stamp for record in seen.records for stamp in record.output_ns)
    errors_ns = [ours - true for ours, true in zip(arrived, begun, strict=True)]
    assert median(errors_ns) < late_ns[-1] / 10
    assert sorted(errors_ns)[int(0.9 * len(errors_ns))] < late_ns[-1] / 4
