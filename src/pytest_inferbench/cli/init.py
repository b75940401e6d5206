"""`inferbench init`: a starter project that passes its own `pytest benchmarks` at once.

Law: never writes over a file; what is there is kept and said. The files are those in `starter/`, as they are.
"""

from __future__ import annotations

import argparse
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

from pytest_inferbench.cli.command import Command
from pytest_inferbench.errors import ConfigError

_FILES: Final = {
    "config/models.yaml": "models.yaml",
    "benchmarks/test_speed.py": "test_speed.py.txt",
    "benchmarks/baselines/README.md": "baselines.md",
    ".github/workflows/benchmarks.yml": "workflow.yml",
    ".gitignore": "gitignore",
    ".gitattributes": "gitattributes",
    "pytest.ini": "pytest.ini",
}
# Where pytest finds its settings, and with them the folder that paths start from; one of them suffices.
_PYTEST_FILES: Final = ("pytest.toml", ".pytest.toml", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default=".", help="The project's folder; made where it is missing.")


def _run(arguments: argparse.Namespace) -> int:
    folder = Path(arguments.folder).expanduser()
    starter = files("pytest_inferbench.cli").joinpath("starter")
    for name, resource in _FILES.items():
        there = _there(folder, name)
        if there is None:
            _write(folder / name, starter.joinpath(resource).read_text(encoding="utf-8"))
        sys.stdout.write(f"wrote  {name}\n" if there is None else f"kept   {there}\n")
        merged = starter.joinpath(_FILES[".gitattributes"]).read_text(encoding="utf-8").strip()
        if there == ".gitattributes" and merged not in (folder / there).read_text(encoding="utf-8", errors="replace"):
            sys.stdout.write(f"       add to it, so that branches that both record merge: {merged}\n")
    first = "" if folder.resolve() == Path.cwd() else f"cd {folder}; "
    sys.stdout.write(f"\nnow: {first}pytest benchmarks\n")
    return 0


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
    help="write a starter project: config, a benchmark, baselines folder, CI recipe",
    description=(
        "Write a project that measures a llama.cpp server at once: config, a benchmark, a folder for baselines and a "
        "recipe for CI. Files that are there are kept as they are."
    ),
    arguments=_arguments,
    run=_run,
)
