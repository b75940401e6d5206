"""`inferbench doctor`: what it says of machines that lack something."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.devices import FakeDevices
from pytest_inferbench.cli.checks import Machine, State, examine, free_bytes
from pytest_inferbench.cli.main import main
from pytest_inferbench.errors import CellUnavailable
from pytest_inferbench.options import OPTIONS, Setting, Settings
from pytest_inferbench.servers.docker_engine import EngineFacts

LLAMA = "models:\n  - {path: 'builtin:tiny', backend: llama, backends: {llama: {%s}}}\n"


class Installed:
    """A machine with the xllamacpp wheel, or without anything."""

    def __init__(self, wheel):
        self.wheel = wheel

    def program(self, name):
        return None

    def python_of(self, program):
        return None

    def package(self, python, name):
        return self.wheel if name == "xllamacpp" else None

    def output(self, argv):
        return ""


class Engine:
    """An engine that says what it is."""

    def __init__(self, *, gives_gpus=False):
        self.gives_gpus = gives_gpus

    def facts(self):
        return EngineFacts("29.1", "/var/lib/docker", self.gives_gpus)


def no_engine():
    raise CellUnavailable("no Docker engine answers (no socket); start it")


@pytest.fixture
def findings(tmp_path, monkeypatch):
    """Examine a project with a config on a machine; the findings by what they are about."""
    monkeypatch.setenv("INFERBENCH_CACHE", str(tmp_path / "cache"))

    def run(config=None, *, wheel="2026.10.11549", gpus=0, engine=None, environ=None, free=77e9):
        if config is not None:
            (tmp_path / "config").mkdir()
            (tmp_path / "config" / "models.yaml").write_text(config)
        machine = Machine(
            Installed(wheel),
            FakeDevices(gpus),
            no_engine if engine is None else lambda: engine,
            {"HF_HOME": str(tmp_path / "hub"), **(environ or {})},
            lambda _: int(free),
        )
        values = {option.dest: Setting(option.default, "default") for option in OPTIONS}
        return {one.about: one for one in examine(Settings(values, tmp_path), machine)}

    return run


def test_a_machine_that_has_all_is_well(findings):
    """With GPUs, an engine that gives them, space and a token nothing needs mending."""
    found = findings(LLAMA % "", gpus=2, engine=Engine(gives_gpus=True), environ={"HF_TOKEN": "hf_secret"})
    assert {one.state for one in found.values()} == {State.OK}
    assert found["server llama-installed-tiny"].seen == "b11549 is installed"
    assert found["GPUs"].seen == "2 x NVIDIA H200 (151 GB)"
    assert "hf_secret" not in str(found)


def test_without_a_project_only_the_machine_is_looked_at(findings):
    """Where there is no config a note says how to get one, and nothing is a problem."""
    found = findings()
    assert found["config"].state is State.NOTE
    assert "inferbench init" in found["config"].remedy
    assert State.PROBLEM not in {one.state for one in found.values()}


@pytest.mark.parametrize(
    ("config", "machine", "about", "words"),
    [
        ("models: [\n", {}, "config", "config/models.yaml:"),
        (LLAMA % "", {"wheel": None}, "server llama-installed-tiny", "pip install 'pytest-inferbench[embedded]'"),
        (LLAMA % "version: b1", {}, "server llama-b1-tiny", "b11549 is installed, b1 is asked for"),
        ("models:\n  - {repo_id: o/m, backend: llama}\n", {}, "server llama-installed-m", "inferbench fetch --model m"),
        (LLAMA % "url: 'http://h', api_key: '${NO_KEY}'", {}, "api_key", "names NO_KEY, which is not set"),
        (LLAMA % "provision: docker", {}, "Docker", "start it"),
        (LLAMA % "provision: docker", {"gpus": 1, "engine": Engine()}, "Docker GPUs", "container toolkit"),
    ],
)
def test_what_the_config_needs_and_is_not_there_is_a_problem(findings, config, machine, about, words):
    """Each problem is told with what was seen and how to mend it."""
    one = findings(config, **machine)[about]
    assert one.state is State.PROBLEM
    assert words in one.text()
    assert one.remedy


@pytest.mark.parametrize(
    ("machine", "about", "words"),
    [
        ({}, "Docker", "no Docker engine answers"),
        ({}, "GPUs", "no NVIDIA driver is loaded"),
        ({}, "token", "export HF_TOKEN"),
        ({"free": 3e9}, "disk for models", "3 GB free"),
        ({"free": 3e9}, "disk for results", "--bench-results"),
        ({"gpus": 1, "engine": Engine()}, "Docker GPUs", "container toolkit"),
    ],
)
def test_what_is_not_needed_is_a_note(findings, machine, about, words):
    """What nothing in the config needs is worth knowing and no more."""
    one = findings(LLAMA % "", **machine)[about]
    assert one.state is State.NOTE
    assert words in one.text()


def test_free_space_of_a_folder_that_is_not_there_yet(tmp_path):
    """The disk that will hold the folder is meant."""
    assert free_bytes(tmp_path / "no" / "such" / "folder") > 0


def test_the_command_says_it_in_lines_of_80_columns(tmp_path, monkeypatch, capsys):
    """A state in front of each line, the remedy below; a problem is exit status 1, else 0."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main(["doctor", "--model", "builtin:tiny", "--provision", "process", "--backend", "vlllm"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("PROBLEM  config: --backend: unknown backend 'vlllm'") for line in lines)
    assert lines[-1] == "1 problem"
    assert max(map(len, lines)) <= 80
    assert all(line == line.rstrip() for line in lines)
    assert main(["doctor", "--model", "builtin:tiny", "--backend", "llama"]) == 0
    assert not Path(tmp_path, "perf").exists()
