from __future__ import annotations

import os
import signal
import socket
import sys

import psutil
import pytest

from pytest_inferbench.backends.backend import Command
from pytest_inferbench.errors import ProvisionError
from pytest_inferbench.servers.ports import free_port
from pytest_inferbench.servers.process import ServerProcess, new_log, tail


@pytest.fixture
def start(tmp_path):
    """Starts a shell script as a server, and stops it after the test."""
    started = []

    def run(script, **env):
        log = new_log(tmp_path, "server")
        started.append(ServerProcess.start(Command(("sh", "-c", script), env), log))
        return started[-1]

    yield run
    for process in started:
        process.stop()


def test_a_running_server_is_alive_until_it_is_stopped(start, gone):
    """Stopping ends it and its children, and may be repeated."""
    process = start("echo up; sleep 60 & wait")
    family = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
    assert process.alive() is None
    process.stop()
    process.stop()
    assert process.alive() == "killed by signal 15"
    assert gone(*family)


def test_the_log_holds_what_was_written(start, eventually):
    """Both streams, with the added environment at work."""
    process = start("echo one $MARK; echo two >&2; exit 4", MARK="seen")
    assert eventually(process.alive)
    assert process.alive() == "exited with status 4"
    assert process.log_tail() == ("one seen", "two")
    assert process.log_tail(1) == ("two",)


def test_a_killed_server_is_seen(start, gone):
    """With its signal."""
    process = start("sleep 60")
    os.kill(process.pid, signal.SIGKILL)
    assert gone(process.pid)
    process.stop()
    assert process.alive() == "killed by signal 9"


def test_children_end_even_when_guard_and_server_were_killed(start, gone, eventually):
    """Who stops the process ends what the guard no longer could."""
    process = start("trap '' TERM; sleep 60 & echo $!; wait")
    assert eventually(process.log_tail)
    child = int(process.log_tail()[0])
    process._guard.kill()
    assert gone(process.pid)
    process.stop()
    assert gone(child)


def test_a_program_that_is_not_there_is_an_error_with_its_reason(tmp_path):
    """At the start, not at the time limit."""
    with pytest.raises(ProvisionError, match=r"(?s)/no/such/program could not be started.*No such file") as caught:
        ServerProcess.start(Command(("/no/such/program",)), tmp_path / "log")
    assert caught.value.log_tail


def test_the_listener_of_a_port_is_told_from_a_stranger(start, eventually):
    """Neither a port of nobody nor one of ours is the server's."""
    port = free_port()
    listen = (
        f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); print('up', flush=True); time.sleep(60)"
    )
    process = start(f'{sys.executable} -c "{listen}"; true')
    assert eventually(process.log_tail)
    with socket.create_server(("127.0.0.1", 0)) as ours:
        assert process.listens_on(port) is True
        assert process.listens_on(ours.getsockname()[1]) is False
    process.stop()
    assert process.listens_on(port) is False


def test_logs_are_new_files_within_their_folder(tmp_path):
    """Two servers of one name do not share a file, and a name cannot lead elsewhere."""
    folder = tmp_path / "logs"
    first, second = new_log(folder, "llama-../../x y"), new_log(folder, "llama-../../x y")
    assert first.parent == second.parent == folder
    assert first != second
    assert first.exists()
    assert second.exists()


def test_the_tail_of_any_file_is_readable(tmp_path):
    """A long log, bytes that are no text, no file at all."""
    path = tmp_path / "log"
    path.write_bytes(b"x" * 200_000 + b"\nlast \xff line\n")
    assert tail(path, 1) == ("last � line",)
    assert tail(tmp_path / "nowhere", 3) == ()
