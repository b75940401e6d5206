"""`inferbench init`: a starter project that passes its own `pytest benchmarks` at once.

Limits: never writes over a file; what is there is kept and said. The files are those in `starter/`, with what
`starting` says of the model.
"""

from __future__ import annotations

import argparse
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

from pytest_inferbench.cli.command import Command
from pytest_inferbench.cli.starting import (
    BENCHMARK,
    CONFIG,
    add_model_options,
    fill_template,
    instead,
    names_one,
    starter_values,
)
from pytest_inferbench.errors import ConfigError

_FILES: Final = {
    "config/models.yaml": "models.yaml",
    "benchmarks/test_speed.py": "test_speed.py.txt",
    "benchmarks/baselines/README.md": "baselines.md",
    ".gitignore": "gitignore",
    ".gitattributes": "gitattributes",
    "pytest.ini": "pytest.ini",
}
_CI: Final = {
    "github": {
        ".github/workflows/benchmarks-gate.yml": "github-gate.yml",
        ".github/workflows/benchmarks-nightly.yml": "github-nightly.yml",
    },
    "gitlab": {".gitlab/benchmarks.yml": "gitlab.yml", ".gitlab-ci.yml": "gitlab-ci.yml"},
}
_SESSIONS: Final = "# Sessions lie on a branch of their own\n/benchmarks/baselines/*/*.jsonl\n"
"""What a pipeline's project ignores besides: a `git add -A` would put them on the suite's branch, too."""
# Files of several owners -> what to do with the line that ours has.
_SHARED: Final = {
    ".gitignore": "add to it, so that nobody commits the sessions that are pulled",
    ".gitattributes": "add to it, so that branches that both record merge",
    ".gitlab-ci.yml": "add to it, below `include:`",
}
# Where pytest finds its settings, and with them the folder that paths start from; one of them suffices.
_PYTEST_FILES: Final = ("pytest.toml", ".pytest.toml", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default=".", help="The project's folder; made where it is missing.")
    parser.add_argument(
        "--ci", choices=sorted(_CI), help="Add the recipes of this CI system: a gate, and a night that records."
    )
    add_model_options(parser)


def _run(arguments: argparse.Namespace) -> int:
    folder = Path(arguments.folder).expanduser()
    starter = files("pytest_inferbench.cli").joinpath("starter")
    values = starter_values(arguments, folder)
    for name, resource in {**_FILES, **_CI.get(arguments.ci, {})}.items():
        text = starter.joinpath(resource).read_text(encoding="utf-8")
        text = fill_template(text, values) if name in {CONFIG, BENCHMARK} else text
        text += _SESSIONS if name == ".gitignore" and arguments.ci is not None else ""
        there = _there(folder, name)
        if there is None:
            _write(folder / name, text)
        sys.stdout.write(f"wrote  {name}\n" if there is None else f"kept   {there}\n")
        if there is not None:
            sys.stdout.write(instead(name, values) if names_one(arguments) else "")
            sys.stdout.write("" if name == ".gitignore" and arguments.ci is None else _advice(folder / there, text))
    first = "" if folder.resolve() == Path.cwd() else f"cd {folder}; "
    sys.stdout.write(f"\nnow: {first}pytest benchmarks\n")
    if not names_one(arguments):
        sys.stdout.write("sized for the built-in model; for your own: init --model MODEL, or init --server-url URL\n")
    if arguments.ci is not None:
        own = ", ".join(name for name in _CI[arguments.ci] if name not in _SHARED)
        sys.stdout.write(f"then: what pip installs, the machine's name and its label, in {own}\n")
    return 0


def _advice(path: Path, text: str) -> str:
    """The line to add to a file of several owners that is kept, where it lacks it."""
    line = text.strip().splitlines()[-1].strip()
    if path.name not in _SHARED or line in path.read_text(encoding="utf-8", errors="replace"):
        return ""
    return f"       {_SHARED[path.name]}: {line}\n"


def _there(folder: Path, name: str) -> str | None:
    """The file that is there in place of `name`; None where there is none."""
    names = (name, *_PYTEST_FILES) if name == "pytest.ini" else (name,)
    return next((one for one in names if (folder / one).exists()), None)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}; name another folder") from None


INIT = Command(
    name="init",
    help="write a starter project: config, a benchmark, baselines folder, CI recipes",
    description=(
        "Write a project that measures a llama.cpp server at once: config, a benchmark, a folder for baselines and, "
        "with --ci, recipes for CI. Files that are there are kept. What --model or --server-url names is measured in "
        "its place: it is asked how fast it answers, and gets as many requests as make about two minutes a session."
    ),
    arguments=_arguments,
    run=_run,
)
