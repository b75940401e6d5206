"""Signals that end a run, each in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys, time
from pytest_inferbench.bench.signals import Signals
signals = Signals()
BEFORE
signals.take()
try:
    os.kill(os.getpid(), signal.SIGNAL)
    time.sleep(5)
except KeyboardInterrupt:
    signals.hold()
    print("interrupted by", signals.caught)
    for _ in range(MORE):
        os.kill(os.getpid(), signal.SIGINT)
    print("ended")
signals.give_back()
print([signal.getsignal(one) is signal.SIG_DFL for one in (signal.SIGTERM, signal.SIGHUP)])
"""


def run(name, *, more=0, before=""):
    program = PROGRAM.replace("SIGNAL)", f"{name})").replace("MORE", str(more)).replace("BEFORE", before)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("before", ["", "signal.signal(signal.SIGINT, signal.SIG_IGN)"], ids=["usual", "nohup"])
def test_a_signal_ends_a_run_as_ctrl_c_does(name, before):
    """Also where Ctrl+C itself is ignored, as in a shell's background; the handlers are given back."""
    done = run(name, before=before)
    assert done.stdout.splitlines() == [f"interrupted by {name}", "ended", "[True, True]"]
    assert done.returncode == 0


def test_another_signal_waits_for_the_ending():
    """It is told, and changes nothing; the one after it leaves at once."""
    once = run("SIGTERM", more=1)
    assert "ended" in once.stdout
    assert once.stderr.count("the run is being ended") == 2
    assert once.stderr.count("once more leaves at once") == 1
    twice = run("SIGTERM", more=2)
    assert "ended" not in twice.stdout
    assert twice.returncode == -signal.SIGINT


def test_a_handler_of_somebody_else_stays():
    """Who has set one knows why."""
    done = run("SIGTERM", before="signal.signal(signal.SIGTERM, lambda *_: print('theirs') or sys.exit(7))")
    assert (done.stdout, done.returncode) == ("theirs\n", 7)


def test_files_are_written_to_their_end():
    """What arrives meanwhile is past when they are there, and Ctrl+C is Ctrl+C again."""
    program = """
import os, signal
from pytest_inferbench.bench.signals import Signals
with Signals().held():
    os.kill(os.getpid(), signal.SIGINT)
    print("written")
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "written\ninterrupted\n"
