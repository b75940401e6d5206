"""Runs that are ended: whatever is sent, and when, what was measured is kept and what was started is gone."""

from __future__ import annotations

import os
import pty
import signal
import time
from dataclasses import dataclass

import pytest

pytestmark = pytest.mark.e2e

INT, TERM, HUP, KILL = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL


@dataclass(frozen=True)
class Row:
    """One way of ending a run.

    Attributes:
        name: what the test is called.
        way: how its server is started.
        moment: when the first signal comes, and so many seconds after that.
        signals: what is sent, each after so many seconds.
        codes: exit statuses that may be.
        sees: what the user is told.
        arguments: of pytest.
    """

    name: str
    way: str
    moment: str
    signals: tuple[tuple[float, int], ...]
    codes: tuple[int, ...] = (2,)
    sees: str = "baselines not updated: the run was interrupted"
    arguments: tuple[str, ...] = ()


TWICE = (1, 2, -INT)  # pytest's own way out, where the second one meets it in the middle
ROWS = (
    Row("int", "process", "second", ((0.3, INT),)),
    Row("int-int-10ms", "process", "second", ((0.3, INT), (0.01, INT)), TWICE),
    Row("int-int-50ms", "process", "second", ((0.3, INT), (0.05, INT)), TWICE),
    Row("int-int-200ms", "process", "second", ((0.3, INT), (0.2, INT)), TWICE),
    Row("int-int-1s", "process", "second", ((0.3, INT), (1.0, INT)), TWICE),
    Row("term-begun", "process", "begun", ((0.2, TERM),), (-TERM, 2), ""),
    Row("term-starting", "process", "starting", ((0.1, TERM),), sees="Interrupt"),
    Row("term-measuring", "process", "measuring", ((0.1, TERM),), sees="Interrupt"),
    Row("term-second", "process", "second", ((0.0, TERM),), sees="SIGTERM: the run is being ended"),
    Row("term-term", "process", "second", ((0.3, TERM), (0.1, TERM)), TWICE),
    Row("hup", "process", "second", ((0.3, HUP),)),
    Row("kill", "process", "second", ((0.3, KILL),), (-KILL,), ""),
    Row("xdist-int", "process", "second", ((0.3, INT),), arguments=("-n2",)),
    Row("xdist-term", "process", "second", ((0.3, TERM),), arguments=("-n2",)),
    Row("xdist-kill", "process", "second", ((0.3, KILL),), (-KILL,), "", arguments=("-n2",)),
    Row("docker-int", "docker", "second", ((0.3, INT),)),
    Row("docker-int-int", "docker", "second", ((0.3, INT), (0.1, INT)), TWICE),
    Row("docker-term-starting", "docker", "starting", ((0.3, TERM),), sees="Interrupt"),
    Row("docker-term-second", "docker", "second", ((0.3, TERM),)),
    Row("docker-hup", "docker", "second", ((0.3, HUP),)),
    Row("docker-kill", "docker", "second", ((0.3, KILL),), (-KILL,), ""),
    Row("docker-xdist-term", "docker", "second", ((0.3, TERM),), arguments=("-n2",)),
)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_run_that_is_ended(fault_run, row):
    """Its exit status, what is told, what is kept of it, that no baseline is touched, and that nothing is left."""
    run = fault_run(row.way).start(*row.arguments)
    run.wait_for(row.moment)
    known = sum(len(document["cases"]) for document in run.documents())
    for after, number in row.signals:
        time.sleep(after)
        run.send(number)
    ended = run.end()
    assert ended.left == ()
    assert ended.code in row.codes, ended.output
    assert row.sees in ended.output
    assert len(ended.cases) >= known
    assert all(document["interrupted"] for document in ended.documents)
    assert ended.baselines == ()


def test_a_terminal_that_is_closed(fault_run):
    """It is a hang-up: there is nobody to tell, and all the rest is as ever."""
    ours, theirs = pty.openpty()
    run = fault_run().start(stdin=theirs, prefix=("setsid", "--ctty", "--wait"))
    os.close(theirs)
    time.sleep(0.1)
    while not any(document["cases"] for document in run.documents()):
        os.read(ours, 65536)
    os.close(ours)
    ended = run.end()
    assert ended.left == ()
    assert ended.cases
    assert all(document["interrupted"] for document in ended.documents)
    assert ended.baselines == ()


@pytest.mark.parametrize(
    ("after", "arguments", "codes"),
    [
        ("pytest.exit('enough', returncode=1)", (), (1,)),
        ("pytest.exit('enough', returncode=0)", (), (1,)),
        ("os._exit(3)", (), (3,)),
        ("assert False", ("-x",), (1,)),
        ("raise KeyboardInterrupt", (), (2,)),
    ],
    ids=["exit-1", "exit-0", "os-exit", "x", "interrupt"],
)
def test_a_test_that_ends_the_run(fault_run, after, arguments, codes):
    """Whatever it does: the run is marked, no baseline is touched, no server is left."""
    ended = fault_run(after=after).start(*arguments).end()
    assert ended.left == ()
    assert ended.code in codes, ended.output
    assert all(document["interrupted"] for document in ended.documents)
    assert ended.baselines == ()
