"""A model named by a path on the real llama.cpp server: a path is a path, however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_inferbench.models.builtin import builtin_model

pytestmark = pytest.mark.e2e

SUITE = """
from pytest_inferbench import Single

def test_it(bench):
    bench.run_sync(Single(requests=2, prompt_tokens=32, output_tokens=4))
"""


@pytest.fixture
def model(pytester: pytest.Pytester) -> Path:
    """A GGUF file in a folder whose name has a space."""
    folder = pytester.mkdir("my models")
    (folder / "mine.gguf").write_bytes(Path(builtin_model("tiny")).read_bytes())
    pytester.makepyfile(SUITE)
    return folder / "mine.gguf"


@pytest.mark.parametrize("written", ["{model}", "{model.parent}", "my models/mine.gguf", "~/mine.gguf", "{root}/link"])
def test_a_path_is_measured_however_it_is_written(
    pytester: pytest.Pytester, model: Path, monkeypatch: pytest.MonkeyPatch, written: str
):
    """Absolute, with a space, a folder, from pytest's rootdir, from the home, and a link: nothing is skipped."""
    monkeypatch.setenv("HOME", str(model.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(pytester.path / "cache"))
    (pytester.path / "link").symlink_to(model)
    path = written.format(model=model, root=pytester.path)
    pytester.runpytest_subprocess("--model", path, "--bench-rounds=1").assert_outcomes(passed=2)


def test_a_path_in_the_config_is_measured(pytester: pytest.Pytester, model: Path):
    """By the config as by the command line."""
    pytester.mkdir("config")
    (pytester.path / "config/models.yaml").write_text(f"models:\n  - path: {model}\n    backend: llama\n")
    pytester.runpytest_subprocess("--bench-rounds=1").assert_outcomes(passed=2)
