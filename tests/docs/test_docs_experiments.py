"""The page of experiment keys: its tables are today's schema, its files are experiments that the reader takes."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from pytest_inferbench.config.load import load
from pytest_inferbench.plan.experiment import ExperimentFile, read_experiment
from pytest_inferbench.workloads.catalogue import WORKLOADS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
SCRIPT = runpy.run_path(str(ROOT / "scripts/experiment_keys.py"))
TABLES = SCRIPT["tables"]()
FILES = dict(re.findall(r"^```yaml\n# benchmarks/(\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
CASES = {
    "answers": ("test_answers", [""]),
    "lengths": ("test_lengths", [f"streams-0{n}-output_tokens-{m}" for n in (1, 4) for m in (16, 64)]),
    "long_answers": ("test_long_answers", [""]),
    "renamed": ("test_four_users", [""]),
    "only_tiny": ("test_only_tiny", [""]),
    "promised": ("test_promised", [""]),
    "watched": ("test_watched", [""]),
}


def test_the_tables_are_today_s():
    """Every key is on the page with today's type, default and meaning, each table once."""
    assert re.findall(r"<!-- keys of (\S+) -->", PAGE) == list(TABLES)
    assert SCRIPT["page"](PAGE) == PAGE, "run python scripts/experiment_keys.py"


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.kind)
def test_a_workload_s_table_has_its_keys(workload):
    """A row for each option with its default, and none for another key."""
    rows = re.findall(r"^\| `(\w+)` \| .* \| ([^|]*) \| [^|]+ \|$", TABLES[workload.kind], re.MULTILINE)
    assert {key for key, _ in rows} == set(workload.model_fields)
    for key, default in rows:
        field = workload.model_fields[key]
        expected = "**required**" if field.is_required() else str("" if field.default is None else field.default)
        assert default.strip() == expected.removesuffix(".0")


def test_the_file_s_table_has_its_keys():
    """All keys of a file, with the one that is followed before it is read."""
    keys = re.findall(r"^\| `(\w+)` ", TABLES["file"], re.MULTILINE)
    assert set(keys) == {"extends", *ExperimentFile.model_fields}


def test_every_file_is_an_experiment(tmp_path):
    """Each file of the page is read, beside the others, into the cases that its text says."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    names = [name.removesuffix(".bench.yaml") for name in FILES if name.endswith(".bench.yaml")]
    assert names == list(CASES)
    for name in names:
        experiment = read_experiment(load(tmp_path / f"{name}.bench.yaml", tmp_path), name)
        assert (experiment.function, [point.id for point in experiment.points]) == CASES[name]
        if "extends: common.yaml" in FILES[f"{name}.bench.yaml"]:
            assert experiment.rounds == 3
