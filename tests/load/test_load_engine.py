"""The load engine against a server whose behaviour is scripted."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from fakes.scripted.process import ScriptedServer
from fakes.scripted.script import Cut, Script
from pytest_inferbench.errors import LoadError
from pytest_inferbench.load.engine import Cancelled, LoadEngine
from pytest_inferbench.load.job import Limits
from pytest_inferbench.records import FailureKind

QUICK = Script(first_ms=2, gap_ms=1)


def test_every_request_has_a_complete_record(carry):
    """Each request comes back once, in order, with its output, usage and stamps in order."""
    with ScriptedServer(QUICK) as server:
        seen = carry(server, requests=9, streams=3, tokens=5)
    assert [record.index for record in seen.records] == list(range(9))
    assert {record.stream for record in seen.records} == {0, 1, 2}
    for record in seen.records:
        assert record.failure is None
        assert len(record.output_ns) == 5
        assert record.usage.output_tokens == 5
        assert record.sent_ns < record.output_ns[0]
        assert list(record.output_ns) == sorted(record.output_ns)
        assert record.output_ns[-1] <= record.end_ns


def test_a_closed_loop_keeps_its_streams_busy_and_no_more(carry):
    """At no time are more requests in flight than streams, and every stream is used."""
    with ScriptedServer(QUICK) as server:
        seen = carry(server, requests=20, streams=4)
    edges = sorted([(record.sent_ns, 1) for record in seen.records] + [(record.end_ns, -1) for record in seen.records])
    level, peak = 0, 0
    for _, step in edges:
        level += step
        peak = max(peak, level)
    assert peak == 4


def test_stamps_agree_with_the_servers_own(carry):
    """No chunk is stamped before the server began to send it, and the median error is below a tenth of a gap."""
    with ScriptedServer(Script(first_ms=20, gap_ms=10)) as server:
        seen = carry(server, requests=4, streams=1, tokens=10)
        truth = server.sent_log()
    assert len(truth) == 4
    errors = []
    for record, sent in zip(seen.records, truth, strict=True):
        errors += [ours - true for ours, true in zip(record.output_ns, sent.begun_ns, strict=True)]
    assert min(errors) >= 0
    assert sorted(errors)[len(errors) // 2] < 10_000_000 / 10


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (Script(status=429), FailureKind.HTTP, ""),
        (Script(status=503), FailureKind.HTTP, ""),
        (Script(first_ms=1, gap_ms=1, error_after=2), FailureKind.IN_STREAM, ""),
        (Script(first_ms=1, gap_ms=1, cut_after=2, cut=Cut.RST), FailureKind.CUT, ""),
        (Script(first_ms=1, gap_ms=1, cut_after=2, cut=Cut.FIN), FailureKind.CUT, ""),
        (Script(empty=True), FailureKind.EMPTY, ""),
        (Script(silent=True), FailureKind.STALL, "no byte for 0.3 s"),
        (Script(first_ms=1, gap_ms=1, stall_after=1, stall_s=5), FailureKind.STALL, "no byte for 0.3 s"),
    ],
    ids=["429", "503", "error-in-stream", "reset", "closed", "empty", "silent", "stalled"],
)
def test_what_a_server_does_wrong_is_a_failed_request(carry, script, kind, words):
    """Each fault is one failure of its kind in the record, and the engine goes on."""
    with ScriptedServer(script) as server:
        seen = carry(server, requests=2, tokens=4, limits=Limits(stall_s=0.3))
    assert [record.failure.kind for record in seen.records] == [kind, kind]
    assert all(words in record.failure.message for record in seen.records)


def test_what_came_before_a_cut_is_kept(carry):
    """Chunks that arrived before the connection was cut are in the record."""
    with ScriptedServer(Script(first_ms=1, gap_ms=5, cut_after=3, cut=Cut.FIN)) as server:
        seen = carry(server, requests=1, tokens=10)
    assert len(seen.records[0].output_ns) == 3


@pytest.mark.parametrize("cut", [Cut.FIN, Cut.RST], ids=["closed", "reset"])
def test_with_half_the_connections_cut_the_other_half_is_whole(carry, cut):
    """Every other answer is cut off in its middle: those have failed, and nothing happens to their neighbours."""
    whole = {"extra": {}}
    broken = {"extra": {"script": {"cut_after": 3, "cut": cut.value}}}
    with ScriptedServer(Script(first_ms=5, gap_ms=5)) as server:
        seen = carry(server, requests=16, streams=8, tokens=10, each=lambda i: broken if i % 2 else whole)
    for record in seen.records:
        if record.index % 2:
            assert record.failure.kind is FailureKind.CUT
            assert len(record.output_ns) == 3
        else:
            assert record.failure is None
            assert len(record.output_ns) == 10


def test_a_server_killed_in_mid_stream_fails_what_was_under_way(carry):
    """Requests that were answered stay whole, those under way are cut, those that come later find nobody."""
    # Gaps that differ, so that no moment finds all streams between two answers.
    gaps = [{"extra": {"script": {"gap_ms": gap}}} for gap in (5, 6, 7, 9)]
    with ScriptedServer(Script(first_ms=1)) as server:
        engine = LoadEngine(on_progress=lambda finished, _reads: finished and os.kill(server.pid, signal.SIGKILL))
        try:
            seen = carry(server, requests=400, streams=4, tokens=50, engine=engine, each=lambda i: gaps[i % 4])
        finally:
            engine.close()
    kinds = [record.failure.kind if record.failure else None for record in seen.records]
    assert len(kinds) == 400
    assert None in kinds
    cut = [record for record in seen.records if record.failure and record.failure.kind is FailureKind.CUT]
    assert 0 < sum(bool(record.output_ns) for record in cut) <= 4
    assert len(cut) <= 4 * 2  # a listener that is closed last still takes their successors in
    assert FailureKind.CONNECT in kinds
    assert set(kinds) == {None, FailureKind.CUT, FailureKind.CONNECT}


def test_a_request_limit_ends_a_slow_answer(carry):
    """A request that outlasts its limit has failed with a timeout."""
    with ScriptedServer(Script(first_ms=1, gap_ms=50)) as server:
        seen = carry(server, requests=1, tokens=100, limits=Limits(request_s=0.3))
    assert seen.records[0].failure.kind is FailureKind.TIMEOUT


def test_connections_that_a_server_closes_unasked_lose_no_request(carry):
    """A server that closes after every answer without saying so costs reconnects, not failures."""
    with ScriptedServer(dataclasses.replace(QUICK, close_after=1)) as server:
        seen = carry(server, requests=12, streams=2)
    assert [record.failure for record in seen.records] == [None] * 12
    assert seen.workers[0].reconnects > 0


def test_kept_connections_are_reused(carry):
    """A server that keeps connections open is not reconnected to."""
    with ScriptedServer(QUICK) as server:
        seen = carry(server, requests=12, streams=2)
    assert seen.workers[0].reconnects == 0


def test_a_server_that_is_gone_refuses_the_load(carry):
    """When nothing listens, the load does not start, and the error names the address."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    gone = SimpleNamespace(port=port)
    with pytest.raises(LoadError, match=rf"127\.0\.0\.1:{port}: cannot connect: Connection refused"):
        carry(gone)


