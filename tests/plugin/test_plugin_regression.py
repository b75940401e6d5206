"""Regression items on a scripted server that the plugin starts itself: outcomes, words, confirmation."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from plugin.owned import OwnedServer, Ran

CELL = "llama-installed-scripted"
ONE, TWO = f"test_one::regression[{CELL}]", f"test_two::regression[{CELL}]"


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[OwnedServer, Ran]:
    """A first session of the suite, recorded."""
    server = OwnedServer(tmp_path_factory.mktemp("recorded"))
    return server, server.run("--update-baselines")


@pytest.fixture(scope="session")
def recorded(first: tuple[OwnedServer, Ran]) -> Path:
    """The baseline files that it left."""
    return first[0].folder / "benchmarks/baselines"


@pytest.fixture
def owned(tmp_path: Path, recorded: Path) -> OwnedServer:
    """A server with eight accepted sessions."""
    made = OwnedServer(tmp_path)
    made.accept(recorded, 8)
    return made


def test_a_case_without_a_baseline_is_new(first):
    """NEW passes, with the reason in the summary."""
    ran = first[1]
    assert ran.status == 0, ran.text
    assert set(ran.outcomes.values()) == {"passed"}, ran.text
    assert set(ran.verdicts.values()) == {"new"}
    assert "new: no baseline for this case" in ran.text


def test_a_required_baseline_that_is_not_there_is_a_failure(tmp_path):
    """`--require-baseline` makes NEW fail with its reason, and leaves the test itself alone."""
    ran = OwnedServer(tmp_path).run("--require-baseline", "-k", "one")
    assert ran.status == 1, ran.text
    assert ran.outcomes == {f"test_one[{CELL}]": "passed", ONE: "failed"}
    assert "NEW: one of scripted/llama/" in ran.messages[ONE]
    assert "no baseline for this case" in ran.messages[ONE]
    assert "1 NEW (--require-baseline)" in ran.text
    for words in (
        "failed by   --require-baseline",
        f"record one  pytest 'test_suite.py::test_one[{CELL}]' --hardware lab",
    ):
        assert words in ran.text, ran.text


def test_an_unchanged_server_is_ok_and_says_what_would_have_been_seen(owned):
    """The regression item passes; the document has the comparison and the run's error rate."""
    ran = owned.run()
    assert ran.status == 0, ran.text
    assert set(ran.outcomes.values()) == {"passed"}, ran.text
    assert ran.verdicts == {"one": "ok", "two": "ok"}
    check = ran.checks("one")["ttft_ms.p50"]
    assert check["comparison"]["n"] == 8
    assert 0 < check["comparison"]["detectable"] < 0.2
    assert ran.document["family"]["gates"] == 4
    assert ran.document["family"]["expected_per_100"] <= ran.document["family"]["at_most_per_100"] == pytest.approx(5)
    assert "would have seen" in ran.text
    assert owned.starts == 1, "what does not screen is not measured again"


def test_a_slower_server_is_regressed_after_confirmation_on_one_fresh_server(owned):
    """Both cases are measured again on the same second server, and fail with a table that can be acted on."""
    owned.slower(1.5)
    ran = owned.run()
    assert ran.status == 1, ran.text
    assert ran.outcomes == {
        f"test_one[{CELL}]": "passed", f"test_two[{CELL}]": "passed", ONE: "failed", TWO: "failed",
    }, ran.text  # fmt: skip
    assert owned.starts == 2, "one for the tests, one fresh one for all that screened"
    found = ran.checks("one")["ttft_ms.p50"]["comparison"]
    assert (found["k"], found["confirmed"], len(found["sessions"])) == (2, True, 2)
    assert found["ratio"] == pytest.approx(1.5, rel=0.05)
    assert "REGRESSED: one of scripted/llama/" in ran.messages[ONE]
    log = next(line.split()[-1] for line in ran.text.splitlines() if line.lstrip().startswith("server log"))
    assert (owned.folder / log).is_file()
    again = f"run again   pytest 'test_suite.py::test_one[{CELL}]' --hardware lab"
    twice = "twice, each time on a server of its own: +"
    for words in ("accepted", "would have seen", twice, "over 4 gates of the run", again):
        assert words in ran.text, ran.text
    assert "2 REGRESSED" in ran.text


def test_what_a_fresh_server_does_not_confirm_is_no_regression(owned):
    """A server that was slow once is OK, and the report says that it was not confirmed."""
    owned.slower(0.98, s1=1.1)
    ran = owned.run()
    assert ran.status == 0, ran.text
    assert owned.starts == 2
    assert ran.verdicts == {"one": "ok", "two": "ok"}
    assert "not confirmed: the sessions changed by +" in ran.text


def test_without_confirmation_one_session_decides_also_in_a_worker(owned):
    """`--bench-no-confirm` starts no second server and says so; an xdist worker judges alone."""
    owned.slower(1.5)
    ran = owned.run("--bench-no-confirm", "-n", "1", "-k", "one")
    assert (ran.status, owned.starts) == (1, 1), ran.text
    assert ran.outcomes == {f"test_one[{CELL}]": "passed", ONE: "failed"}
    assert ran.checks("one")["ttft_ms.p50"]["comparison"]["k"] == 1
    assert "once, not again: --bench-no-confirm" in ran.text


def test_too_little_history_is_inconclusive_and_a_skip(tmp_path, recorded):
    """One session cannot tell: skipped with what would decide; `--fail-inconclusive` makes that a failure."""
    server = OwnedServer(tmp_path, policy="{resolve: 0.1}")
    server.accept(recorded, 1)
    ran = server.run("-k", "one")
    assert ran.status == 0, ran.text
    assert ran.outcomes == {f"test_one[{CELL}]": "passed", ONE: "skipped"}
    assert "to decide: " in ran.messages[ONE]
    assert ran.verdicts == {"one": "inconclusive"}
    strict = server.run("--fail-inconclusive", "-k", "one")
    assert (strict.status, strict.outcomes[ONE]) == (1, "failed")


def test_an_invalid_measurement_is_not_compared(owned):
    """The test is an error, its regression item is skipped with that reason, the others are judged."""
    path = owned.folder / "test_suite.py"
    path.write_text(
        path.read_text().replace("output_tokens=6))).check()", "output_tokens=4), min_requests=99)).check()", 1)
    )
    ran = owned.run()
    assert (ran.outcomes[f"test_one[{CELL}]"], ran.outcomes[ONE], ran.outcomes[TWO]) == ("error", "skipped", "passed")
    assert ran.messages[ONE] == "not compared: INVALID (min_requests)"


def test_only_selected_cases_are_judged(owned):
    """`-k` leaves out a test, and what is left shares the error rate; all cases on the hardware tell its noise."""
    folder = owned.folder / "benchmarks/baselines"
    shutil.copytree(folder / "scripted--llama", folder / "other--llama")
    text = (folder / "scripted--llama.yaml").read_text().replace("model: scripted", "model: other")
    (folder / "other--llama.yaml").write_text(text)
    ran = owned.run("-k", "two")
    assert set(ran.outcomes) == {f"test_two[{CELL}]", TWO}
    assert ran.document["family"]["gates"] == 2
    prior = ran.checks("two")["ttft_ms.p50"]["comparison"]["prior"]
    assert prior.endswith("from 6 gates of other cases on this hardware"), prior
