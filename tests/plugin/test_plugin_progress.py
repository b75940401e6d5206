"""Progress: what goes on now, on a terminal or as plain lines, never through what pytest captures."""

from __future__ import annotations

import os
import pty
import sys
import threading

import pytest

from pytest_inferbench.clock import NS_PER_S
from pytest_inferbench.plugin.progress import Progress

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


class Recorded:
    """A display that remembers."""

    def __init__(self):
        self.seen = []
        self.lasted = threading.Event()

    def show(self, text):
        self.seen.append(text)
        if "so far" in text:
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
    """Below pytest's own, removed before pytest goes on; also with -q."""
    ours, theirs = pty.openpty()
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
    progress.again()
    progress.close()
    progress.show("nobody looks")
    assert display.seen == [
        *("loading", "loading", "loading · 1 min 15 s so far"),
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
