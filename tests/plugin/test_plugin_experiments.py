"""Experiments in YAML as a user meets them: collected, selected, measured, judged and refused."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., None]
Run = Callable[..., pytest.RunResult]

SMALL = "workload: {kind: single, requests: 4, prompt_tokens: 16, output_tokens: 4}\n"
SWEEP = """\
name: load-sweep
workload: {kind: concurrency, requests: 32, prompt_tokens: 16}
sweep:
  streams: [1, 4, 32]
  output_tokens: [4, 128]
"""
CONFIG = "models:\n  - {path: 'builtin:tiny', backend: llama}\n  - {repo_id: org/Big, name: big-8b, backend: llama}\n"

BROKEN = {
    "syntax": ("workload: {kind: single\n", "benchmarks/syntax.bench.yaml:2: not YAML*"),
    "tab": ("workload:\n\tkind: single\n", "benchmarks/tab.bench.yaml:2: not YAML*spaces, not tabs"),
    "top": ("- workload\n", "benchmarks/top.bench.yaml:1: got a list*"),
    "twice": (SMALL + SMALL, "benchmarks/twice.bench.yaml:2: key 'workload' was already given*"),
    "empty": ("", "benchmarks/empty.bench.yaml:1: missing key 'workload'*"),
    "key": (SMALL + "metric: {}\n", "benchmarks/key.bench.yaml:2: unknown key 'metric'*"),
    "kind": ("workload: {kind: concurency}\n", "benchmarks/kind.bench.yaml:1: *did you mean 'concurrency'*"),
    "type": ("workload: {kind: single, requests: x}\n", "benchmarks/type.bench.yaml:1: requests: got 'x'*"),
    "parent": ("extends: base/no.yaml\n" + SMALL, "benchmarks/parent.bench.yaml:1: extends: *no such file*"),
    "circle": ("extends: circle.bench.yaml\n" + SMALL, "benchmarks/circle.bench.yaml:1: extends: goes in a circle*"),
    "model": (SMALL + "models: [bgi-8b]\n", "benchmarks/model.bench.yaml:2: *did you mean 'big-8b'*"),
    "metric": (SMALL + "budgets: {tfft_ms.p50: {max: 1}}\n", "benchmarks/metric.bench.yaml:2: *'ttft_ms'*"),
    "figure": (SMALL + "budgets: {ttft_ms: {max: 5}}\n", "benchmarks/figure.bench.yaml:2: ttft_ms: *ttft_ms.p50, *"),
    "bound": (SMALL + "budgets:\n  ttft_ms.p50:\n    mx: 1\n", "benchmarks/bound.bench.yaml:4: *'mx'*'max'*"),
    "side": (SMALL + "budgets: {ttft_ms.p50: {min: 1}}\n", "benchmarks/side.bench.yaml:2: ttft_ms.p50: got min*"),
    "budgets": (SMALL + "budgets: tight\n", "benchmarks/budgets.bench.yaml:2: budgets: got 'tight'*"),
}


@pytest.fixture
def write(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write files by their path, and a config with two models."""
    monkeypatch.delenv("CI", raising=False)

    def files(**texts: str) -> None:
        for name, text in {"config/models.yaml": CONFIG, **texts}.items():
            path = pytester.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return files


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run pytest in a process of its own."""
    return lambda *arguments: pytester.runpytest_subprocess(*arguments, timeout=120)


def collected(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line and "::regression[" not in line]


def test_each_point_of_a_sweep_is_a_test_item(write: Write, run: Run):
    """Two keys make one item for each pair, named by backend, version, model and point; a file alone makes one."""
    write(**{"benchmarks/load.bench.yaml": SWEEP, "benchmarks/one.bench.yaml": SMALL})
    result = run("--collect-only", "-q", "--model=tiny", "benchmarks")
    assert collected(result) == [
        *(
            f"benchmarks/load.bench.yaml::test_load_sweep[llama-installed-tiny-streams-{streams}-output_tokens-{tokens}]"
            for streams in ("01", "04", "32")
            for tokens in ("04", "128")
        ),
        "benchmarks/one.bench.yaml::test_one[llama-installed-tiny]",
    ]


def test_k_and_node_ids_select_points(write: Write, run: Run):
    """`-k` selects by file, case and point, and a node id runs that point alone."""
    write(**{"benchmarks/load.bench.yaml": SWEEP, "benchmarks/one.bench.yaml": SMALL})
    chosen = collected(run("--collect-only", "-q", "-k", "load and streams-04 and tiny", "benchmarks"))
    assert [each.rpartition("-streams-")[2] for each in chosen] == ["04-output_tokens-04]", "04-output_tokens-128]"]
    assert collected(run("--collect-only", "-q", chosen[1])) == [chosen[1]]


def test_models_narrow_the_matrix(write: Write, run: Run):
    """An experiment about one model has no items for the others, and is skipped with the reason where it is not run."""
    write(**{"benchmarks/big.bench.yaml": SMALL + "models: [org/Big]\n", "benchmarks/one.bench.yaml": SMALL})
    assert {each.partition("::")[2] for each in collected(run("--collect-only", "-q", "benchmarks"))} == {
        "test_big[llama-installed-big-8b]",
        "test_one[llama-installed-tiny]",
        "test_one[llama-installed-big-8b]",
    }
    result = run("-rs", "--model=tiny", "benchmarks/big.bench.yaml")
    result.stdout.fnmatch_lines(["SKIPPED*big.bench.yaml:2: models: big-8b; this run measures tiny (see --model)"])
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_suites_own_bench_takes_the_place_of_ours(write: Write, run: Run):
    """A conftest's `bench` gets the workload, rounds and budgets, once, and meets no cell."""
    conftest = (
        "import pytest\n"
        "class Bench:\n"
        "    def run_sync(self, workload, *, rounds, budgets):\n"
        "        assert (workload.requests, rounds, budgets[0].source) == (4, 3, 'one.bench.yaml:4')\n"
        "        return self\n"
        "    def check(self):\n        pass\n"
        "@pytest.fixture\ndef bench():\n    return Bench()\n"
    )
    text = SMALL + "models: [tiny]\nrounds: 3\nbudgets: {ttft_ms.p50: {max: 1}}\n"
    write(**{"conftest.py": conftest, "one.bench.yaml": text})
    result = run("-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["one.bench.yaml::test_one PASSED*"])


def test_other_yaml_files_and_other_names_of_tests_are_left_alone(write: Write, run: Run):
    """Only `*.bench.yaml` is collected, whatever `python_functions` says."""
    write(**{"benchmarks/notes.yaml": "[", "benchmarks/one.bench.yaml": SMALL, "base.yml": "["})
    result = run("--collect-only", "-q", "--model=tiny", "-o", "python_functions=measure_*")
    assert collected(result) == ["benchmarks/one.bench.yaml::test_one[llama-installed-tiny]"]


def test_yaml_and_python_give_the_same_case(write: Write, run: Run, server, document):
    """The same workload from YAML and from Python has the same shape, workload, hash and baseline key."""
    python = (
        "import pytest\nfrom pytest_inferbench import Concurrency\n"
        "@pytest.mark.parametrize('streams', [2], ids='streams-{:02d}'.format)\n"
        "def test_load(bench, streams):\n"
        "    bench.run_sync(Concurrency(streams=streams, requests=8, prompt_tokens=16, output_tokens=4)).check()\n"
    )
    yaml = (
        "case: load\nname: anything\nrounds: 2\nsweep: {streams: [2]}\n"
        "workload: {kind: concurrency, requests: 8, prompt_tokens: 16, output_tokens: 4}\n"
    )
    write(**{"test_python.py": python, "yaml.bench.yaml": yaml})
    run("--server-url", server.url, "-o", "inferbench_rounds=2").assert_outcomes(passed=4)
    one, other = document()["cases"]
    assert {one["id"], other["id"]} == {
        "test_python.py::test_load[external-running-served-streams-02]",
        "yaml.bench.yaml::test_load[external-running-served-streams-02]",
    }
    assert one.keys() == other.keys()
    for field in ("case", "workload", "model", "backend", "version", "verdict"):
        assert one[field] == other[field], field
    assert one["case"] == "load[streams-02]"
    assert one["metrics"].keys() == other["metrics"].keys()
    assert len(one["rounds"]) == len(other["rounds"]) == 2


def test_extends_merges_and_rounds_and_budgets_hold(write: Write, run: Run, server, document):
    """A file lies over the ones it extends; its rounds and budgets count, and a broken budget fails its test."""
    write(
        **{
            "benchmarks/base/small.yaml": SMALL + "rounds: 3\nbudgets: {ttft_ms.p50: {max: 1}}\n",
            "benchmarks/over.bench.yaml": "extends: base/small.yaml\nworkload: {requests: 5}\n",
            "benchmarks/within.bench.yaml": (
                "extends: base/small.yaml\nrounds: 1\nbudgets: {ttft_ms.p50: {max: 5000}, e2e_ms.p50: {max: 9000}}\n"
            ),
        }
    )
    result = run("--server-url", server.url, "benchmarks")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["OVER BUDGET: over of *", "*ttft_ms.p50*max 1 ms*benchmarks/base/small.yaml:3"])
    over, within = document()["cases"]
    assert (over["workload"]["requests"], len(over["rounds"])) == (5, 3)
    assert (within["workload"]["requests"], len(within["rounds"])) == (4, 1)
    assert [check["limit"] for check in within["checks"] if check["kind"] == "budget"] == [5000, 9000]


