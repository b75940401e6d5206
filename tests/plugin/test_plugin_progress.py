"""Progress: what goes on now, on a terminal or as plain lines, never through what pytest captures."""

from __future__ import annotations

import os
import pty
import sys
import termios
import threading
from pathlib import Path

import pytest

from pytest_inferbench.bench.progress import Progress
from pytest_inferbench.clock import NS_PER_S

# Before each thing told 20 s pass, so every third is due (the first begins the 30 s).
_CONFTEST = """
import pytest
from pytest_inferbench.plugin import display, hooks

class Clock:
    now = 0
    def now_ns(self):
        return self.now

display.SYSTEM_CLOCK = Clock()

@pytest.fixture
def show(request):
    progress = request.config.stash[hooks.SESSION].context.progress
    def tell(*what):
        display.SYSTEM_CLOCK.now += 20_000_000_000
        progress.show(*what)

    yield tell
    progress.clear()
"""
_SUITE = """
def test_first(show):
    show("starting a container")
    show("starting a container")
    show("loading 7 GB")
    show("loading 7 GB")

def test_second(show):
    print("the test's own")
    show("round 1/3", "~5 tok/s")
    show("round 2/3", "~5 tok/s")

def test_third(): pass
"""

_LONG = """
def test_long(show):
    show("llama-b11549-tiny · concurrency[c04] · round 2/5", "12 s left · ~3 tok/s")
"""
# A clock on which 30 s are over at the next tick; each test waits until it reads of both workers in pytest's output.
_HURRIED = """
import time
import pytest
from pytest_inferbench.plugin import display, hooks

class Clock:
    def now_ns(self):
        return time.monotonic_ns() * 100

display.SYSTEM_CLOCK = Clock()

@pytest.fixture
def show(request):
    progress = request.config.stash[hooks.SESSION].context.progress
    progress.show(f"{request.node.name} loads")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        said = (request.config.rootpath / "stdout").read_text()
        if "[gw0]" in said and "[gw1]" in said:
            break
        time.sleep(0.1)
"""
_WAITING = """
def test_a(show): pass
def test_b(): pass
def test_c(show): pass
def test_d(): pass
"""


class Recorded:
    """A display that remembers."""

    def __init__(self):
        self.seen = []
        self.lasted = threading.Event()

    def show(self, texts):
        self.seen += texts
        if "so far" in texts[0]:
            self.lasted.set()

    def clear(self):
        self.seen.append(None)

    def close(self):
        self.seen.append("closed")


class HandClock:
    """A clock that is set by hand, in seconds."""

    seconds = 0.0

    def now_ns(self):
        return int(self.seconds * NS_PER_S)


@pytest.fixture
def project(pytester):
    pytester.makeconftest(_CONFTEST)
    pytester.makepyfile(test_it=_SUITE)
    return pytester


def shown(project, *arguments):
    """What stands between the count of tests and the summary."""
    lines = project.runpytest_subprocess("-p", "no:cacheprovider", *arguments).outlines
    begin = next(number for number, line in enumerate(lines) if line.endswith("collected 3 items")) + 1
    return [line.split(" [")[0].rstrip() for line in lines[begin:-2]]


def test_plain_lines_stand_between_those_of_pytest(project):
    """Without a terminal a line comes when one is due; pytest begins its own anew, with the file's name."""
    assert shown(project) == [
        "",
        "test_it.py",
        "inferbench: loading 7 GB",
        "",
        "test_it.py .",
        "inferbench: round 1/3 · ~5 tok/s",
        "",
        "test_it.py ..",
    ]


def test_with_v_plain_lines_stand_between_those_of_pytest(project):
    """Behind a line the name of the test comes again, and its outcome after that."""
    assert shown(project, "-v") == [
        "",
        "test_it.py::test_first",
        "inferbench: loading 7 GB",
        "",
        "test_it.py::test_first PASSED",
        "test_it.py::test_second",
        "inferbench: round 1/3 · ~5 tok/s",
        "",
        "test_it.py::test_second PASSED",
        "test_it.py::test_third PASSED",
    ]


