"""Two cells with regression items: the same verdicts in one process and in two, and a cell's items together."""

from __future__ import annotations

import pytest

from plugin.owned import OwnedServer

BASE, VARIANT = "llama-installed-scripted", "llama-installed-scripted-other"


def variants(factor: float) -> str:
    return f"{{other: {{args: {{slower: {factor}}}}}}}"


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """A session of both cells, one of which later gets slower arguments."""
    server = OwnedServer(tmp_path_factory.mktemp("both"), variants=variants(1.0))
    ran = server.run("--update-baselines")
    assert ran.status == 0, ran.text
    return server.folder / "benchmarks/baselines"


def test_one_process_and_two_workers_come_to_the_same_verdicts(tmp_path, recorded):
    """Outcomes, verdicts and exit status agree; each cell starts once, and once more to confirm what screened."""
    runs = {}
    for workers in ("0", "2"):
        server = OwnedServer(tmp_path / workers, variants=variants(1.5))
        server.accept(recorded, 8)
        runs[workers] = server.run("-n", workers)
        assert server.starts == 3, runs[workers].text
    alone, shared = runs["0"], runs["2"]
    assert (alone.status, shared.status) == (1, 1), shared.text
    failed = {name for name, outcome in alone.outcomes.items() if outcome == "failed"}
    assert failed == {f"test_one::regression[{VARIANT}]", f"test_two::regression[{VARIANT}]"}, alone.text
    assert alone.outcomes == shared.outcomes
    assert len(alone.outcomes) == 8
    assert sorted(case["verdict"] for case in alone.document["cases"]) == ["ok", "ok", "regressed", "regressed"]
    told = [{(case["id"], case["verdict"]) for case in run.document["cases"]} for run in (alone, shared)]
    assert told[0] == told[1]
    assert alone.document["family"]["gates"] == shared.document["family"]["gates"] == 8
    assert "the server's arguments changed" in alone.text, "what differs is compared, and said"
    # A line of progress may come between an item's name and its outcome, which are then two lines.
    items = dict.fromkeys(line.split()[0] for line in alone.text.splitlines() if line.startswith("test_suite.py::"))
    cells = [VARIANT if VARIANT in item else BASE for item in items]
    assert cells == [BASE] * 4 + [VARIANT] * 4, "a cell's tests and their regression items follow each other"
