"""Experiments in YAML, read: which cases a file makes, what they are called, and what is said of a broken one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench import Concurrency, Single
from pytest_inferbench.config.load import load
from pytest_inferbench.config.parse import parse
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.experiment import Experiment, read_experiment, wanted_models
from pytest_inferbench.workloads.catalogue import WORKLOADS

SWEEP = """\
name: load
workload:
  kind: concurrency
  requests: 64
  prompt_tokens: 32
sweep:
"""

BROKEN = [
    ("empty", "", "x.bench.yaml:1: missing key 'workload'; add it"),
    (
        "unknown-key",
        "workload: {kind: single}\nround: 3\n",
        "x.bench.yaml:2: unknown key 'round'; did you mean 'rounds'?",
    ),
    ("workload-text", "workload: single\n", "x.bench.yaml:1: workload: got 'single', expected a mapping"),
    ("no-kind", "workload:\n  requests: 8\n", "x.bench.yaml:1: workload: missing key 'kind'"),
    ("kind-number", "workload: {kind: 7}\n", "x.bench.yaml:1: workload.kind: got 7, expected text"),
    (
        "unknown-kind",
        "workload:\n  kind: singel\n",
        "x.bench.yaml:2: workload.kind: there is no workload 'singel'; did you mean 'single'?",
    ),
    (
        "unknown-option",
        "workload:\n  kind: single\n  request: 8\n",
        "x.bench.yaml:3: unknown key 'request'; did you mean",
    ),
    (
        "option-type",
        "workload:\n  kind: single\n  requests: many\n",
        "x.bench.yaml:3: requests: got 'many', expected an",
    ),
    ("missing-option", "workload:\n  kind: concurrency\n  streams: 2\n", "x.bench.yaml:2: missing key 'requests'"),
    ("options-at-odds", SWEEP + "  streams: [4, 128]\n", "x.bench.yaml:3: requests: got 64, expected at least one for"),
    ("bad-rounds", "workload: {kind: single}\nrounds: 0\n", "x.bench.yaml:2: rounds: got 0, expected a number of at"),
    ("rounds-text", "workload: {kind: single}\nrounds: '5'\n", "x.bench.yaml:2: rounds: got '5', expected an integer"),
    ("bad-name", "name: ../x\nworkload: {kind: single}\n", "x.bench.yaml:1: name: got '../x', expected a name of"),
    ("bad-case", "workload: {kind: single}\ncase: a b\n", "x.bench.yaml:2: case: got 'a b', expected a name of"),
    ("models-text", "workload: {kind: single}\nmodels: tiny\n", "x.bench.yaml:2: models: got 'tiny', expected a list"),
    ("no-models", "workload: {kind: single}\nmodels: []\n", "x.bench.yaml:2: models: got an empty list, expected at"),
    ("sweep-list", SWEEP + "  - streams\n", "x.bench.yaml:6: sweep: got a list, expected a mapping"),
    ("sweep-single", SWEEP + "  streams: 4\n", "x.bench.yaml:7: sweep.streams: got 4, expected a list"),
    ("sweep-empty", SWEEP + "  streams: []\n", "x.bench.yaml:7: sweep.streams: got an empty list, expected at least"),
    (
        "sweep-nothing",
        SWEEP + "  streams: [1,]\n  output_tokens: [4,\n    null]\n",
        "x.bench.yaml:9: sweep.output_tokens",
    ),
    (
        "sweep-value",
        SWEEP + "  streams:\n    - 4\n    - 0\n",
        "x.bench.yaml:9: streams: got 0, expected a number of at",
    ),
    ("sweep-unknown", SWEEP + "  streams: [1]\n  stream: [1]\n", "x.bench.yaml:8: unknown key 'stream'; did you mean"),
    ("sweep-of-kind", SWEEP + "  streams: [1]\n  kind: [single]\n", "x.bench.yaml:8: unknown key 'kind'; known are"),
    ("sweep-twice", SWEEP + "  streams:\n    - 4\n    - 4\n", "x.bench.yaml:9: sweep.streams: 4 has the same id as 4"),
    (
        "sweep-fixed",
        SWEEP + "  requests: [64]\n",
        "x.bench.yaml:7: sweep.requests: the workload gives it too (x.bench.ya",
    ),
    ("sweep-huge", SWEEP + f"  streams: {list(range(1, 1002))}\n", "x.bench.yaml:6: sweep: makes 1001 cases"),
]


def read(text: str, name: str = "x") -> Experiment:
    return read_experiment(parse(text, "x.bench.yaml"), name)


def ids(text: str) -> list[str]:
    return [point.id for point in read(text).points]


@pytest.mark.parametrize(("text", "words"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_experiment_says_where_and_what(text: str, words: str):
    """Each broken experiment is one error that begins with its `file:line` and says what was expected."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert words in str(caught.value)


