"""The commands there are.

Limits: a new command is one file and one entry here; their order is that of the help.
"""

from __future__ import annotations

from pytest_inferbench.cli.baselines import BASELINES
from pytest_inferbench.cli.command import Command
from pytest_inferbench.cli.doctor import DOCTOR
from pytest_inferbench.cli.fetch import FETCH
from pytest_inferbench.cli.init import INIT
from pytest_inferbench.cli.runs import RUNS
from pytest_inferbench.cli.schema import SCHEMA
from pytest_inferbench.cli.serve import SERVE
from pytest_inferbench.cli.server import SERVER

COMMANDS: tuple[Command, ...] = (DOCTOR, INIT, FETCH, SERVE, SERVER, RUNS, BASELINES, SCHEMA)
