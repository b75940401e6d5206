"""The JSON Schemas of what people write say what the readers say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pytest_inferbench.config.parse import parse
from pytest_inferbench.plan.json_schema import config_schema, experiment_schema

ROOT = Path(__file__).parents[2]
CONFIG = Draft202012Validator(config_schema())
EXPERIMENT = Draft202012Validator(experiment_schema())
MODEL = "models:\n  - repo_id: a/b\n"


def problems(validator, text):
    return [error.message for error in validator.iter_errors(parse(text, "x.yaml").plain())]


def documented():
    """Every config that the documentation shows."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)):
            if re.search(r"^models:", block, re.MULTILINE) and not re.search(r"^workload:", block, re.MULTILINE):
                yield pytest.param(block, id=f"{page.name}-{number}")


@pytest.mark.parametrize("schema", [config_schema(), experiment_schema()], ids=["config", "experiment"])
def test_they_are_schemas(schema):
    """Each is a valid schema of the protocol it names, with words beside the keys."""
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert '"description": ' in str(schema).replace("'", '"')


@pytest.mark.parametrize("text", [*documented()])
def test_documented_configs_are_valid(text):
    """Configs that the documentation shows are valid."""
    assert problems(CONFIG, text) == []


def test_the_shipped_config_is_valid():
    """The project's own config is valid."""
    assert problems(CONFIG, (ROOT / "config" / "models.yaml").read_text()) == []


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").rglob("*.bench.yaml")), ids=lambda path: path.stem)
def test_the_shipped_experiments_are_valid(path):
    """Every experiment that we ship is valid."""
    assert problems(EXPERIMENT, path.read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        MODEL + "    variants:\n    backend:\n",
        MODEL + "    backend: [vllm, llama-cpp]\n    backends: {llama-cpp: {args: {ngl: 9, anything_new: x}}}\n",
        MODEL + "    backends: {vllm: {memory: 8g, args: {max_model_len: 9}}}\n",
        "extends: [a.yaml, b.yaml]\ndefaults: {framework: vllm}\n",
    ],
    ids=["keys without a value", "aliases", "sizes with units", "a file that extends others"],
)
def test_what_the_reader_takes_is_valid(text):
    """Forms that people use are valid."""
    assert problems(CONFIG, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "modles: []\n",
        "models: []\n",
        MODEL + "    bakend: vllm\n",
        MODEL + "    backends: {vlm: {}}\n",
        MODEL + "    backends: {vllm: {image_type: built}}\n",
        MODEL + "    backends: {llama: {args: {enforce_eager: true}}}\n",
        MODEL + "    backends: {vllm: {args: {max_model_len: long}}}\n",
        MODEL + "    slo: {ttft_ms: 0}\n",
    ],
    ids=["key", "no model", "model's key", "backend", "choice", "foreign argument", "argument's type", "limit"],
)
def test_what_the_reader_refuses_is_invalid(text):
    """Mistakes that a reader without files can see are seen by an editor too."""
    assert problems(CONFIG, text)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("workload: {kind: concurrency, requests: 9}\nsweep: {streams: [1, 4]}\n", True),
        ("extends: base.yaml\nrounds: 3\n", True),
        ("workload: {kind: concurrency, requests: }\n", True),
        ("workload: {kind: concurency}\n", False),
        ("workload: {kind: concurrency, rate: 3}\n", False),
        ("workload: {kind: concurrency}\nsweep: {streams: 4}\n", False),
        ("workload: {kind: concurrency}\nsweep: {stream: [4]}\n", False),
        ("workload: {kind: single}\nround: 3\n", False),
    ],
)
def test_an_experiment_s_keys_are_those_of_its_workload(text, valid):
    """A key of another workload is invalid, in `workload` as in `sweep`."""
    assert (problems(EXPERIMENT, text) == []) is valid
