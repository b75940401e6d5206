"""Baseline files, experiments and test files that cannot be used end the run before anything is measured."""

from __future__ import annotations

from collections.abc import Callable

import pytest

SUITE = "def test_it(bench):\n    raise AssertionError('nothing may run')\n"
HEAD = "schema: 1\nmodel: tiny\nbackend: llama\n"
YAML, SESSIONS = "tiny--llama.yaml", "tiny--llama/lab.jsonl"
FOLDER = "benchmarks/baselines"


@pytest.fixture
def told(pytester: pytest.Pytester) -> Callable[..., str]:
    """What ends a run in which these files stand (path -> content), before anything starts."""

    def run(files: dict[str, bytes | str], *arguments: str) -> str:
        for name, content in {"test_it.py": SUITE, **files}.items():
            path = pytester.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        result = pytester.runpytest_subprocess("--model=builtin:tiny", "--hardware=lab", *arguments)
        said = "\n".join((*result.outlines, *result.errlines))
        assert result.ret == pytest.ExitCode.USAGE_ERROR, said
        assert "Traceback" not in said
        assert "nothing may run" not in said
        assert said.count("ERROR") == 1, said
        return said.partition("ERROR: ")[2]

    return run


BROKEN = {
    "metric": (f"{HEAD}cases:\n  it:\n    budgets: {{tpt_ms.p50: {{max: 3}}}}\n", ":6: unknown metric 'tpt_ms'; did"),
    "side": (f"{HEAD}cases: {{it: {{budgets: {{ttft_ms.p50: {{min: 3.0}}}}}}}}\n", ":4: ttft_ms.p50: got min: 3.0"),
    "key": (f"{HEAD}casess: {{}}\n", ":4: unknown key 'casess'; did you mean 'cases'?"),
    "policy": (f"{HEAD}cases: {{it: {{policy: {{margin: 0.30}}}}}}\n", ":4: policy of ttft_ms.p50: resolve 0.2"),
    "empty": ("", ":1: missing key 'schema'; add it"),
    "not-utf-8": (b"\xff\xfe", ":1: not UTF-8"),
    "not-yaml": ("cases: [\n", ":2: not YAML"),
    "foreign": (HEAD.replace("tiny", "other"), ": holds other on llama, expected tiny on llama"),
    "newer": (HEAD.replace("1", "9"), ":1: schema 9 is newer than 1"),
}


@pytest.mark.parametrize(("content", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_a_baseline_file_that_cannot_be_used_ends_the_run(told, content: bytes | str, words: str):
    """Exit status 4 and one message with file and line."""
    assert told({f"{FOLDER}/{YAML}": content}).startswith(f"{FOLDER}/{YAML}{words}")


def test_the_sessions_beside_it_are_read_too(told):
    """A line that is cut off is found before more are measured."""
    assert told({f"{FOLDER}/{SESSIONS}": "{"}).startswith(f"{FOLDER}/{SESSIONS}:1: not a whole line of JSON")


@pytest.mark.parametrize("argument", ["-n2", "--bench-dry-run"])
def test_with_xdist_and_in_a_dry_run_it_is_the_same(told, argument: str):
    """The controller tells what its workers met."""
    content, words = BROKEN["metric"]
    assert told({f"{FOLDER}/{YAML}": content}, argument).startswith(f"{FOLDER}/{YAML}{words}")


def test_a_file_of_another_model_on_this_hardware_is_needed_too(told):
    """Verdicts learn from its scatter."""
    files = {f"{FOLDER}/other--vllm.yaml": "schema: 1\nmodel: other\n", f"{FOLDER}/other--vllm/lab.jsonl": "\n"}
    assert told(files).startswith(f"{FOLDER}/other--vllm.yaml:1: missing key 'backend'; add it")


def test_a_file_that_nothing_selected_needs_is_not_read(pytester: pytest.Pytester):
    """A run that deselects every benchmark has no business with baselines."""
    (pytester.path / FOLDER).mkdir(parents=True)
    (pytester.path / FOLDER / YAML).write_text("cases: [\n")
    pytester.makepyfile(test_it=SUITE, test_plain="def test_plain():\n    pass\n")
    pytester.runpytest_subprocess("--model=builtin:tiny", "-k", "plain").assert_outcomes(passed=1, deselected=1)


TOPS = {
    "workload": ("WHAT = Concurrency(stream=4, requests=8)", "2: unknown key 'stream'; did you mean 'streams'?"),
    "budget": ("LIMITS = [Budget('ttft_ms.p50', 'most', 9)]", "2: Budget of ttft_ms.p50: got the bound 'most', exp"),
}


@pytest.mark.parametrize(("line", "words"), TOPS.values(), ids=TOPS.keys())
@pytest.mark.parametrize("arguments", [[], ["-n2"]], ids=["alone", "xdist"])
def test_a_mistake_at_the_top_of_a_test_file_ends_the_run(told, line: str, words: str, arguments: list[str]):
    """As one of the config does, and not as an error of the collection with a traceback."""
    source = f"from pytest_inferbench import Budget, Concurrency\n{line}\n{SUITE}"
    assert told({"test_top.py": source}, *arguments).startswith(f"test_top.py:{words}")


EXPERIMENTS = {
    "tail": (
        "workload: {kind: single, requests: 20}\nrounds: 2\nbudgets: {ttft_ms.p95: {max: 5}}\n",
        "3: ttft_ms.p95: p95 needs 100 samples, and 20 requests in each of 2 rounds are 40; measure more",
    ),
    "swept": (
        "workload: {kind: single}\nsweep: {requests: [20, 200]}\nrounds: 1\nbudgets: {ttft_ms.p95: {max: 5}}\n",
        "4: ttft_ms.p95: p95 needs 100 samples, and 20 requests in each of 1 rounds are 20; measure more",
    ),
    "prompts": (
        "workload:\n  kind: single\n  requests: 20\n  prompts: no.jsonl\n",
        "4: workload.prompts: no.jsonl: No such file",
    ),
    "limits": (
        "workload: {kind: saturation, lowest: 1, highest: 2, requests: 4}\n",
        "1: saturation: no limits to search for; write `slo:",
    ),
}


@pytest.mark.parametrize(("text", "words"), EXPERIMENTS.values(), ids=EXPERIMENTS.keys())
def test_an_experiment_that_cannot_be_judged_ends_the_run(told, text: str, words: str):
    """Its requests, its rounds, its files and the model's limits are known."""
    assert told({"x.bench.yaml": text}).startswith(f"x.bench.yaml:{words}")


def test_a_baseline_s_tail_of_too_few_requests_ends_the_run(told):
    """Where an experiment says how many there are; `--bench-rounds` counts."""
    files = {
        "x.bench.yaml": "workload: {kind: single, requests: 20}\nrounds: 50\n",
        f"{FOLDER}/{YAML}": f"{HEAD}cases:\n  x: {{budgets: {{ttft_ms.p95: {{max: 5000}}}}}}\n",
    }
    said = told(files, "--bench-rounds=4")
    assert said.startswith(
        f"{FOLDER}/{YAML}:5: ttft_ms.p95: p95 needs 100 samples, and 20 requests in each of 4 rounds"
    )
