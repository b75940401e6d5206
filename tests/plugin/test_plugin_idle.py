"""What people pay who have us installed and run no benchmark: nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def test_a_suite_without_benchmarks_runs_as_if_we_were_not_there(pytester: pytest.Pytester):
    """Outcomes, files and output are the same with the plugin and without it, even under warnings as errors."""
    pytester.makepyfile("def test_it():\n    assert 1 + 1 == 2\n")
    with_us = pytester.runpytest_subprocess("-q", "-W", "error", "-p", "no:cacheprovider")
    without = pytester.runpytest_subprocess(
        "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:inferbench", "-p", "no:asyncio"
    )
    with_us.assert_outcomes(passed=1)
    assert with_us.outlines[0] == without.outlines[0]
    assert len(with_us.outlines) == len(without.outlines)
    assert not Path(pytester.path, "perf").exists()


def test_own_fixtures_of_the_same_name_win(pytester: pytest.Pytester):
    """A suite's own `bench` and `backend` fixtures work and meet no cell."""
    pytester.makepyfile(
        "import pytest\n"
        "@pytest.fixture\ndef bench():\n    return 7\n"
        "@pytest.fixture\ndef backend():\n    return 8\n"
        "def test_it(bench, backend):\n    assert (bench, backend) == (7, 8)\n"
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_an_idle_plugin_imports_only_pytest_and_the_standard_library():
    """Importing the entry point loads no third-party package but pytest's own."""
    code = (
        "import sys, pytest; before = set(sys.modules)\n"
        "import pytest_inferbench.plugin.hooks, pytest_inferbench.plugin.session\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - set(sys.stdlib_module_names) - {'pytest_inferbench'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_taken_name_that_always_works_is_named(pytester: pytest.Pytester):
    """A plugin that has taken one of our prefixed names is one clear error."""
    pytester.makepyfile(other="def pytest_addoption(parser):\n    parser.addoption('--bench-model')\n")
    result = pytester.runpytest_subprocess("-p", "other")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*pytest-inferbench: --bench-model is an option of another plugin*no:inferbench*"])
    result.stderr.no_fnmatch_line("*Traceback*")
