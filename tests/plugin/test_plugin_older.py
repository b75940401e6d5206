"""A config of the older schema, as pytest shows it."""

from __future__ import annotations

import pytest

OLD = "defaults: {llama_version: installed}\nmodels:\n  - {path: 'builtin:tiny', backend: llama}\n"
SUITE = "def test_it(bench):\n    raise AssertionError('measured')\n"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_one_warning_names_the_new_key(pytester: pytest.Pytester, workers: str):
    """It stands in the warnings summary once, at the config's line, also with xdist; the run goes on."""
    pytester.makepyfile(SUITE)
    pytester.mkdir("config")
    (pytester.path / "config/models.yaml").write_text(OLD)
    result = pytester.runpytest_subprocess("-n", workers, "--collect-only" if workers == "0" else "-v", "-rN")
    shown = [line for line in result.outlines if "is now defaults.backends.llama.version" in line]
    assert len(shown) == 1
    result.stdout.fnmatch_lines(["*config/models.yaml:1: OlderSpellingWarning: the config has older keys*"])


def test_where_warnings_are_errors_it_is_one_clear_error(pytester: pytest.Pytester):
    """`-W error` ends the run as any other mistake of the config does."""
    pytester.makepyfile(SUITE)
    pytester.mkdir("config")
    (pytester.path / "config/models.yaml").write_text(OLD)
    result = pytester.runpytest_subprocess("-W", "error")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: the config has older keys*", "*defaults.backends.llama.version*"])
    result.stdout.no_fnmatch_line("*Traceback*")
