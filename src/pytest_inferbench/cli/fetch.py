"""`inferbench fetch`: the models of the config from their hub, whole and checked, before a run needs them.

Limits: only the files that a backend needs; what is there is not fetched again.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from pytest_inferbench.cli.command import Command, add_options, settings_of

if TYPE_CHECKING:
    from pytest_inferbench.backends.backend import ModelFormat
    from pytest_inferbench.plan.cell import Cell

_MB = 1e6


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_options(parser, "--model", "--backend", "--bench-config")


def _run(arguments: argparse.Namespace) -> int:
    from pytest_inferbench.backends.catalogue import backend_named  # noqa: PLC0415 - heavy
    from pytest_inferbench.config.variables import content  # noqa: PLC0415 - heavy
    from pytest_inferbench.errors import InferbenchError  # noqa: PLC0415 - heavy
    from pytest_inferbench.models.hub import fetch  # noqa: PLC0415 - heavy
    from pytest_inferbench.models.location import hub_format  # noqa: PLC0415 - heavy
    from pytest_inferbench.plan.cells import plan_cells  # noqa: PLC0415 - heavy

    settings = settings_of(arguments)
    wanted: dict[tuple[str, ModelFormat], Cell] = {}
    for cell in plan_cells(settings):
        formats = backend_named(cell.backend).formats
        model_format = hub_format(cell.location, settings.rootdir, formats) if cell.url is None else None
        if model_format is None:
            sys.stdout.write(f"{cell.id}: nothing to fetch\n")
        else:
            wanted.setdefault((cell.location, model_format), cell)
    _quiet_unless_watched()
    failed = 0
    for (repo_id, model_format), cell in wanted.items():
        try:
            name = cell.hub_token
            token = content(name, f"{dict(cell.sources)['hub_token']}: hub_token", os.environ) if name else None
            got = fetch(repo_id, model_format, token, partial(_say, cell.model))
        except InferbenchError as error:
            failed += 1
            sys.stderr.write(f"inferbench fetch: {cell.model}: {error}\n")
        else:
            sys.stdout.write(f"{cell.model}: {got.files} files, {got.size / _MB:.1f} MB, whole: {got.path}\n")
    return 1 if failed else 0


def _say(model: str, text: str) -> None:
    sys.stderr.write(f"{model}: {text}\n")


def _quiet_unless_watched() -> None:
    """Progress bars are for terminals; in a log they are thousands of lines."""
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


FETCH = Command(
    name="fetch",
    help="download the models of the config, only the files that their backends need",
    description=(
        "Download the models that the config names by repo_id, only the files that their backends need. A connection "
        "that is cut is taken up again, every file is checked against the hub's checksum, and what is there is not "
        "fetched again. HF_TOKEN is used where it is set."
    ),
    arguments=_arguments,
    run=_run,
)
