"""Broken input: one clear error, exit code 4, no traceback, nothing started."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plugin.broken_configs import BROKEN, GOOD, Broken

SUITE = "async def test_it(bench):\n    raise AssertionError('nothing may run')\n"

OPTIONS = [
    ("url-without-scheme", ["--server-url=gpu-box:8000"], "*--server-url*gpu-box:8000*http://*"),
    ("url-with-other-scheme", ["--server-url=ftp://x"], "*--server-url*ftp*"),
    ("unknown-model", ["--model=tinny"], "*--model tinny*did you mean 'tiny'*"),
    ("unknown-backend", ["--backend=vlllm"], "*--backend*vlllm*vllm*"),
    ("missing-config", ["--bench-config=other.yaml"], "*other.yaml*no such file*"),
    ("unknown-protocol", ["--bench-protocol=openai"], "*openai-chat*"),
    ("not-a-number", ["--bench-rounds=many"], "*--bench-rounds*many*"),
    ("no-rounds", ["--bench-rounds=0"], "*--bench-rounds 0*expected at least 1*"),
    ("image-of-no-container", ["--image=a/b:1"], "*--image a/b:1*in a container*--provision docker*"),
    ("type-of-no-container", ["--build-from-source"], "*--build-from-source*in a container*--provision docker*"),
    ("no-image", ["--backend=ik_llama", "--provision=docker", "--image-type=prebuilt"], "*prebuilt*nobody publishes*"),
    ("unknown-variant", ["--compare=b1..slwo"], "*--compare b1..slwo*'slwo' is neither a variant nor a version*"),
    ("three-dots", ["--compare=b1...b2"], "*--compare b1...b2*expected two*"),
    ("pairs-of-nothing", ["--compare-pairs=8"], "*--compare-pairs 8*add --compare*"),
]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What pytest said in a project with each of the broken configs."""
    folders = {broken.name: _project(broken, tmp_path_factory.mktemp("broken")) for broken in BROKEN}
    script = Path(__file__).with_name("run_each.py")
    subprocess.run([sys.executable, script, *folders.values()], check=True, timeout=300, stdin=subprocess.DEVNULL)
    return {name: json.loads((folder / "said.json").read_text()) for name, folder in folders.items()}


def _project(broken: Broken, folder: Path) -> Path:
    files = {
        f"test_{folder.name}.py": SUITE,
        "pytest.ini": "[pytest]\n",
        "fake.gguf": "this is text, not weights",
        "cut.gguf": "GGUF\x03\x00",
        "config/models.yaml": broken.text,
        **{f"config/{name}": text for name, text in broken.others.items()},
    }
    for name in ("config", "empty"):
        (folder / name).mkdir()
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    return folder


@pytest.mark.parametrize("broken", BROKEN, ids=[broken.name for broken in BROKEN])
def test_a_broken_config_is_one_clear_error(said: dict[str, Any], broken: Broken):
    """Each broken config is exit code 4 and one message with file and line, what was found, and what to do."""
    done = said[broken.name]
    assert done["status"] == pytest.ExitCode.USAGE_ERROR, done["out"]
    messages = [line for line in done["err"].splitlines() if line.startswith("ERROR: ")]
    assert len(messages) == 1, done["err"]
    assert messages[0].startswith(f"ERROR: {broken.place}: ")
    assert broken.value in done["err"]
    assert re.search(broken.remedy, done["err"]), done["err"]
    assert "Traceback" not in done["err"] + done["out"]
    assert "nothing may run" not in done["out"]


def test_there_are_enough_of_them():
    """At least sixty different mistakes are tried."""
    assert len({broken.text for broken in BROKEN if not broken.others}) >= 60


@pytest.mark.parametrize(("arguments", "words"), [case[1:] for case in OPTIONS], ids=[case[0] for case in OPTIONS])
def test_a_broken_option_is_one_clear_error(pytester: pytest.Pytester, arguments: list[str], words: str):
    """Each broken option ends the run with exit code 4 and a message that names it and what was expected."""
    pytester.makepyfile(SUITE)
    pytester.mkdir("config")
    (pytester.path / "config/models.yaml").write_text(GOOD)
    _assert_clear(pytester.runpytest_subprocess(*arguments), words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("inferbench_rounds = many", "pytest.ini:3: inferbench_rounds = 'many': expected int, like 5"),
        ("inferbench_rounds = 0", "pytest.ini:3: inferbench_rounds = 0: expected at least 1"),
        ("inferbench_family = 0", "pytest.ini:3: inferbench_family = 0: expected at least 1"),
        ("inferbench_family = 2.5", "pytest.ini:3: inferbench_family = '2.5': expected int, like 60"),
        ("inferbench_roundz = 5", "pytest.ini:3: unknown key 'inferbench_roundz'; did you mean 'inferbench_rounds'?"),
        ("inferbench_bench_rounds = 5", "pytest.ini:3: unknown key 'inferbench_bench_rounds'; did you mean 'inferben"),
        ("inferbench_update_baselines = 1", "pytest.ini:3: unknown key*it is done once, so give it on the command li"),
    ],
)
def test_a_broken_ini_key_is_one_clear_error(pytester: pytest.Pytester, line: str, words: str):
    """With file and line, as a broken config."""
    pytester.makepyfile(SUITE)
    pytester.makefile(".ini", pytest=f"[pytest]\n# ours\n{line}\n")
    _assert_clear(pytester.runpytest_subprocess("--model=builtin:tiny"), f"ERROR: {words}")


def test_with_xdist_a_broken_config_is_the_same_error(pytester: pytest.Pytester):
    """Under xdist the exit code and the message are the same."""
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("-n", "2", "--backend=vlllm", "--model=builtin:tiny")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["ERROR: *vlllm*vllm*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_broken_config_does_not_hinder_other_tests(pytester: pytest.Pytester):
    """A suite without benchmarks never reads the config."""
    pytester.makepyfile("def test_it():\n    pass\n")
    pytester.mkdir("config")
    (pytester.path / "config/models.yaml").write_text("models: [\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def _assert_clear(result: pytest.RunResult, words: str) -> None:
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{words}*"])
    for line in (*result.outlines, *result.errlines):
        assert "Traceback" not in line
        assert "nothing may run" not in line