def test_quiet_is_quiet(project):
    """-q has no plain lines; what a test prints is captured as ever."""
    result = project.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    assert result.outlines[0].startswith("...")
    assert "inferbench" not in result.stdout.str()


def test_on_a_terminal_one_line_is_drawn_anew(project):
    """Below pytest's own and as wide as there is room, removed before pytest goes on; also with -q."""
    project.makepyfile(test_it=_SUITE + _LONG)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 40))
    with project.popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"],
        stdin=None,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 65536):
                said += chunk
        except OSError:  # how Linux says that the other end is closed
            pass
        os.close(ours)
    assert process.returncode == 0
    drawn = [part.split(b"\x1b8")[0].decode() for part in said.split(b"\x1b[K")[1:]]
    assert drawn == [
        *("starting a container", "starting a container", "loading 7 GB", "loading 7 GB", ""),
        *("round 1/3 · ~5 tok/s", "round 2/3 · ~5 tok/s", ""),
        *("llama-b115…d 2/5 · 12 s left · ~3 tok/s", ""),
    ]


def test_a_phase_that_lasts_says_how_long():
    """From five seconds on, where nothing else says how far it is; a new phase begins at nothing."""
    display, clock = Recorded(), HandClock()
    progress = Progress(display, clock)
    progress.show("loading")
    clock.seconds = 4.9
    progress.again()
    clock.seconds = 75
    progress.again()
    progress.show("round 1/3", "4/9 requests")
    clock.seconds = 100
    progress.again()
    progress.show("round\x1b[2J\r\nover")
    progress.clear()
    progress.clear()
    clock.seconds = 200
    progress.again()
    progress.close()
    progress.show("nobody looks")
    assert display.seen == [
        *("loading", "loading", "loading · 75 s so far"),
        *("round 1/3 · 4/9 requests", "round 1/3 · 4/9 requests"),
        *("round [2J  over", None, "closed"),
    ]


def test_progress_goes_on_without_being_told():
    """A phase of which nobody tells anything more is told again every second."""
    display, clock = Recorded(), HandClock()
    progress = Progress(display, clock)
    progress.show("loading")
    clock.seconds = 30
    assert display.lasted.wait(30)
    progress.close()
    assert display.seen[:2] == ["loading", "loading · 30 s so far"]


def test_what_other_processes_do_is_told_too():
    """Beside what goes on here; not while pytest writes its line; gone when they have ended."""
    display, clock, others = Recorded(), HandClock(), ["[gw0] warm-up"]
    clock.seconds = 1
    progress = Progress(display, clock)
    progress.show("building")
    progress.follow(lambda: others)
    progress.again()
    progress.clear()
    progress.again()
    clock.seconds = 2
    progress.again()
    others.clear()
    progress.again()
    progress.close()
    assert display.seen == ["building", "building", "[gw0] warm-up", None, "[gw0] warm-up", None, "closed"]


def test_workers_of_xdist_tell_their_progress_to_the_controller(pytester):
    """Each in a line of its own, between pytest's; afterwards no file of it is left."""
    pytester.makeconftest(_HURRIED)
    pytester.makepyfile(_WAITING)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n2", "--bench-results=perf")
    result.assert_outcomes(passed=4)
    lines = [line.split(" [1")[0].rstrip() for line in result.outlines]
    told = sorted({line.split(" · ")[0] for line in lines if "inferbench: " in line})
    assert [line[:18] for line in told] == ["inferbench: [gw0] ", "inferbench: [gw1] "]
    assert {line[18:] for line in told} == {"test_a loads", "test_c loads"}
    assert "".join(line for line in lines if set(line) == {"."}) == "...."
    assert not list(Path(pytester.path, "perf").glob("*/progress"))
