"""The load loop by itself: what it does first where much is to be done at once."""

from __future__ import annotations

import time

import pytest

from fakes.scripted.process import ScriptedServer
from fakes.scripted.script import Script
from pytest_inferbench.clock import NS_PER_MS, SYSTEM_CLOCK, SystemClock
from pytest_inferbench.load import connection
from pytest_inferbench.load import drive as drive_module
from pytest_inferbench.load.decode import decode_outcome
from pytest_inferbench.load.drive import Drive
from pytest_inferbench.load.encode import encode_load
from pytest_inferbench.load.job import Limits, Target
from pytest_inferbench.load.pool import Pool
from pytest_inferbench.load.shape import ClosedLoop, Load
from pytest_inferbench.load.spool import Spool
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.wire.protocol import GenerationRequest, Message

STREAMS, GAP_MS, LOOK_S = 320, 300, 0.002
STEP_NS = 2 * 3600 * 10**9


def driven(script, requests, tokens, streams):
    """What one round looked like from the loop, its decoded records, and when the server sent each first token."""
    protocol = protocol_named("openai-chat")
    asks = tuple(GenerationRequest((Message("user", "x"),), tokens) for _ in range(requests))
    with ScriptedServer(script) as server:
        encoded = encode_load(Load(asks, ClosedLoop(streams)), protocol, "m", f"127.0.0.1:{server.port}", "", ())
        pool = Pool(Target("127.0.0.1", server.port))
        assert pool.open(streams, 10.0) is None
        spool = Spool()
        drive = Drive(pool, encoded, streams, Limits(), spool, lambda _finished, _reads: None)
        drive.run(SYSTEM_CLOCK.now_ns())
        pool.close()
        sent = [row.sent_ns[0] for row in server.sent_log()]
    records = [decode_outcome(outcome, spool, protocol, 0, 0) for outcome in drive.outcomes]
    spool.close()
    return drive.reading, records, sent


def test_every_answer_s_first_read_comes_before_a_second_look(monkeypatch):
    """Looking at all heads takes two gaps here; no answer's first token has waited for its second to be read."""
    parse = connection.parse_head

    def slow(data):
        time.sleep(LOOK_S)
        return parse(data)

    monkeypatch.setattr(connection, "parse_head", slow)
    script = Script(first_ms=GAP_MS, gap_ms=GAP_MS)
    _reading, records, sent = driven(script, requests=STREAMS, tokens=3, streams=STREAMS)
    assert STREAMS * LOOK_S > 2 * GAP_MS / 1000
    assert len(records) == len(sent) == STREAMS
    assert max(record.output_ns[0] for record in records) - max(sent) < GAP_MS * NS_PER_MS / 2


@pytest.mark.parametrize("step_ns", [STEP_NS, -STEP_NS, 0], ids=["forward", "back", "none"])
def test_a_step_of_the_wall_clock_is_seen(monkeypatch, step_ns):
    """Where the time service sets the clock in mid-round, the reading has the step; the loop goes on either way."""
    began_ns, real = SYSTEM_CLOCK.now_ns(), drive_module._realtime_ns

    def stepped():
        return real() + (step_ns if SYSTEM_CLOCK.now_ns() - began_ns > 4 * 10**8 else 0)

    monkeypatch.setattr(drive_module, "_realtime_ns", stepped)
    reading, records, _sent = driven(Script(first_ms=20, gap_ms=10), requests=40, tokens=8, streams=4)
    assert [record.failure for record in records] == [None] * 40
    assert abs(reading.clock_step_ns - abs(step_ns)) < NS_PER_MS


@pytest.mark.parametrize("slept_ns", [0, STEP_NS], ids=["awake", "suspended"])
def test_a_machine_that_was_suspended_was_away(monkeypatch, slept_ns):
    """The monotonic clock leaves that time out; the reading has it as a pause."""
    asleep = iter([10**9, 10**9 + slept_ns])
    monkeypatch.setattr(SystemClock, "suspended_ns", lambda _self: next(asleep))
    reading, _records, _sent = driven(Script(first_ms=5, gap_ms=1), requests=4, tokens=2, streams=2)
    assert (reading.pause_ns >= STEP_NS) == bool(slept_ns)
    assert reading.clock_step_ns < NS_PER_MS


def test_the_system_says_how_long_it_was_suspended():
    """As long or longer at every look, and to within a look the same."""
    first, second = SYSTEM_CLOCK.suspended_ns(), SYSTEM_CLOCK.suspended_ns()
    assert abs(second - first) < 100 * NS_PER_MS
