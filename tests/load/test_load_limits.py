"""What a load does not wait for and does not keep: pauses of its own are seen, everything else has an end."""

from __future__ import annotations

import errno
import io
import os
import signal
import tempfile
import threading
import time
from types import SimpleNamespace

import pytest

from fakes.plain_http import socket_server
from fakes.scripted.process import ScriptedServer
from fakes.scripted.script import Script
from pytest_inferbench.clock import NS_PER_MS, NS_PER_S
from pytest_inferbench.errors import LoadError
from pytest_inferbench.load import engine as engine_module
from pytest_inferbench.load import spool as spool_module
from pytest_inferbench.load.connection import ANSWER_BYTES
from pytest_inferbench.load.engine import LoadEngine
from pytest_inferbench.load.job import EncodedRequest, Limits, Target
from pytest_inferbench.load.split import longest_s
from pytest_inferbench.load.spool import MEMORY_BYTES, Spool, Trace, lacks_room
from pytest_inferbench.records import FailureKind

PAUSE_S = 0.3


def at_first_progress(act):
    """An engine that calls `act` with its first worker's pid, once, when a load is under way."""
    done = threading.Event()

    def told(_finished, reads):
        if reads and not done.is_set():
            done.set()
            act(engine.pids[0])

    engine = LoadEngine(workers=1, on_progress=told)
    return engine


@pytest.mark.parametrize("offsets", [None, tuple(range(0, 4 * NS_PER_S, 20 * NS_PER_MS))], ids=["closed", "open"])
def test_a_pause_of_the_client_is_seen(carry, offsets):
    """A worker that was stopped tells for how long it was away from its sockets, and one that was not, next to 0."""

    def pause(pid):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(PAUSE_S)
        os.kill(pid, signal.SIGCONT)

    with ScriptedServer(Script(first_ms=5, gap_ms=5)) as server:
        with at_first_progress(pause) as engine:
            paused = carry(server, requests=200, streams=4, tokens=10, offsets_ns=offsets, engine=engine)
        usual = carry(server, requests=20, streams=4, tokens=10)
    assert paused.workers[0].pause_ns / NS_PER_S > 0.8 * PAUSE_S
    assert usual.workers[0].pause_ns / NS_PER_S < 0.5 * PAUSE_S
    assert not any(record.failure for record in paused.records)


def test_a_worker_that_is_silent_is_ended(carry, monkeypatch):
    """One that was stopped for good costs its round, and the next load has a fresh one."""
    monkeypatch.setattr(engine_module, "_SILENT_S", 1.0)
    with (
        ScriptedServer(Script(first_ms=5, gap_ms=5)) as server,
        at_first_progress(lambda pid: os.kill(pid, signal.SIGSTOP)) as engine,
    ):
        with pytest.raises(LoadError, match=r"load worker 0 was silent for 1 s in mid-run.*Was it stopped"):
            carry(server, requests=400, streams=1, tokens=10, engine=engine)
        assert engine.pids == ()
        assert len(carry(server, requests=2, engine=engine).records) == 2


def test_a_load_ends_when_its_plan_must_have(carry, monkeypatch):
    """A worker that is alive and does not come to its end is ended, too."""
    monkeypatch.setattr(engine_module, "_SILENT_S", 1.0)
    monkeypatch.setattr(engine_module, "longest_s", lambda *_: 0.2)
    with (
        ScriptedServer(Script(first_ms=3000)) as server,
        pytest.raises(LoadError, match="load worker 0 was not done after 1 s in mid-run"),
    ):
        carry(server, requests=1)


@pytest.mark.parametrize(("streams", "offsets", "seconds"), [(2, None, 3 * 5.0), (None, [0, 2, 7], 7 + 5.0)])
def test_the_longest_that_a_load_can_take(streams, offsets, seconds):
    """In a closed loop requests follow each other; in an open one the last leaves at its time."""
    offsets = offsets or [None] * 5
    requests = tuple(
        EncodedRequest(i, b"", None, None, "", keep_text=False, offset_ns=None if at is None else at * NS_PER_S)
        for i, at in enumerate(offsets)
    )
    assert longest_s(requests, streams, Limits(connect_s=1.0, request_s=4.0)) == seconds


