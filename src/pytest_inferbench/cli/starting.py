"""The texts of the starter project that depend on the model: its entry in the config, and the benchmark's counts.

Limits: what is named is planned as a benchmark would plan it; a server that cannot run here leaves the counts small and
is said, one that does not come up is an error, and nothing is written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from pytest_inferbench.cli.command import add_options, settings_of
from pytest_inferbench.errors import CellUnavailable, ConfigError

if TYPE_CHECKING:
    from pytest_inferbench.cli.sizing import Counts
    from pytest_inferbench.options import Settings
    from pytest_inferbench.plan.cell import Cell

CONFIG: Final = "config/models.yaml"
BENCHMARK: Final = "benchmarks/test_speed.py"
_TINY: Final = """\
  # Ships with the package (294 kB), served by the llama.cpp in its wheel: no Docker, GPU or download. Its weights are
  # random, so it is good for trying a suite, not for judging a server.
  - path: builtin:tiny
    name: tiny
"""


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name what is to be measured."""
    add_options(parser, "--model", "--backend", "--provision", "--server-url", "--bench-api-key-env")


def starter_values(arguments: argparse.Namespace, folder: Path) -> Mapping[str, str]:
    """What stands in the starter's files for `$model`, `$about`, `$single` and `$each`.

    Raises:
        ConfigError: what is named cannot be measured, or is more than one.
        InferbenchError: its server does not come up, or does not answer.
    """
    from pytest_inferbench.cli.sizing import STARTER  # noqa: PLC0415 - heavy

    counts, model = STARTER, _TINY
    if names_one(arguments):
        settings = settings_of(_from(folder, arguments), folder.absolute())
        counts, model = _choose_sizes(settings)
    return {"model": model, "about": counts.about, "single": str(counts.single), "each": str(counts.each)}


def names_one(arguments: argparse.Namespace) -> bool:
    """Whether the options name what is to be measured."""
    return bool(arguments.inferbench_model or arguments.inferbench_server_url)


def fill_template(text: str, values: Mapping[str, str]) -> str:
    """A file of the starter with its values."""
    return Template(text).substitute(values)


def instead(name: str, values: Mapping[str, str]) -> str:
    """What to write by hand into a file that is there already; "" where that is nothing."""
    if name == BENCHMARK:
        return (
            f"       for this: Single(requests={values['single']}), Concurrency(requests={values['each']} * streams)\n"
        )
    return "       add to it:\n" + values["model"] if name == CONFIG else ""


def _from(folder: Path, arguments: argparse.Namespace) -> argparse.Namespace:
    """The arguments with paths as the project in `folder` reads them."""
    if folder.absolute() != Path.cwd():
        models = [Path(name).expanduser() for name in arguments.inferbench_model or ()]
        absolute = [str(path.absolute()) if path.exists() else str(path) for path in models]
        arguments.inferbench_model = absolute or None
    return arguments


def _choose_sizes(settings: Settings) -> tuple[Counts, str]:
    """The counts for what the options name, said as they are found, and its entry in the config."""
    from pytest_inferbench.cli.pacing import find_pace  # noqa: PLC0415 - heavy
    from pytest_inferbench.cli.sizing import counts_for, length, requests_for  # noqa: PLC0415 - heavy
    from pytest_inferbench.plan.cells import plan_cells  # noqa: PLC0415 - heavy

    cell, *others = plan_cells(settings)
    if others:
        raise ConfigError(f"{', '.join(one.id for one in (cell, *others))}: name one, with --model and --backend")
    served = cell.served_model
    try:
        pace, served = find_pace(cell, settings, _said_once())
    except CellUnavailable as reason:
        pace = None
        _say(f"not measured: {reason}")
    name = served if cell.url is not None else cell.model
    counts = counts_for(name, pace)
    if pace is not None:
        _say(
            f"{name} answers {pace.alone:.3g} requests/s one at a time, {pace.together:.3g}/s to 4 users: "
            f"{counts.single} requests a user and round, {length(pace.session_s(requests_for(pace)))} a session"
        )
    return counts, _entry(cell, served, settings)


def _entry(cell: Cell, served: str, settings: Settings) -> str:
    """The model as `config/models.yaml` has it; JSON strings are YAML's."""
    from pytest_inferbench.models.location import is_builtin  # noqa: PLC0415 - heavy

    if cell.url is not None:
        keys = {"url": json.dumps(cell.url)}
        keys |= {"api_key": f'"${{{settings.api_key_env}}}"'} if settings.api_key_env else {}
        lines = [f"- repo_id: {json.dumps(served)}", f"  backend: {cell.backend}"]
    else:
        keys = {"provision": settings.provision} if settings.provision else {}
        here = is_builtin(cell.location) or (settings.rootdir / Path(cell.location).expanduser()).exists()
        lines = [f"- {'path' if here else 'repo_id'}: {json.dumps(cell.location)}", f"  backend: {cell.backend}"]
    if keys:
        inner = ", ".join(f"{key}: {value}" for key, value in keys.items())
        lines.append(f"  backends: {{{cell.backend}: {{{inner}}}}}")
    return "\n".join(f"  {line}" for line in lines) + "\n"


def _said_once() -> Callable[[str], None]:
    """Says what is waited for where it is something else than before."""
    last = ""

    def say(text: str) -> None:
        nonlocal last
        if text != last:
            last = text
            _say(f"{text} ...")

    return say


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
