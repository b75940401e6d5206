"""A run whose benchmarks were all skipped because they cannot run here is not green."""

from __future__ import annotations

import pytest

SOURCE = """
import pytest
from pytest_inferbench import Single

async def test_one(bench):
    await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=4))

@pytest.mark.parametrize("n", [1, 2])
async def test_more(bench, n):
    await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=4))

@pytest.mark.skip(reason="mine")
async def test_mine(bench):
    await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=4))

@pytest.mark.skip(reason="mine")
def test_skipped():
    pass

def test_plain():
    pass

@pytest.mark.xfail
def test_expected():
    raise AssertionError
"""
CONFIG = """
defaults: {backends: {llama: {program: /no/such/program}}}
models: [{path: 'builtin:tiny', name: tiny}]
"""


@pytest.fixture
def unavailable(suite, pytester):
    """Run the suite on a program that is not there."""
    (pytester.mkdir("config") / "models.yaml").write_text(CONFIG)

    def run(*arguments):
        return suite("--backend=llama", *arguments, source=SOURCE)

    return run


@pytest.mark.parametrize(
    "arguments", [("-k", "one or more"), ("-k", "not plain and not expected"), ("-k", "one", "-n1", "-q")]
)
def test_nothing_measured_is_exit_status_5(unavailable, arguments):
    """Alone, beside tests that people skip and with xdist; the last lines say how many and what to do."""
    result = unavailable(*arguments)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    who = "the benchmark" if arguments[1] == "one" else "all 3 benchmarks"
    result.stdout.fnmatch_lines(
        [
            f"NOTHING MEASURED: {who} cannot run here, so the exit status is 5",
            "  llama: program '/no/such/program' is not there*",
        ]
    )


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("-k", "one or plain"), 0),
        (("-k", "one or expected"), 0),
        (("-k", "mine"), 0),
        (("-k", "one", "--bench-dry-run"), 0),
        (("-k", "one", "--build-only"), 0),
        (("-k", "one", "--collect-only"), 0),
        (("-k", "one", "--require-backend"), 1),
    ],
)
def test_other_runs_end_as_they_did(unavailable, arguments, status):
    """Where another test ran, people skipped themselves, or nothing was to be measured, pytest's exit status stands."""
    result = unavailable(*arguments)
    assert result.ret == status
    result.stdout.no_fnmatch_line("NOTHING MEASURED*")


def test_one_that_was_measured_is_enough(suite, server, pytester):
    """Of two cells one runs here: the run is green."""
    (pytester.mkdir("config") / "models.yaml").write_text(
        f"defaults: {{backends: {{llama: {{program: /no/such/program}}, external: {{url: '{server.url}'}}}}}}\n"
        "models:\n  - {path: 'builtin:tiny', name: tiny, backend: llama}\n"
        "  - {repo_id: served, name: one, backend: external}\n"
    )
    result = suite("-k", "one", source=SOURCE)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*3 new, 2 skipped*"])
