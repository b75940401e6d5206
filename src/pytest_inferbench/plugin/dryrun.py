"""`--bench-dry-run`: say what the selected tests would start and how long that takes, and start nothing.

Limits: reads the configuration, the machine and earlier runs; writes to the terminal alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from pytest_inferbench.archive.results_folder import run_files
from pytest_inferbench.archive.runs import read_run
from pytest_inferbench.devices.nvml import NVML
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.plan.models import SERVED
from pytest_inferbench.plugin.items import case_name, tests_by_cell
from pytest_inferbench.report.plan_text import Earlier, PlannedCell, expected_seconds, render_plan
from pytest_inferbench.servers.installed import THIS_MACHINE
from pytest_inferbench.servers.preview import preview

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_inferbench.bench.context import RunContext

_RUNS_READ = 50
_Key = tuple[str, str, str, str]


def show_plan(session: pytest.Session, context: RunContext) -> None:
    """Print the plan; a cell that cannot run here makes the run fail where --require-backend is given."""
    writer = session.config.get_terminal_writer()
    settings, there = context.settings, NVML.gpus()
    cells = {cell: {case_name(item, 0): None for item in items} for cell, items in tests_by_cell(session.items).items()}
    wanted = {_key(cell, case) for cell, cases in cells.items() for case in cases}
    # How many pairs a comparison takes shows while it runs.
    known = _earlier(settings.path("results"), wanted) if settings.compare is None else {}
    planned = []
    for cell, cases in cells.items():
        shown = preview(cell, settings.rootdir, there, THIS_MACHINE)
        before = [known[_key(cell, case)] for case in cases if _key(cell, case) in known]
        seconds = expected_seconds(before, settings.rounds)
        trouble = None if shown.trouble is None else settings.with_names(shown.trouble)
        planned.append(PlannedCell(cell.id, tuple(cases), shown.rows, trouble, seconds, len(before)))
    writer.line()
    for line in render_plan(planned, settings.rounds, writer.fullwidth):
        writer.line(line)
    if settings.require_backend:
        session.testsfailed += sum(bool(cell.trouble) for cell in planned)


def _key(cell: Cell, case: str) -> _Key:
    return case, cell.model, cell.backend, cell.variant


def _earlier(results: Path, wanted: set[_Key]) -> dict[_Key, Earlier]:
    """The newest of each case, among the newest runs; a document that cannot be read says nothing."""
    found: dict[_Key, Earlier] = {}
    for path in run_files(results)[: -_RUNS_READ - 1 : -1]:
        if len(found) == len(wanted):
            break
        with suppress(InferbenchError):
            run = read_run(path).document
            rounds = next((setting.value for setting in run.settings if setting.name == "bench-rounds"), 0)
            for case in run.cases:
                # A server that is only given by its address has not said which model it serves: that of the last time.
                keys = {(case.case, model, case.backend, case.variant) for model in (case.model, SERVED)}
                if _whole(case.rounds):
                    found |= {key: Earlier(case, rounds) for key in keys & wanted - found.keys()}
    return found


def _whole(rounds: Sequence[Mapping[str, float]]) -> bool:
    return bool(rounds) and all("wall_s" in figures for figures in rounds)
