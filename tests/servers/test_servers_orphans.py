from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from pytest_inferbench.errors import ProvisionError
from pytest_inferbench.servers.docker_engine import ContainerState
from pytest_inferbench.servers.orphans import reap_orphans, remove_run
from pytest_inferbench.servers.owner import KEPT, PID, PLACE, RUN, STARTED, owner_labels, owner_lives


class FakeEngine:
    """Containers with labels, as an engine lists and removes them.

    Attributes:
        left: labels by id.
        stuck: ids that cannot be removed.
    """

    def __init__(self, **containers):
        self.left = dict(containers)
        self.stuck = set()

    def list_labelled(self, label):
        name, _, value = label.partition("=")
        return tuple(
            ContainerState(one, "image", running=True, labels=labels)
            for one, labels in self.left.items()
            if name in labels and value in ("", labels[name])
        )

    def remove(self, container):
        if container in self.stuck:
            raise ProvisionError("the engine does not answer")
        del self.left[container]


@pytest.fixture
def dead():
    """Labels of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        labels = {**owner_labels("run", "spec", kept=False), PID: str(process.pid)}
        labels[STARTED] = str(psutil.Process(process.pid).create_time())
        process.communicate()
    return labels


def test_who_runs_lives():
    """This process owns what it labels."""
    assert owner_lives(owner_labels("run", "spec", kept=False))


def test_who_ended_does_not(dead):
    """The process id is nobody's."""
    assert not owner_lives(dead)


def test_a_process_that_got_the_id_later_is_another():
    """Our own id with an earlier start is not us."""
    labels = owner_labels("run", "spec", kept=False)
    assert not owner_lives({**labels, STARTED: str(float(labels[STARTED]) - 1000)})


@pytest.mark.parametrize("change", [{PLACE: "another machine"}, {PID: "?"}, {STARTED: ""}])
def test_what_cannot_be_known_counts_as_alive(dead, change):
    """Nothing is removed on a guess."""
    assert owner_lives({**dead, **change})


def test_only_what_a_dead_owner_left_is_removed(dead):
    """The living's, the kept and the foreign stay."""
    alive = owner_labels("other", "spec", kept=False)
    engine = FakeEngine(dead=dead, alive=alive, kept={**dead, KEPT: "yes"}, foreign={"com.example": "x"})
    assert reap_orphans(engine) == ("dead",)
    assert set(engine.left) == {"alive", "kept", "foreign"}


def test_a_run_s_end_removes_all_of_the_run(dead):
    """Whoever of it started it; another run's containers stay."""
    engine = FakeEngine(a={**dead, RUN: "run"}, b=owner_labels("run", "spec", kept=False), c={**dead, RUN: "other"})
    assert remove_run(engine, "run") == ("a", "b")
    assert set(engine.left) == {"c"}


def test_one_that_cannot_be_removed_does_not_keep_the_others(dead):
    """It is left for the next run."""
    engine = FakeEngine(stuck=dead, free=dead)
    engine.stuck = {"stuck"}
    assert reap_orphans(engine) == ("free",)
