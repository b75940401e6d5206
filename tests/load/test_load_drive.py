"""The load loop by itself: what it does first where much is to be done at once."""

from __future__ import annotations

import time

from fakes.scripted.process import ScriptedServer
from fakes.scripted.script import Script
from pytest_inferbench.clock import NS_PER_MS, SYSTEM_CLOCK
from pytest_inferbench.load import connection
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


def test_every_answer_s_first_read_comes_before_a_second_look(monkeypatch):
    """Looking at all heads takes two gaps here; no answer's first token has waited for its second to be read."""
    parse = connection.parse_head

    def slow(data):
        time.sleep(LOOK_S)
        return parse(data)

    monkeypatch.setattr(connection, "parse_head", slow)
    protocol = protocol_named("openai-chat")
    asks = tuple(GenerationRequest((Message("user", "x"),), 3) for _ in range(STREAMS))
    with ScriptedServer(Script(first_ms=GAP_MS, gap_ms=GAP_MS)) as server:
        encoded = encode_load(Load(asks, ClosedLoop(STREAMS)), protocol, "m", f"127.0.0.1:{server.port}", "", ())
        pool = Pool(Target("127.0.0.1", server.port))
        assert pool.open(STREAMS, 10.0) is None
        spool = Spool()
        drive = Drive(pool, encoded, STREAMS, Limits(), spool, lambda _finished, _reads: None)
        drive.run(SYSTEM_CLOCK.now_ns())
        pool.close()
        sent = [row.sent_ns[0] for row in server.sent_log()]
    records = [decode_outcome(outcome, spool, protocol, 0, 0) for outcome in drive.outcomes]
    spool.close()
    assert STREAMS * LOOK_S > 2 * GAP_MS / 1000
    assert len(records) == len(sent) == STREAMS
    assert max(record.output_ns[0] for record in records) - max(sent) < GAP_MS * NS_PER_MS / 2
