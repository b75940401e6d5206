"""Broken input: one clear error, exit code 4, no traceback, nothing started."""

from __future__ import annotations

import pytest

SUITE = "async def test_it(bench):\n    raise AssertionError('nothing may run')\n"
GOOD = "models:\n  - path: builtin:tiny\n    backend: llama\n"

FILES = [
    ("not-yaml", "models: [\n", "config/models.yaml:"),
    ("tab", "models:\n\t- path: x\n", "config/models.yaml:2"),
    ("list-at-top", "- models\n", "config/models.yaml:1"),
    ("no-models", "defaults: {backend: llama}\n", "models"),
    ("empty", "", "models"),
    ("unknown-top-key", GOOD + "modles: []\n", "config/models.yaml:4: *modles*models"),
    ("unknown-model-key", "models:\n  - pth: builtin:tiny\n", "config/models.yaml:2: *pth*path"),
    ("wrong-type", "models: tiny\n", "config/models.yaml:1: models: *'tiny'*list"),
    ("number-for-backend", "models:\n  - {path: 'builtin:tiny', backend: 7}\n", "config/models.yaml:2: *backend*7"),
    ("unknown-backend", "models:\n  - {path: 'builtin:tiny', backend: lama}\n", "config/models.yaml:2*lama*llama"),
    (
        "unknown-default-backend",
        "defaults: {backend: vlm}\nmodels:\n  - repo_id: a/b\n",
        "config/models.yaml:1*vlm*vllm",
    ),
    ("unknown-builtin", "models:\n  - {path: 'builtin:huge', backend: llama}\n", "*huge*tiny"),
    ("missing-file", "models:\n  - {path: no/such.gguf}\n", "config/models.yaml:2*no/such.gguf*"),
    ("not-a-gguf", "models:\n  - {path: fake.gguf}\n", "config/models.yaml:2*fake.gguf*"),
    (
        "path-and-repo",
        "models:\n  - {path: 'builtin:tiny', repo_id: a/b}\n",
        "config/models.yaml:2*both repo_id and path*",
    ),
    ("neither", "models:\n  - {name: x}\n", "config/models.yaml:2*neither repo_id nor path*"),
    ("bad-name", "models:\n  - {path: 'builtin:tiny', name: ../x}\n", "config/models.yaml:2*../x*"),
    ("foreign-argument", GOOD + "    backends: {llama: {args: {enforce_eager: true}}}\n", "*enforce_eager*vllm*"),
    ("argument-type", GOOD + "    backends: {llama: {args: {n_ctx: big}}}\n", "*n_ctx*big*"),
    ("duplicate-key", GOOD + "models: []\n", "config/models.yaml:4*models*"),
    ("no-such-parent", "extends: base.yaml\n" + GOOD, "config/models.yaml:1: extends: *base.yaml*no such file*"),
    (
        "wrong-format",
        "models:\n  - {path: 'builtin:tiny', backend: vllm}\n",
        "config/models.yaml:2*vllm cannot load gguf*llama*",
    ),
    ("bad-url", GOOD + "    backends: {llama: {provision: url, url: 'gpu-box:8000'}}\n", "*gpu-box:8000*http://*"),
]
OPTIONS = [
    ("url-without-scheme", ["--server-url=gpu-box:8000"], "*--server-url*gpu-box:8000*http://*"),
    ("url-with-other-scheme", ["--server-url=ftp://x"], "*--server-url*ftp*"),
    ("unknown-model", ["--model=tinny"], "*--model tinny*did you mean 'tiny'*"),
    ("unknown-backend", ["--backend=vlllm"], "*--backend*vlllm*vllm*"),
    ("missing-config", ["--bench-config=other.yaml"], "*other.yaml*no such file*"),
    ("unknown-protocol", ["--bench-protocol=openai"], "*openai-chat*"),
    ("not-a-number", ["--bench-rounds=many"], "*--bench-rounds*many*"),
]


@pytest.mark.parametrize(("text", "words"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_a_broken_config_is_one_clear_error(pytester: pytest.Pytester, text: str, words: str):
    """Each broken config ends the run with exit code 4 and a message that names the place and what to do."""
    pytester.makepyfile(SUITE)
    pytester.mkdir("config")
    (pytester.path / "config/models.yaml").write_text(text)
    (pytester.path / "fake.gguf").write_text("this is text, not weights")
    _assert_clear(pytester.runpytest_subprocess(), words)


@pytest.mark.parametrize(("arguments", "words"), [case[1:] for case in OPTIONS], ids=[case[0] for case in OPTIONS])
def test_a_broken_option_is_one_clear_error(pytester: pytest.Pytester, arguments: list[str], words: str):
    """Each broken option ends the run with exit code 4 and a message that names it and what was expected."""
    pytester.makepyfile(SUITE)
    pytester.mkdir("config")
    (pytester.path / "config/models.yaml").write_text(GOOD)
    _assert_clear(pytester.runpytest_subprocess(*arguments), words)


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
