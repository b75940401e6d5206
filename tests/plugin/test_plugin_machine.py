"""A machine with another part under the same name, from the lines of a baseline to the verdict of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin.owned import OwnedServer

CELL = "llama-installed-scripted"
ONE = f"test_one::regression[{CELL}]"


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The baseline files that a first session left."""
    server = OwnedServer(tmp_path_factory.mktemp("recorded"))
    server.run("--update-baselines", "-k", "one")
    return server.folder / "benchmarks/baselines"


def elsewhere(folder: Path, recorded: Path, policy: str = "{}") -> tuple[OwnedServer, Path]:
    """A server whose eight accepted sessions were measured with another kernel, and the file that has them."""
    server = OwnedServer(folder, policy=policy)
    server.accept(recorded, 8)
    (path,) = (server.folder / "benchmarks/baselines").glob("*/*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["machine"]["kernel"] = "5.4.0-old"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return server, path


def test_a_slower_server_on_another_machine_is_not_regressed(tmp_path, recorded):
    """It is skipped as INCONCLUSIVE with part and remedy, no server starts to confirm it, and it joins no level."""
    server, path = elsewhere(tmp_path, recorded)
    before = path.read_text()
    server.slower(1.5)
    ran = server.run("-k", "one", "--update-baselines")
    assert (ran.status, ran.outcomes[ONE], server.starts) == (0, "skipped", 1), ran.text
    assert "the machine changed (kernel 5.4.0-old -> " in ran.messages[ONE]
    assert "not recorded: the machine changed, and its figures with it" in " ".join(ran.text.split())
    assert path.read_text() == before


def test_by_policy_it_is_new_and_opens_a_segment(tmp_path, recorded):
    """A relative budget of the other machine's level is not held against it."""
    server, path = elsewhere(tmp_path, recorded, policy="{machine_change: segment}")
    file = next(path.parents[1].glob("*.yaml"))
    file.write_text(file.read_text().replace("{gates:", "{budgets: {ttft_ms.p50: {max: +2 %}}, gates:"))
    server.slower(1.5)
    ran = server.run("-k", "one", "--update-baselines")
    assert (ran.status, ran.verdicts) == (0, {"one": "new"}), ran.text
    opened = json.loads(path.read_text().splitlines()[-2])
    assert (opened["kind"], opened["how"]) == ("segment", "changed")
    assert opened["why"].startswith("the machine changed (kernel 5.4.0-old -> ")
    again = server.run("-k", "one")
    assert (again.status, again.outcomes[ONE]) == (0, "passed"), again.text
    check = again.checks("one")["ttft_ms.p50"]
    assert (check["verdict"], check["comparison"]["n"]) == ("ok", 1)
