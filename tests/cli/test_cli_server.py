"""`inferbench server`: which containers are shown as whose, and which are ended."""

from __future__ import annotations

import os

import psutil
import pytest

from pytest_inferbench.cli.main import main
from pytest_inferbench.errors import CellUnavailable
from pytest_inferbench.servers import docker_engine as engine_module
from pytest_inferbench.servers.docker_engine import ContainerState
from pytest_inferbench.servers.owner import KEPT, PID, RUN, STARTED, owner_labels


class FakeEngine:
    """An engine with containers of ours."""

    def __init__(self, *containers):
        self.there = list(containers)

    def list_labelled(self, label):
        assert label == RUN
        return tuple(self.there)

    def remove(self, container):
        self.there = [one for one in self.there if one.id != container]


def container(name, *, kept=False, dead=False, address="127.0.0.1:9"):
    labels = owner_labels("run", "spec", kept=kept)
    if dead:
        labels |= {PID: str(os.getpid()), STARTED: f"{psutil.Process().create_time() - 3600:.2f}"}
    return ContainerState(f"id-{name}", "sha256:0", True, labels, name, "image:tag", "Up 3 minutes", address)


@pytest.fixture
def engine(monkeypatch):
    fake = FakeEngine(
        container("live"), container("kept", kept=True, dead=True), container("orphan", dead=True, address=None)
    )
    monkeypatch.setattr(engine_module, "connect", lambda: fake)
    return fake


def test_list_says_whose_each_is(engine, capsys):
    """Kept on purpose, left by a dead run, or in use; with address, image and state."""
    assert KEPT in engine.there[1].labels
    assert main(["server", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        *("in use  live", "        http://127.0.0.1:9", "        Up 3 minutes, image:tag"),
        *("kept    kept", "        http://127.0.0.1:9", "        Up 3 minutes, image:tag"),
        *("orphan  orphan", "        no port", "        Up 3 minutes, image:tag"),
    ]


def test_status_says_whether_each_answers(engine, capsys):
    """A server that does not answer is said with the reason."""
    assert main(["server", "status"]) == 0
    assert "http://127.0.0.1:9 does not answer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "left", "said"),
    [
        ([], ["live", "orphan"], "ended kept\n"),
        (["--orphans"], ["live", "kept"], "ended orphan\n"),
        (["live", "id-kept"], ["orphan"], "ended live\nended kept\n"),
    ],
    ids=["kept", "orphans", "named"],
)
def test_stop_ends_what_is_meant_and_nothing_else(engine, capsys, arguments, left, said):
    """Without arguments those that were kept; --orphans what dead runs left; one in use only by its name."""
    assert main(["server", "stop", *arguments]) == 0
    assert [one.name for one in engine.there] == left
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["stop", "lvie"], "lvie: no server of ours is called so; there are live, kept, orphan"),
     (["stop", "live", "--orphans"], "exclude each other")],
)  # fmt: skip
def test_what_cannot_be_meant_ends_nothing(engine, capsys, arguments, words):
    """A name that is nobody's names those there are."""
    assert main(["server", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert len(engine.there) == 3


def test_nothing_there_is_said(monkeypatch, capsys):
    """No servers, none kept, no orphans."""
    monkeypatch.setattr(engine_module, "connect", FakeEngine)
    for arguments in (["list"], ["status"], ["stop"], ["stop", "--orphans"]):
        assert main(["server", *arguments]) == 0
    assert capsys.readouterr().out.splitlines() == [
        *("no servers of ours", "no servers of ours", "no server was kept", "no orphans"),
    ]


def test_no_engine_is_one_line(monkeypatch, capsys):
    """Where no engine answers, that is said with what to do."""

    def none():
        raise CellUnavailable("no Docker engine answers; start it")

    monkeypatch.setattr(engine_module, "connect", none)
    assert main(["server", "list"]) == 1
    assert capsys.readouterr().err == "inferbench server: no Docker engine answers; start it\n"