def test_all_problems_of_a_file_are_said_at_once():
    """Two mistakes in a file are two lines of one error."""
    with pytest.raises(ConfigError, match=r"^x.bench.yaml:1: .*'nam'.*\nx.bench.yaml:3: rounds"):
        read("nam: x\nworkload: {kind: single}\nrounds: 0\n")


def test_an_experiment_is_the_same_workload_as_in_python():
    """YAML and Python give equal workloads, so one hash."""
    experiment = read("workload: {kind: single, requests: 4, prompt_tokens: 16, output_tokens: 4}\n")
    written = Single(requests=4, prompt_tokens=16, output_tokens=4)
    assert [point.workload for point in experiment.points] == [written]
    assert experiment.points[0].workload.describe() == written.describe()


def test_a_sweep_takes_each_with_each_in_the_order_written():
    """Two keys of two values make four cases, the last key fastest."""
    experiment = read(SWEEP + "  streams: [4, 1]\n  output_tokens: [8, 128]\n")
    assert [(point.id, point.workload) for point in experiment.points] == [
        (
            f"streams-{streams:02d}-output_tokens-{tokens:02d}",
            Concurrency(requests=64, prompt_tokens=32, streams=streams, output_tokens=tokens),
        )
        for streams in (4, 1)
        for tokens in (8, 128)
    ]


def test_a_longer_sweep_renames_no_case():
    """An id depends on its own value alone, so that a baseline stays a case's own."""
    assert ids(SWEEP + "  streams: [1, 16]\n") == ["streams-01", "streams-16"]
    longer = SWEEP.replace("requests: 64", "requests: 4096") + "  streams: [1, 16, 256, 4096]\n"
    assert ids(longer) == ["streams-01", "streams-16", "streams-256", "streams-4096"]


@pytest.mark.parametrize(
    ("written", "part"),
    [("0.5", "00.5"), ("2", "02"), ("2.0", "02"), ("10.25", "10.25"), ("100", "100")],
)
def test_numbers_with_a_fraction_read_well(written: str, part: str):
    """A rate's id has its figures as written, padded like a whole number."""
    assert ids(f"workload: {{kind: rate, requests: 4}}\nsweep: {{rate: [{written}]}}\n") == [f"rate-{part}"]


def test_words_and_paths_can_stand_in_ids():
    """What pytest or a shell would trip over becomes a dash."""
    text = "workload: {kind: single}\nsweep: {prompts: ['config/prompts/a b.jsonl', 'x::y[1]']}\n"
    assert ids(text) == ["prompts-config-prompts-a-b.jsonl", "prompts-x-y-1"]


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=8, unique=True))
@settings(deadline=None, derandomize=True)
def test_ids_tell_cases_apart(streams: list[int]):
    """Different values never share an id, and each id ends in its value."""
    found = ids(SWEEP.replace("requests: 64", "requests: 4000") + f"  streams: {streams}\n")
    assert len(set(found)) == len(streams)
    assert [int(each.removeprefix("streams-")) for each in found] == streams


