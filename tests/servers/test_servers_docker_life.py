"""How a container that ended is told to have ended."""

from __future__ import annotations

import pytest

from pytest_inferbench.servers.docker import ContainerLife


class Engine:
    """An engine that says of a container, look by look, how it ended."""

    def __init__(self, *ends):
        self.ends = list(ends)
        self.looks = 0

    def end_of(self, container):
        self.looks += 1
        return self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]

    def logs(self, container):
        return iter((b"loading",))


LIMIT = "killed by signal 9: it met its memory limit"


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((None,), None),
        (("exited with status 1",), "exited with status 1"),
        (("killed by signal 9", "killed by signal 9", "killed by signal 9", LIMIT), LIMIT),
        (("killed by signal 9",), "killed by signal 9"),
    ],
    ids=["runs", "exit", "limit", "kill"],
)
def test_a_memory_limit_is_told_though_the_engine_notes_it_late(tmp_path, ends, said):
    """Who was killed is looked at again for a while, everybody else is not."""
    engine = Engine(*ends)
    life = ContainerLife(engine, "c", tmp_path / "server.log", keep=False)
    assert life.alive() == said
    assert engine.looks <= 2 or "killed" in str(said)
