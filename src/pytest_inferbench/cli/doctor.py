"""`inferbench doctor`: whether benchmarks can run here, and how to mend what is in their way.

Limits: looks and changes nothing; exit status 1 where something that the config needs is in the way.
"""

from __future__ import annotations

import argparse
import os
import sys

from pytest_inferbench.cli.command import Command, add_options, settings_of


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_options(parser, "--bench-config", "--model", "--backend", "--provision", "--bench-results")


def _run(arguments: argparse.Namespace) -> int:
    from pytest_inferbench.cli.checks import Machine, State, examine, free_bytes  # noqa: PLC0415 - heavy
    from pytest_inferbench.cli.table import print_rows  # noqa: PLC0415 - heavy
    from pytest_inferbench.devices.nvml import NVML  # noqa: PLC0415 - heavy
    from pytest_inferbench.servers.docker_engine import connect  # noqa: PLC0415 - heavy
    from pytest_inferbench.servers.installed import THIS_MACHINE  # noqa: PLC0415 - heavy

    machine = Machine(THIS_MACHINE, NVML, connect, os.environ, free_bytes)
    findings = tuple(examine(settings_of(arguments), machine))
    styles = {State.OK: "green", State.NOTE: "yellow", State.PROBLEM: "bold red"}
    rows = [(str(one.state), one.text()) for one in findings]
    print_rows(rows, styles={str(state): style for state, style in styles.items()})
    problems = sum(one.state is State.PROBLEM for one in findings)
    sys.stdout.write(f"\n{problems or 'no'} problem{'s' if problems != 1 else ''}\n")
    return 1 if problems else 0


DOCTOR = Command(
    name="doctor",
    help="check whether benchmarks can run here, and say how to mend what is in their way",
    description=(
        "Check Python, the config, what its servers need, Docker, GPUs, disk, ports and tokens. A note is something "
        "that nothing in the config needs; a problem makes the exit status 1."
    ),
    arguments=_arguments,
    run=_run,
)
