"""Turns at measuring, with another process that really holds one."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest

from pytest_inferbench.bench.machine_lock import runs_here, turn
from pytest_inferbench.load.engine import Cancelled

_HOLD = """
import sys
from pathlib import Path
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.bench.machine_lock import turn
with turn(Path(sys.argv[1]), alone=sys.argv[2] == "alone", clock=SYSTEM_CLOCK, cancelled=lambda: False):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Somebody else who measures; killed when the block ends."""

    @contextmanager
    def hold(how):
        process = subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(tmp_path), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with process:
            assert process.stdout.readline() == "held\n"
            yield process
            process.kill()

    return hold


def waits(folder, clock, *, alone):
    """Whether a turn is not to be had now."""
    asked = []

    def cancelled():
        asked.append(True)
        return len(asked) > 3

    try:
        with turn(folder, alone=alone, clock=clock, cancelled=cancelled):
            return False
    except Cancelled:
        return True


@pytest.mark.parametrize(
    ("theirs", "ours", "wait"),
    [("alone", True, True), ("alone", False, True), ("beside", True, True), ("beside", False, False)],
    ids=["both-alone", "they-alone", "we-alone", "beside"],
)
def test_who_measures_beside_whom(holder, tmp_path, sleep_clock, theirs, ours, wait):
    """Servers with GPUs of their own measure together; whoever shares the processor is alone, with everybody."""
    with holder(theirs):
        assert waits(tmp_path, sleep_clock, alone=ours) is wait
    assert not waits(tmp_path, sleep_clock, alone=ours), "the system gives back what a killed process held"


def test_who_waits_is_told_and_goes_on_at_once(holder, tmp_path, sleep_clock):
    """Progress says what is waited for; when the other has ended, the turn is ours."""
    said = []
    with holder("alone") as process:

        def say(text):
            said.append(text)
            process.kill()
            process.wait()

        with turn(tmp_path, alone=True, clock=sleep_clock, cancelled=lambda: False, progress=say):
            pass
    assert said == ["waiting: another benchmark measures on this machine"]


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.1.2.3:8000", True),
        ("http://[::1]:8000/v1", True),
        ("http://localhost:8000", True),
        ("http://vllm.localhost", True),
        (f"http://{socket.gethostname()}:8000", True),
        ("http://gpu-box:8000", False),
        ("https://10.0.0.7", False),
        ("https://localhost.example.com", False),
    ],
)
def test_which_servers_are_on_this_machine(url, here):
    """By loopback addresses and this machine's own name; anything else is elsewhere."""
    assert runs_here(url) is here
