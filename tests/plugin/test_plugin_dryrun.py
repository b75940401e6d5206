"""--bench-dry-run as a user sees it: everything is said, and nothing is started."""

from __future__ import annotations

import pytest

SUITE = """
import pytest
from pytest_inferbench import Single

@pytest.mark.parametrize("case", ["a", "b"])
def test_it(bench, case):
    bench.run_sync(Single(requests=2, prompt_tokens=16, output_tokens=4))

def test_plain():
    open("ran", "w")
"""
CONFIG = """
models:
  - {path: 'builtin:tiny', name: one, backend: llama}
  - {path: 'builtin:tiny', name: two, backend: llama, backends: {llama: {program: /no/such/llama-server}}}
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    (pytester.mkdir("config") / "models.yaml").write_text(CONFIG)
    pytester.makepyfile(test_suite=SUITE)

    def start(*arguments: str) -> pytest.RunResult:
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments, timeout=120)
        result.stdout.no_fnmatch_line("*Traceback*")
        return result

    return start


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "xdist"])
def test_the_plan_is_told_and_nothing_is_started(run, pytester: pytest.Pytester, workers):
    """Cells, command, port, GPUs and tests of what is selected; no server, no test, no file."""
    result = run("--bench-dry-run", "-k", "two or one-a", *workers)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "llama-installed-one",
            "  version  b*",
            "  runs     *",
            "  port     a free one of 127.0.0.1, in place of 0",
            "  GPUs     *",
            "  tests    1, of 5 rounds where they do not say otherwise: it[[]a[]]",
            "llama-installed-two",
            "  tests    2, of 5 rounds where they do not say otherwise: it[[]a[]], it[[]b[]]",
            "  cannot run here: *program '/no/such/llama-server' is not there*",
            "2 cells, 3 tests; 3 without an earlier run to tell the time by. Nothing was*",
        ]
    )
    result.stdout.no_fnmatch_line("*  takes*")
    assert not (pytester.path / "perf").exists()
    assert not (pytester.path / "ran").exists()


def test_a_cell_that_cannot_run_fails_where_it_is_required(run):
    """With --require-backend the dry run says no."""
    assert run("--bench-dry-run", "--require-backend").ret == pytest.ExitCode.TESTS_FAILED
    assert run("--bench-dry-run", "--require-backend", "-k", "one").ret == pytest.ExitCode.OK


def test_what_was_measured_before_tells_the_time(run, server, pytester: pytest.Pytester):
    """After a run of one case the plan has a time for it, and says that there is none for the other."""
    url = f"--server-url={server.url}"
    run(url, "-k", "served-a", "--bench-rounds=2").assert_outcomes(passed=2, deselected=2)
    (pytester.path / "perf/broken").mkdir()
    (pytester.path / "perf/broken/run.json").write_text("{")
    result = run(url, "--bench-dry-run", "--bench-rounds=4")
    result.stdout.fnmatch_lines(
        [
            f"  server   {server.url} (not ours: only asked)",
            "  takes    about * s for 1 of 2 tests, by the rounds and the start of earlier*",
            "1 cell, 2 tests; about * s for 1 of them, one after the other; 1 without an*",
        ]
    )


def test_both_arms_of_a_comparison_are_told(run, pytester: pytest.Pytester):
    """Each arm is a server; the cases are named as in results, and there is no time that could be told."""
    (pytester.path / "config/models.yaml").write_text(
        "models:\n  - {path: 'builtin:tiny', name: one, backend: llama, variants: {wide: {args: {n_ctx: 4096}}}}\n"
    )
    result = run("--bench-dry-run", "--compare=..wide", "-k", "a")
    result.stdout.fnmatch_lines(
        ["llama-installed-one", "  tests    *: it[[]a[]]*", "llama-installed-one-wide", "*--ctx-size 4096*"]
    )
    result.stdout.no_fnmatch_line("*  takes*")