def test_nothing_is_sent_to_a_server_that_hangs(carry):
    """Where one that is late is too many, those that were not sent yet fail at once: none costs its time limit."""
    with ScriptedServer(Script(silent=True)) as server:
        seen = carry(server, requests=40, streams=2, limits=Limits(stall_s=0.3, hung=0))
        asked = len(server.sent_log())
    assert [record.failure.kind for record in seen.records] == [FailureKind.STALL] * 40
    unsent = [record for record in seen.records if record.sent_ns is None]
    assert len(unsent) >= 36
    assert asked <= 4
    assert all("not sent: 1 before it hung" in record.failure.message for record in unsent)


def flooding(head, block):
    """A server that answers with a head, and then one block again and again."""

    def flood(connection, _request):
        connection.sendall(head)
        while True:
            connection.sendall(block)

    return socket_server(flood)


CHUNK = b"x" * 65536
FRAMED = b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK)


@pytest.mark.parametrize(
    ("head", "block"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", FRAMED),
        (b"HTTP/1.1 200 OK\r\n\r\n", CHUNK),
    ],
    ids=["one-line", "until-close"],
)
def test_an_answer_without_an_end_is_too_large(engine, head, block):
    """It fails when it has more bytes than an answer may have, and takes no more of them."""
    request = EncodedRequest(0, b"POST / HTTP/1.1\r\n\r\n", None, 4, "", keep_text=False)
    with flooding(head, block) as (_host, port):
        seen = engine.carry(
            (request,), target=Target("127.0.0.1", port), protocol="openai-chat", streams=1, limits=Limits()
        )
    (record,) = seen.records
    assert record.failure.kind is FailureKind.TOO_LARGE
    assert record.failure.message == f"the answer has more than {ANSWER_BYTES:,} bytes"
    assert seen.workers[0].received_bytes < 16 * ANSWER_BYTES


class Full(io.BytesIO):
    """A file on a disk that is full."""

    def write(self, _data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_under_the_spool_is_named(monkeypatch):
    """The error says which folder is full, after how much, and what to do."""
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    spool, trace = Spool(), Trace()
    with pytest.raises(LoadError) as raised:
        spool.keep(trace, [(b"x" * MEMORY_BYTES, 0, 0)])
    folder = tempfile.gettempdir()
    assert str(raised.value).startswith(f"no room for answers in {folder}: after 0 MiB of answers: No space left")
    assert "TMPDIR" in str(raised.value)


def test_a_load_that_has_no_room_is_refused_before_it_starts(monkeypatch):
    """Planned answers are held against what is free."""
    monkeypatch.setattr(spool_module.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=2**20))
    assert lacks_room(1000) is None
    assert "2,000,000,000 tokens may take 976,434 MiB there, and 1 are free" in lacks_room(2_000_000_000)


def test_modules_of_the_working_folder_are_not_imported(tmp_path, monkeypatch, carry):
    """A `select.py` where pytest was started is not the standard library's, nor run."""
    (tmp_path / "select.py").write_text("raise SystemExit('mine')")
    with ScriptedServer(Script(first_ms=1, gap_ms=1)) as server:
        monkeypatch.chdir(tmp_path)
        assert not any(record.failure for record in carry(server).records)


def test_whatever_goes_wrong_in_a_worker_is_told(engine, carry):
    """An exception that nobody foresaw says its name and place; the next load has a fresh worker."""
    request = EncodedRequest(0, None, None, None, "", keep_text=False)
    with ScriptedServer(Script()) as server:
        target = Target("127.0.0.1", server.port)
        with pytest.raises(LoadError, match=r"load worker 0 failed at \w+:\d+: TypeError"):
            engine.carry((request,), target=target, protocol="ollama", streams=1, limits=Limits())
        assert len(carry(server, requests=2).records) == 2