@pytest.mark.parametrize(
    ("head", "name", "case", "function"),
    [
        ("", "x-y", "x-y", "test_x_y"),
        ("name: sweep-1.5\n", "sweep-1.5", "sweep-1.5", "test_sweep_1_5"),
        ("name: long-title\ncase: load\n", "long-title", "load", "test_load"),
        ("case: load\n", "x-y", "load", "test_load"),
    ],
)
def test_a_case_is_called_by_case_then_name_then_file(head: str, name: str, case: str, function: str):
    """`case` names the cases, else `name`, else the file; the test function is the same as an identifier."""
    experiment = read(head + "workload: {kind: single}\n", "x-y")
    assert (experiment.name, experiment.case, experiment.function) == (name, case, function)


def test_a_file_without_a_name_must_say_one():
    """A file called `.bench.yaml` needs `name:`."""
    with pytest.raises(ConfigError, match=r"x.bench.yaml:1: the file's name is empty; write `name:`"):
        read("workload: {kind: single}\n", "")


def test_a_key_without_a_value_drops_what_a_parent_gives():
    """`streams:` with nothing behind it frees the key for the sweep."""
    text = "workload: {kind: concurrency, requests: 8, streams: null}\nsweep: {streams: [2]}\n"
    assert ids(text) == ["streams-02"]


CONFIG = "models:\n  - {repo_id: org/Qwen3-8B, name: qwen3-8b}\n  - {path: 'builtin:tiny'}\n"


def settings_at(folder: Path, config: str | None) -> SimpleNamespace:
    if config is not None:
        (folder / "models.yaml").write_text(config)
    return SimpleNamespace(rootdir=folder, path=lambda _name: folder / "models.yaml")


@pytest.mark.parametrize(
    ("written", "names"),
    [("tiny", {"tiny"}), ("org/Qwen3-8B", {"qwen3-8b"}), ("other", {"other"}), ("'builtin:tiny'", {"tiny"})],
)
def test_models_are_named_as_for_the_command_line(tmp_path: Path, written: str, names: set[str]):
    """A name, a repository id or a path of the config will do, and so does a model that only the run names."""
    experiment = read(f"workload: {{kind: single}}\nmodels: [{written}]\n")
    assert wanted_models(experiment, settings_at(tmp_path, CONFIG), {"other"}) == names


def test_an_unknown_model_is_an_error_with_the_nearest(tmp_path: Path):
    """Every model that the config lacks is named with its line and the nearest one."""
    experiment = read("workload: {kind: single}\nmodels:\n  - tiny\n  - qwen3-8\n  - tinny\n")
    with pytest.raises(ConfigError) as caught:
        wanted_models(experiment, settings_at(tmp_path, CONFIG), {"tiny"})
    assert "x.bench.yaml:4: models: unknown model 'qwen3-8'; did you mean 'qwen3-8b'?" in str(caught.value)
    assert "x.bench.yaml:5: models: unknown model 'tinny'; did you mean 'tiny'?" in str(caught.value)


def test_without_a_config_the_runs_own_models_are_known(tmp_path: Path):
    """Where there is no config, the models of the run are the only ones."""
    experiment = read("workload: {kind: single}\nmodels: [served, tiny]\n")
    with pytest.raises(ConfigError, match="unknown model 'tiny'; known are served"):
        wanted_models(experiment, settings_at(tmp_path, None), {"served"})


EXAMPLES = sorted((Path(__file__).parents[2] / "benchmarks").glob("*.bench.yaml"))


def test_an_example_ships_for_every_workload():
    """Each workload has one example, whose cases no other example and no Python suite of ours is called."""
    experiments = [read_experiment(load(path, path.parent), path.name) for path in EXAMPLES]
    kinds = [experiment.points[0].workload.kind for experiment in experiments]
    assert sorted(kinds) == sorted(workload.kind for workload in WORKLOADS)
    suites = "".join(path.read_text() for path in EXAMPLES[0].parent.glob("test_*.py"))
    functions = [experiment.function for experiment in experiments]
    assert len(set(functions)) == len(functions)
    assert not [function for function in functions if f"def {function}(" in suites]