def test_rounds_of_the_command_line_and_budgets_of_a_baseline_win(write: Write, run: Run, server, document):
    """`--bench-rounds` beats the file's rounds, and a baseline file's budget beats the experiment's."""
    write(
        **{
            "benchmarks/one.bench.yaml": SMALL + "rounds: 4\nbudgets: {ttft_ms.p50: {max: 1}}\n",
            "benchmarks/baselines/scripted--external.yaml": (
                "schema: 1\nmodel: scripted\nbackend: external\n"
                "cases:\n  one:\n    budgets: {ttft_ms.p50: {max: 5000}}\n"
            ),
        }
    )
    run("--server-url", server.url, "--bench-rounds=1", "benchmarks").assert_outcomes(passed=2)
    (case,) = document()["cases"]
    assert len(case["rounds"]) == 1
    assert [check["source"] for check in case["checks"] if check["kind"] == "budget"] == [
        "benchmarks/baselines/scripted--external.yaml:6"
    ]


def test_an_experiment_runs_in_an_xdist_worker(write: Write, run: Run, server, document):
    """Under `-n 1` each point is measured in the worker and written by the controller."""
    text = SMALL.replace("requests: 4, ", "") + "rounds: 1\nsweep: {requests: [2, 3]}\n"
    write(**{"one.bench.yaml": text})
    run("--server-url", server.url, "-n", "1").assert_outcomes(passed=4)
    assert [case["case"] for case in document()["cases"]] == ["one[requests-02]", "one[requests-03]"]


