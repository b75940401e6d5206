"""`inferbench init`: what it writes, what it leaves alone, and that the project works as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_inferbench.cli.main import main
from pytest_inferbench.config.load import load
from pytest_inferbench.config.validate import validate
from pytest_inferbench.plan.schema import ModelsFile


def test_it_writes_a_project(tmp_path, capsys):
    """Config, benchmark and baselines folder are there and well-formed, and the next step is said; no recipe is."""
    folder = tmp_path / "new" / "project"
    assert main(["init", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert f"\nnow: cd {folder}; pytest benchmarks\nsized for the built-in model; for your own: init --model" in shown
    config = validate(ModelsFile, load(folder / "config" / "models.yaml", folder))
    assert [model.path for model in config.models] == ["builtin:tiny"]
    assert (folder / "benchmarks" / "baselines").is_dir()
    assert (folder / ".gitattributes").read_text() == "benchmarks/baselines/*/*.jsonl merge=union\n"
    assert all(f"wrote  {one}" in shown for one in ("config/models.yaml", "benchmarks/test_speed.py", "pytest.ini"))
    assert not list(folder.glob(".git[hl]*"))


@pytest.mark.parametrize(
    ("system", "written"),
    [
        ("github", [".github/workflows/benchmarks-gate.yml", ".github/workflows/benchmarks-nightly.yml"]),
        ("gitlab", [".gitlab/benchmarks.yml"]),
    ],
)
def test_ci_adds_the_recipes_of_a_system(tmp_path, monkeypatch, capsys, system, written):
    """In a project that is there already, too; what is to be filled in is said."""
    monkeypatch.chdir(tmp_path)
    main(["init"])
    capsys.readouterr()
    assert main(["init", "--ci", system]) == 0
    shown = capsys.readouterr().out
    assert all(Path(one).exists() and f"wrote  {one}\n" in shown for one in written)
    assert shown.endswith(f"then: what pip installs, the machine's name and its label, in {', '.join(written)}\n")


def test_a_pipeline_that_is_there_is_kept(tmp_path, monkeypatch, capsys):
    """GitLab has one file for all jobs: the line that takes ours in is told, until it is there."""
    monkeypatch.chdir(tmp_path)
    Path(".gitlab-ci.yml").write_text("test: {script: [make test]}\n")
    assert main(["init", "--ci", "gitlab"]) == 0
    advice = "       add to it, below `include:`: - local: .gitlab/benchmarks.yml\n"
    assert f"kept   .gitlab-ci.yml\n{advice}" in capsys.readouterr().out
    Path(".gitlab-ci.yml").write_text("include:\n  - local: .gitlab/benchmarks.yml\n")
    assert main(["init", "--ci", "gitlab"]) == 0
    assert "add to it" not in capsys.readouterr().out


def test_it_never_writes_over_a_file(tmp_path, monkeypatch, capsys):
    """What is there is kept and said, pytest's settings in other files too."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("config/models.yaml").write_text("mine\n")
    Path("pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    Path(".gitattributes").write_text("*.png binary\n")
    assert main(["init"]) == 0
    shown = capsys.readouterr().out
    assert Path("config/models.yaml").read_text() == "mine\n"
    assert not Path("pytest.ini").exists()
    assert "kept   config/models.yaml\n" in shown
    assert "kept   pyproject.toml\n" in shown
    hint = "       add to it, so that branches that both record merge: benchmarks/baselines/*/*.jsonl merge=union\n"
    assert f"kept   .gitattributes\n{hint}" in shown
    assert main(["init"]) == 0
    assert "wrote" not in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_a_mistake(tmp_path, capsys):
    """One line that names the file and the reason."""
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / "file")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "file/config/models.yaml: cannot be written: Not a directory" in said


@pytest.mark.e2e
def test_the_project_passes_its_own_benchmarks(tmp_path):
    """`pytest benchmarks` in the new project measures a real server and passes, and leaves git nothing to add."""
    pytest.importorskip("xllamacpp")
    assert main(["init", str(tmp_path)]) == 0
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "benchmarks", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
    assert list((tmp_path / "perf").glob("*/run.json"))
