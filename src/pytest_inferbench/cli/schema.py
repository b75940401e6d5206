"""`inferbench schema`: JSON Schema of what people write and of what a run leaves, for editors and other programs.

Limits: what is printed is composed from the models that read the files; nothing is written twice.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from pytest_inferbench.cli.command import Command


def _config() -> Mapping[str, Any]:
    from pytest_inferbench.plan.json_schema import config_schema  # noqa: PLC0415 - heavy

    return config_schema()


def _experiment() -> Mapping[str, Any]:
    from pytest_inferbench.plan.json_schema import experiment_schema  # noqa: PLC0415 - heavy

    return experiment_schema()


def _results() -> Mapping[str, Any]:
    from pytest_inferbench.document.json_schema import run_schema  # noqa: PLC0415 - heavy

    return run_schema()


_SCHEMAS: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "config": _config,
    "experiment": _experiment,
    "results": _results,
}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "of",
        nargs="?",
        choices=tuple(_SCHEMAS),
        default="config",
        help="config: config/models.yaml (the default); experiment: *.bench.yaml; results: run.json.",
    )


def _run(arguments: argparse.Namespace) -> int:
    json.dump(_SCHEMAS[arguments.of](), sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


SCHEMA = Command(
    name="schema",
    help="print the JSON Schema of the config, of experiments or of results",
    description="Print a JSON Schema, for editors that complete and check YAML, and for programs that read results.",
    arguments=_arguments,
    run=_run,
)
