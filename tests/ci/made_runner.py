"""A repository on a server, and runners that carry out the recipes' shell as it stands, each job in a fresh clone.

Idea: a recipe is read from the clone, as the forge would; `run:` and `script:` go to bash with the environment that a
runner makes. Only what a forge itself does is stood in for: the checkout, the artefact store, the few conditions. For
the index stands a wheel that points at this environment, so `pip install` is real and needs no network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pytest_inferbench.cli.main import main

PACKAGE = "INFERBENCH: pytest-inferbench[embedded]"
_IDENTITY = {f"GIT_{who}_{what}": "p@example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
_OURS = "https://oauth2:secret@gitlab.example/group/project.git"


@dataclass
class Job:
    """What became of one job.

    Attributes:
        folder: its clone.
        outcomes: step, by its id or name -> "success", "failure" or "skipped".
        said: the same -> what it printed.
        summary: what it wrote for its page.
        kept: files that it hands to the artefact store, as paths from its clone.
    """

    folder: Path
    outcomes: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    kept: list[str] = field(default_factory=list)

    @property
    def green(self) -> bool:
        """Whether the forge shows it so."""
        return "failure" not in self.outcomes.values()


class Forge:
    """A bare repository, and machines that run its jobs.

    Args:
        folder: an empty one.
        system: whose recipes `inferbench init --ci` writes into it.
        config: the text of its models.
        suite: of its benchmarks.
        conftest: of its conftest.
    """

    def __init__(self, folder: Path, system: str, config: str, suite: str, conftest: str = "") -> None:
        self._folder = folder
        self.origin = folder / "origin.git"
        self._jobs = 0
        self._bin = folder / "bin"
        self._bin.mkdir(parents=True)
        (self._bin / "python3").symlink_to(sys.executable)
        (folder / "home").mkdir()
        (folder / "home/.gitconfig").write_text(f'[url "{self.origin}"]\n\tinsteadOf = {_OURS}\n')
        self.git(folder, "init", "-q", "--bare", "-b", "main", str(self.origin))
        people = self.clone("people")
        self.git(people, "switch", "-q", "-c", "main")
        assert main(["init", str(people), "--ci", system]) == 0
        for recipe in [*people.glob(".github/workflows/*"), *people.glob(".gitlab/*")]:
            text = recipe.read_text()
            assert PACKAGE in text
            recipe.write_text(text.replace(PACKAGE, f"INFERBENCH: {self._wheel()}"))
        (people / "config/models.yaml").write_text(config)
        (people / "benchmarks/test_speed.py").write_text(suite)
        (people / "conftest.py").write_text(conftest)
        (people / "pytest.ini").write_text("[pytest]\ntestpaths = benchmarks\ninferbench_rounds = 2\n")
        self.commit(people, "a suite")

    def git(self, folder: Path, *arguments: str) -> str:
        """What git printed, for people."""
        environ = {**os.environ, **_IDENTITY, "HOME": str(self._folder / "home")}
        return subprocess.run(
            ["git", "-C", folder, *arguments], env=environ, capture_output=True, text=True, check=True
        ).stdout

    def clone(self, name: str, branch: str | None = None) -> Path:
        """A clone for people."""
        self.git(self._folder, "clone", "-q", *(["-b", branch] if branch else []), self.origin.as_uri(), name)
        return self._folder / name

    def commit(self, clone: Path, message: str) -> None:
        """All of a clone's work tree to the server."""
        self.git(clone, "add", "-A")
        self.git(clone, "commit", "-q", "-m", message)
        self.git(clone, "push", "-q", "origin", "HEAD")

    def github(self, recipe: str, *, installed: bool = False, branch: str = "main", **environ: str) -> Job:
        """Run a workflow's one job.

        Args:
            recipe: the workflow's name.
            installed: whether the machine has kept the environment of an earlier job, to save its making here.
            branch: what is checked out.
            environ: more for each step.
        """
        job = self._checkout(branch)
        workflow = YAML(typ="safe").load(job.folder / f".github/workflows/{recipe}.yml")
        (steps,) = (each["steps"] for each in workflow["jobs"].values())
        assert steps[0]["uses"].startswith("actions/checkout@")
        self.steps(job, steps[1:], installed=installed, environ={**(workflow.get("env") or {}), **environ})
        return job

    def action(self, action: dict[str, Any], inputs: dict[str, str], **environ: str) -> Job:
        """Run the steps of a composite action in a fresh clone."""
        job = self._checkout("main")
        known = {f"inputs.{name}": value for name, value in inputs.items()}
        known["github.action_path"] = str(self._wheel()).removesuffix("[embedded]")
        self.steps(job, action["runs"]["steps"], inputs=inputs, known=known, environ=environ)
        return job

    def steps(self, job: Job, steps, *, environ, installed=False, inputs=None, known=None) -> None:
        """Carry out the steps of a job after its checkout, as GitHub's runner does."""
        for name in ("path", "summary", "output"):
            (job.folder.parent / f"{job.folder.name}.{name}").touch()
        files = {name: job.folder.parent / f"{job.folder.name}.{name}" for name in ("path", "summary", "output")}
        temp = self._folder / "runner-temp"
        temp.mkdir(exist_ok=True)
        if installed:
            files["path"].write_text(f"{temp}/inferbench/bin\n")
        for step in steps:
            name = step.get("id") or step["name"]
            if (installed and name == "Install") or not _goes_on(step.get("if"), job, inputs or {}):
                job.outcomes[name] = "skipped"
                continue
            if "uses" in step:
                assert step["uses"].startswith("actions/upload-artifact@")
                job.kept = _kept(job.folder, step["with"]["path"].split())
                continue
            own = {key: _filled(value, known or {}) for key, value in step.get("env", {}).items()}
            runner = {
                "GITHUB_ACTIONS": "true",
                "GITHUB_PATH": str(files["path"]),
                "GITHUB_STEP_SUMMARY": str(files["summary"]),
                "GITHUB_OUTPUT": str(files["output"]),
                "RUNNER_TEMP": str(temp),
            }
            path = ":".join([*reversed(files["path"].read_text().split()), self._path])
            flags = ["--noprofile", "--norc", "-eo", "pipefail"] if "shell" in step else ["-e"]
            self._bash(job, name, flags, step["run"], {**runner, **environ, **own, "PATH": path})
        job.summary = files["summary"].read_text()

    def gitlab(self, name: str, *, branch: str = "main", **environ: str) -> Job:
        """Run one job of the recipe, as GitLab's runner does: one shell, ended by the first line that fails."""
        job = self._checkout(branch)
        jobs = YAML(typ="safe").load(job.folder / ".gitlab/benchmarks.yml")
        own, parent = jobs[name], jobs[jobs[name]["extends"]]
        runner = {
            "GITLAB_CI": "true",
            "CI_PROJECT_DIR": str(job.folder),
            "CI_SERVER_PROTOCOL": "https",
            "CI_REPOSITORY_URL": "https://gitlab-ci-token:other@gitlab.example/group/project.git",
        }
        variables = {**parent["variables"], **own.get("variables", {})}
        script = "\n".join([*parent["before_script"], *own["script"]])
        self._bash(job, name, ["-eo", "pipefail"], script, {**runner, **variables, **environ, "PATH": self._path})
        job.kept = _kept(job.folder, [*parent["artifacts"]["paths"], *parent["artifacts"]["reports"].values()])
        return job

    @property
    def _path(self) -> str:
        return f"{self._bin}:/usr/local/bin:/usr/bin:/bin"

    def _checkout(self, branch: str) -> Job:
        self._jobs += 1
        folder = self.clone(f"job-{self._jobs}", branch)
        self.git(folder, "checkout", "-q", "--detach")
        return Job(folder)

    def _bash(self, job: Job, name: str, flags: list[str], script: str, environ: dict[str, str]) -> None:
        file = self._folder / "step.sh"
        file.write_text(script)
        fixed = {
            "CI": "true",
            "HOME": str(self._folder / "home"),
            "COLUMNS": "200",
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "INFERBENCH_CACHE": str(self._folder / "cache"),
        }
        done = subprocess.run(
            ["bash", *flags, file],
            cwd=job.folder,
            env={**fixed, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        job.outcomes[name] = "failure" if done.returncode else "success"
        job.said[name] = done.stdout

    def _wheel(self) -> Path:
        """A package that brings what is installed here, with the two commands."""
        path = self._folder / "standin-1-py3-none-any.whl"
        info = "standin-1.dist-info"
        commands = "pytest = pytest:main\ninferbench = pytest_inferbench.cli.main:main\n"
        texts = {
            "standin.pth": f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n",
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: standin\nVersion: 1\nProvides-Extra: embedded\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: here\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/entry_points.txt": f"[console_scripts]\n{commands}",
            f"{info}/RECORD": "",
        }
        with zipfile.ZipFile(path, "w") as wheel:
            for name, text in texts.items():
                wheel.writestr(name, text)
        return path


def _goes_on(condition: str | None, job: Job, inputs: dict[str, str]) -> bool:
    """Whether a step is carried out; only what the recipes ask is known."""
    match condition:
        case None:
            return job.green
        case "always()":
            return True
        case "${{ !cancelled() && steps.measure.outcome != 'skipped' }}":
            return job.outcomes.get("measure", "skipped") != "skipped"
        case "inputs.record == 'true'" | "inputs.record != 'true'":
            return job.green and (inputs["record"] == "true") == ("==" in condition)
    raise AssertionError(condition)


def _filled(value: str, known: dict[str, str]) -> str:
    """The text with the action's `${{ ... }}` filled in."""
    for name, text in known.items():
        value = value.replace(f"${{{{ {name} }}}}", text)
    assert "${{" not in value
    return value


def _kept(folder: Path, paths: list[str]) -> list[str]:
    found = [each for path in paths for each in ((folder / path).rglob("*") if path[-1] == "/" else [folder / path])]
    return sorted({str(each.relative_to(folder)) for each in found if each.is_file()})