def test_a_killed_worker_is_named_and_replaced(carry, engine):
    """Killing the load worker fails that load with its signal; the next load runs."""
    with ScriptedServer(Script(first_ms=1, gap_ms=50)) as server:
        carry(server, requests=1, tokens=1)
        victim = engine.pids[0]
        threading.Timer(0.3, os.kill, (victim, signal.SIGKILL)).start()
        with pytest.raises(LoadError, match="load worker 0 was killed by SIGKILL in mid-run"):
            carry(server, requests=1, tokens=100)
        assert carry(server, requests=1, tokens=1).records[0].failure is None
    assert victim not in engine.pids


def test_cancelling_ends_a_load_and_its_worker(carry):
    """A set cancel event ends the load under way."""
    cancel = threading.Event()
    engine = LoadEngine(cancel=cancel)
    try:
        with ScriptedServer(Script(first_ms=1, gap_ms=50)) as server:
            threading.Timer(0.3, cancel.set).start()
            with pytest.raises(Cancelled):
                carry(server, requests=1, tokens=200, engine=engine)
        assert engine.pids == ()
    finally:
        engine.close()


def test_workers_share_a_load(carry):
    """Two workers carry one load; each record says which, and none is lost or doubled."""
    engine = LoadEngine(workers=2)
    try:
        with ScriptedServer(QUICK) as server:
            seen = carry(server, requests=10, streams=4, engine=engine)
    finally:
        engine.close()
    assert [record.index for record in seen.records] == list(range(10))
    assert {record.worker for record in seen.records} == {0, 1}
    assert len(seen.workers) == 2