def test_every_broken_experiment_is_told_and_nothing_runs(write: Write, run: Run, pytester: pytest.Pytester):
    """Broken files beside a good one end the run with exit code 4 and one line for each, and nothing is started."""
    write(**{f"benchmarks/{name}.bench.yaml": text for name, (text, _) in BROKEN.items()})
    write(**{"benchmarks/good.bench.yaml": SMALL, "test_good.py": "def test_it():\n    assert False, 'it ran'\n"})
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    for _, words in BROKEN.values():
        result.stderr.re_match_lines([f"(ERROR: )?{fnmatch.translate(words)}"])
    _assert_nothing_ran(result, pytester.path)


def test_a_broken_experiment_is_one_clear_error(write: Write, run: Run, pytester: pytest.Pytester):
    """One broken file, asked for by name, is one error that begins with its line."""
    text, words = BROKEN["metric"]
    write(**{"benchmarks/metric.bench.yaml": text})
    result = run("benchmarks/metric.bench.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {words}"])
    _assert_nothing_ran(result, pytester.path)


def test_broken_experiments_under_xdist_are_the_same_error(write: Write, run: Run, pytester: pytest.Pytester):
    """The workers' errors end the run with exit code 4 and the same words, and none of the good files is measured."""
    write(**{f"benchmarks/{name}.bench.yaml": BROKEN[name][0] for name in ("kind", "metric")})
    write(**{"benchmarks/good.bench.yaml": SMALL})
    result = run("-n", "2", "benchmarks")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines([f"ERROR: {BROKEN['kind'][1]}", BROKEN["metric"][1]])
    _assert_nothing_ran(result, pytester.path)


def test_a_broken_config_is_told_as_for_python(write: Write, run: Run, pytester: pytest.Pytester):
    """An experiment on a broken config ends the run with the config's own error."""
    write(**{"benchmarks/one.bench.yaml": SMALL + "models: [tiny]\n", "config/models.yaml": "models: tiny\n"})
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: config/models.yaml:1: models: got 'tiny', expected a list"])
    _assert_nothing_ran(result, pytester.path)


def _assert_nothing_ran(result: pytest.RunResult, folder: Path) -> None:
    for line in (*result.outlines, *result.errlines):
        assert "Traceback" not in line
        assert "it ran" not in line
    assert not (folder / "perf").exists()
