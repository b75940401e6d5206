"""The recipes' files: well-formed for their systems, one text for each step, and shown by docs/ci.md as they are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
STARTER = ROOT / "src/pytest_inferbench/cli/starter"
ACTION, COMPONENT = ROOT / "action.yml", ROOT / "templates/benchmarks.yml"
GITHUB = [STARTER / "github-gate.yml", STARTER / "github-nightly.yml"]
PAGE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, flags=re.DOTALL)


def read(path):
    return YAML(typ="safe").load(path)


def check(schema, *files):
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        *[("github-workflows", path) for path in GITHUB],
        ("github-actions", ACTION),
        ("gitlab-ci", STARTER / "gitlab.yml"),
        ("gitlab-ci", STARTER / "gitlab-ci.yml"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_files_follow_the_published_schemas(schema, path):
    """GitHub's and GitLab's own schemas accept every file."""
    check(schema, path)


def test_the_component_follows_the_schema(tmp_path):
    """Its two documents: the inputs, and the jobs."""
    _, jobs = COMPONENT.read_text().split("\n---\n")
    (tmp_path / "jobs.yml").write_text(jobs)
    check("gitlab-ci", tmp_path / "jobs.yml")


@pytest.mark.parametrize("schema", ["github-workflows", "gitlab-ci"])
def test_snippets_of_the_page_follow_the_schemas(schema, tmp_path):
    """What is shown in part is put into the smallest whole."""
    found = 0
    for language, text in BLOCKS:
        if language != "yaml":
            continue
        shown = YAML(typ="safe").load(text)
        jobs = {"jobs": {"a": {"runs-on": "x", "steps": shown}}, "on": "push"} if isinstance(shown, list) else shown
        if ("jobs" in jobs) == (schema == "github-workflows"):
            found += 1
            (tmp_path / "shown.yml").write_text("")
            YAML().dump(jobs, tmp_path / "shown.yml")
            check(schema, tmp_path / "shown.yml")
    assert found >= 2


def test_the_component_is_the_recipe_with_inputs():
    """With the recipe's values for its inputs it is the recipe, so that neither can drift."""
    head, jobs = COMPONENT.read_text().split("\n---\n")
    values = {"package": "pytest-inferbench[embedded]", "hardware": "lab-1", "tag": "lab-1", "gate_options": ""}
    assert read(head)["spec"]["inputs"].keys() == values.keys()
    for name, value in values.items():
        jobs = jobs.replace(f"$[[ inputs.{name} ]]", value)
    assert read(jobs) == read(STARTER / "gitlab.yml")


def test_the_action_has_the_recipes_steps():
    """Each step of both workflows after the checkout is the action's of that name, and the action has no other."""
    workflows = [step for path in GITHUB for job in read(path)["jobs"].values() for step in job["steps"][1:]]
    steps = {step["name"]: step for step in read(ACTION)["runs"]["steps"]}
    assert {step["name"] for step in workflows} == steps.keys()
    asked = {"Measure and gate", "Measure and record"}  # each only where the input says so
    for step in workflows:
        same = {key: step.get(key) for key in ("run", "uses", "with", *(() if step["name"] in asked else ("if",)))}
        assert same == {key: steps[step["name"]].get(key) for key in same}


def test_the_page_names_what_there_is():
    """Each file of the recipes, and inputs that the action and the component have."""
    for name in ("benchmarks-gate.yml", "benchmarks-nightly.yml", "templates/benchmarks.yml", "action.yml"):
        assert name in PAGE
    given = {}
    for language, text in BLOCKS:
        for use in re.findall(r"uses: OWNER.*?with:\n(.*)", text, flags=re.DOTALL) if language == "yaml" else ():
            given["action"] = set(re.findall(r"^ +(\w+):", use, flags=re.MULTILINE))
        for use in re.findall(r"inputs:\n(.*)", text, flags=re.DOTALL):
            given["component"] = set(re.findall(r"^ +(\w+):", use, flags=re.MULTILINE))
    inputs = read(COMPONENT.read_text().split("\n---\n")[0])["spec"]["inputs"]
    assert given["action"] <= read(ACTION)["inputs"].keys()
    assert {name for name, about in inputs.items() if "default" not in about} <= given["component"] <= inputs.keys()