def test_an_open_loop_sends_on_schedule(carry):
    """Requests leave at their planned times in order, whatever the answers do, and none leaves early."""
    offsets = tuple(range(0, 200_000_000, 10_000_000))
    with ScriptedServer(Script(first_ms=60, gap_ms=1)) as server:
        seen = carry(server, requests=len(offsets), tokens=2, offsets_ns=offsets)
    lags = [record.sent_ns - record.scheduled_ns for record in seen.records]
    assert min(lags) >= 0
    assert sorted(lags)[len(lags) // 2] < 10_000_000 / 4
    assert [record.failure for record in seen.records] == [None] * len(offsets)


def test_too_few_file_descriptors_are_an_error_before_the_start():
    """5000 streams under a hard limit of 1024 descriptors end with what to do, not in the middle."""
    program = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))\n"
        "from pytest_inferbench.load.engine import LoadEngine\n"
        "from pytest_inferbench.load.job import EncodedRequest, Limits, Target\n"
        "from pytest_inferbench.errors import LoadError\n"
        "asks = tuple(EncodedRequest(i, b'x', None, None, '', False) for i in range(5000))\n"
        "engine = LoadEngine()\n"
        "try:\n"
        "    engine.carry(asks, target=Target('127.0.0.1', 9), protocol='openai-chat', streams=5000, limits=Limits())\n"
        "except LoadError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "5000 connections need 5064 file descriptors and this process may have 1024" in done.stdout
    assert "ulimit -n 5064" in done.stdout


@pytest.mark.parametrize("close_after", [None, 1], ids=["kept", "closed-after-each"])
@pytest.mark.parametrize("rate", [20, 100, 500])
def test_an_open_loop_keeps_its_rate(carry, rate, close_after):
    """At 20 to 500 requests a second the achieved rate is within 1 % of the planned one, and none fails."""
    count = 2 * rate
    offsets = tuple(index * 1_000_000_000 // rate for index in range(count))
    with ScriptedServer(Script(first_ms=20, gap_ms=5, close_after=close_after)) as server:
        seen = carry(server, requests=count, tokens=2, offsets_ns=offsets)
    assert [record.failure for record in seen.records] == [None] * count
    sent = [record.sent_ns for record in seen.records]
    achieved = (sent[-1] - sent[0]) / (offsets[-1] - offsets[0])
    assert 0.99 < achieved < 1.01


def test_a_stalled_server_shows_in_the_scheduled_latency(carry):
    """While a server stands still, requests still leave on time, so their latency holds the whole wait."""
    offsets = tuple(index * 20_000_000 for index in range(100))
    with ScriptedServer(Script(first_ms=5, gap_ms=1), freeze_at_s=0.5, freeze_s=1.0) as server:
        seen = carry(server, requests=len(offsets), tokens=2, offsets_ns=offsets)
    waits = [(record.output_ns[0] - record.scheduled_ns) / 1e9 for record in seen.records]
    assert max(waits) > 0.9
    assert sum(wait > 0.25 for wait in waits) > 25, "every request of the stalled second waited, not only one"
