"""`--compare`: pairs of fresh servers, on a scripted server that the plugin starts itself."""

from __future__ import annotations

import json
import re

import psutil
import pytest

from plugin.owned import OwnedServer

VARIANTS = "{slow: {args: {slower: 1.5}}}"


def left_over(server: OwnedServer) -> list[str]:
    """Processes that came from the program and still run."""
    program = str(server.folder)
    return [str(each.info["cmdline"]) for each in psutil.process_iter(["cmdline"]) if program in str(each.info)]


def test_a_slower_variant_is_regressed_by_pairs(tmp_path):
    """Every arm is a fresh server with all cases on it, in a drawn order; the slower arm B fails with a table."""
    server = OwnedServer(tmp_path, variants=VARIANTS)
    ran = server.run("--compare=..slow", "--compare-pairs=6..7", "--update-baselines")
    cell = "llama-installed..slow-scripted"
    assert ran.status == 1, ran.text
    assert ran.outcomes == {
        f"test_one[{cell}]": "passed", f"test_two[{cell}]": "passed",
        f"test_one::regression[{cell}]": "failed", f"test_two::regression[{cell}]": "failed",
    }  # fmt: skip
    first, *arms = ["--slower" in start for start in (server.folder / "starts.txt").read_text().splitlines()]
    assert first, "the tests ran on arm B"
    assert len(arms) in (12, 14)
    assert all(sorted(pair) == [False, True] for pair in zip(arms[::2], arms[1::2], strict=True))
    found = ran.checks("two")["ttft_ms.p50"]["comparison"]
    assert found["n"] == len(arms) // 2
    assert found["ratio"] == pytest.approx(1.5, rel=0.05)
    assert found["arms"] == ["installed", "slow"]
    left_out = "regressed by pairs: 0 sessions that waited left out"
    for words in ("A is installed, B is slow", "pairs", "would have seen", "over 6 gates of the run", left_out):
        assert words in ran.text, ran.text
    assert re.search(r"pair \d of 6 to 7, arm [AB]", ran.text), "progress says how far it is"
    assert left_over(server) == []


def test_an_a_a_run_is_ok_whatever_the_hour_and_describes_the_site(tmp_path):
    """A machine that changes its speed from pair to pair does not show in it; its noise is a line."""
    server = OwnedServer(tmp_path)
    hours = {f"s{start}": (1.3, 0.9, 1.2, 1.0, 1.4, 0.95)[(start // 2) % 6] for start in range(2, 30)}
    server.slower(1.0, **hours)
    ran = server.run("--compare=installed..installed", "--update-baselines", "-k", "one")
    assert ran.status == 0, ran.text
    assert ran.verdicts == {"one": "ok"}
    check = ran.checks("one")["ttft_ms.p50"]["comparison"]
    assert check["detectable"] < 0.15
    assert check["site"]["restart_sd"] < 0.05
    assert [pairs for pairs, _ in check["site"]["pairs"]] == [5, 8, 12, 20]
    assert "one server among its like scatters by" in ran.text
    (written,) = (server.folder / "benchmarks/baselines").rglob("*.*")
    line = json.loads(written.read_text())
    assert (line["kind"], line["pairs"], line["case"]) == ("noise", check["n"], "one")
    assert line["restart_sd"]["ttft_ms.p50"] == pytest.approx(check["site"]["restart_sd"], rel=0.01)
    assert f"one on lab: noise of {check['n']} pairs" in ran.text
    assert left_over(server) == []


def test_a_second_server_that_is_slower_is_said_and_taken_out(tmp_path):
    """Whichever arm is second is slower by 40 %: the pairs know which it was, and a note says it."""
    server = OwnedServer(tmp_path)
    server.slower(1.0, **{f"s{start}": 1.4 for start in range(3, 30, 2)})
    ran = server.run("--compare=installed..installed", "--compare-pairs=6", "-k", "one")
    order = ran.checks("one")["ttft_ms.p50"]["comparison"]["order"]
    assert order["effect"] == pytest.approx(0.4, abs=0.1)
    assert 0.1 < order["taken_out"] <= order["effect"]
    assert "the second server of a pair was" in ran.text
    assert left_over(server) == []


def test_without_gates_there_is_nothing_to_compare(tmp_path):
    """`gates: []` makes a case NEW, with the reason; no second server starts."""
    server = OwnedServer(tmp_path, policy="{gates: []}")
    ran = server.run("--compare=installed..installed", "-k", "one")
    assert (ran.status, ran.verdicts, server.starts) == (0, {"one": "new"}, 1), ran.text
    assert "it has no gates, so nothing of it is compared" in ran.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--compare=a..b", "--compare-pairs=3"], "*--compare-pairs 3 (command line): expected the fewest*"),
        (["--compare=v1"], "*--compare v1: expected two versions or variants*"),
        (["--compare=a..a", "--update-baselines", "--baseline-mode=reseat"], "*--baseline-mode reseat with --compare*"),
    ],
)
def test_a_compare_that_means_nothing_ends_the_run(suite, arguments, words):
    """Exit status 4 and one message, before anything starts."""
    result = suite("--model=builtin:tiny", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([words])
    result.stdout.no_fnmatch_line("*Traceback*")
