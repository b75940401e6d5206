from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from pytest_inferbench.servers import guard

_GUARD = str(Path(guard.__file__))
_LONG = "60"


@pytest.fixture
def start():
    """Starts a guard over a command; the guard's group is ended with the test."""
    started = []

    def run(*argv, guard_argv=(_GUARD,)):
        process = subprocess.Popen(
            [sys.executable, "-I", *guard_argv, *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        with process:
            pass


def _pid(process):
    return int(process.stdout.readline())


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", -signal.SIGKILL), ("kill -15 $$", -signal.SIGTERM)],
)
def test_it_ends_as_the_server_ended(start, script, status):
    """Exit statuses and signals pass through."""
    process = start("--", "sh", "-c", script)
    assert process.wait(10) == status


def test_the_server_s_output_and_environment_are_untouched(start, monkeypatch):
    """Both streams go to the guard's standard error; only the process id is on its standard output."""
    monkeypatch.setenv("MARK", "seen")
    process = start("--", "sh", "-c", "echo out $MARK; echo err >&2; cat; echo $$")
    server = _pid(process)
    assert process.wait(10) == 0
    assert process.stdout.read() == b""
    assert process.stderr.read().decode().split() == ["out", "seen", "err", str(server)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs PR_SET_CHILD_SUBREAPER")
def test_nothing_the_server_started_is_left_when_the_guard_ends(start):
    """Not even for a moment, and not what went its own way in a session of its own."""
    process = start("--", "sh", "-c", f"setsid sh -c 'echo $$ >&2; sleep {_LONG} & exec sleep {_LONG}' & wait")
    server, escaped = _pid(process), int(process.stderr.readline())
    family = [server, *(child.pid for child in psutil.Process(server).children(recursive=True))]
    assert escaped in family
    process.stdin.close()
    process.wait(10)
    assert not [pid for pid in family if psutil.pid_exists(pid)]


@pytest.mark.parametrize("how", ["end of input", "SIGTERM", "SIGINT"])
def test_the_server_and_its_children_end_with_the_owner_s_wish(start, gone, how):
    """Closing the pipe or a signal ends the whole group."""
    process = start("--", "sh", "-c", f"sleep {_LONG} & echo $! >&2; wait")
    server, child = _pid(process), int(process.stderr.readline())
    if how == "end of input":
        process.stdin.close()
    else:
        process.send_signal(signal.Signals[how])
    assert process.wait(10) == -signal.SIGTERM
    assert gone(server, child)


def test_children_of_a_server_that_ended_itself_end_too(start, gone):
    """A crashed server leaves no worker behind."""
    process = start("--", "sh", "-c", f"sleep {_LONG} & echo $! >&2; exit 1")
    child = int(process.stderr.readline())
    assert process.wait(10) == 1
    assert gone(child)


def test_a_server_that_will_not_end_is_killed_after_the_grace(start, gone):
    """SIGTERM is asked once; SIGKILL does not ask."""
    shortened = "import guard, sys; guard.GRACE_S = 0.1; sys.exit(guard.main(sys.argv[1:]))"
    here = f"import sys; sys.path.insert(0, {str(Path(_GUARD).parent)!r}); {shortened}"
    process = start("--", "sh", "-c", "trap '' TERM; echo up >&2; while :; do sleep 1; done", guard_argv=("-c", here))
    server = _pid(process)
    process.stderr.readline()
    process.stdin.close()
    assert process.wait(10) == -signal.SIGKILL
    assert gone(server)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs PR_SET_PDEATHSIG")
def test_a_killed_guard_takes_the_server_along(start, gone):
    """The kernel sees to it."""
    process = start("--", "sleep", _LONG)
    server = _pid(process)
    process.kill()
    assert gone(server)


def test_a_killed_owner_takes_the_server_along(gone, tmp_path):
    """Also while a forked child of the owner still holds the pipe."""
    owner = tmp_path / "owner.py"
    owner.write_text(
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from pytest_inferbench.backends.backend import Command\n"
        "from pytest_inferbench.servers.process import ServerProcess\n"
        f"server = ServerProcess.start(Command(('sleep', '{_LONG}')), Path(sys.argv[1]))\n"
        "fork = os.fork()\n"
        f"if fork == 0: time.sleep({_LONG})\n"
        "print(server.pid, fork, flush=True)\n"
        f"time.sleep({_LONG})\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(owner), str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(guard.__file__).parents[2])},
    )
    with process:
        server, fork = map(int, process.stdout.readline().split())
        process.kill()
        process.wait()
        try:
            assert gone(server)
        finally:
            os.kill(fork, signal.SIGKILL)


@pytest.mark.parametrize("argv", [(), ("--",), ("sleep", "1")])
def test_wrong_arguments_are_told(start, argv):
    """Nothing is started."""
    process = start(*argv)
    said, log = process.communicate(timeout=10)
    assert (process.returncode, said) == (2, b"")
    assert b"usage: guard.py -- PROGRAM" in log


def test_a_program_that_cannot_run_is_told(start):
    """As a shell does, with status 127."""
    process = start("--", "/no/such/program")
    said, log = process.communicate(timeout=10)
    assert (process.returncode, said) == (127, b"")
    assert log == b"cannot start /no/such/program: No such file or directory\n"
