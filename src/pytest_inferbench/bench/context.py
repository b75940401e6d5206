"""One run as everything in `plugin/` sees it: its name, options, machine, folders and baselines.

Limits: cheap to import and to make; what is heavy is read when it is first asked for. Knows no pytest hook.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_inferbench.bench.progress import Progress
from pytest_inferbench.options import Settings
from pytest_inferbench.plan.extensions import Extensions

if TYPE_CHECKING:
    from pytest_inferbench.archive.resume import Resumed
    from pytest_inferbench.baselines.store import BaselineStore
    from pytest_inferbench.document.environment import Environment
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.plan.pair import CellPair
    from pytest_inferbench.plan.secrets import Secrets
    from pytest_inferbench.servers.images import Images


def new_run_id() -> str:
    """A name for a run, which begins with its time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class RunContext:
    """What one process knows of the run.

    Args:
        run_id: the run's name, the same in every process of it.
        settings: the options.
        progress: where to say what goes on.
        extensions: what the suite's hooks add.
    """

    def __init__(self, run_id: str, settings: Settings, progress: Progress, extensions: Extensions) -> None:
        self.run_id = run_id
        self.settings = settings
        self.progress = progress
        self.extensions = extensions
        self.images: Images | None = None  # made by `servers.images_of`
        self.resumed: Resumed | None = None  # the run as it was left, with --bench-resume
        progress.as_shown = self.shown
        self._secrets: Secrets | None = None  # of all cells that were asked for
        self.told: set[str] = set()  # notes that are said once in a run
        self.served: dict[Cell, str] = {}  # the model of a server that was only given by its address, once it has said

    @property
    def folder(self) -> Path:
        """Where this run's results go."""
        return self.settings.path("results") / self.run_id

    def model_of(self, cell: Cell) -> str:
        """The name of a cell's model: as the config or an option has it, else as its server lists it."""
        return self.served.get(cell, cell.model)

    def secrets(self, cell: Cell | CellPair | None) -> Secrets:
        """What nothing may show that is written or said of a cell, or of both arms of a pair."""
        from pytest_inferbench.plan.pair import CellPair  # noqa: PLC0415 - as above
        from pytest_inferbench.plan.secrets import secrets_of  # noqa: PLC0415 - heavy, and only for benchmarks

        arms = (cell.a, cell.b) if isinstance(cell, CellPair) else (cell,)
        found = secrets_of(self.settings, [arm for arm in arms if arm is not None], os.environ)
        self._secrets = found if self._secrets is None else self._secrets | found
        return found

    def shown(self, text: str) -> str:
        """What goes on, as it may be shown: without any secret of the cells so far."""
        return text if self._secrets is None else str(self._secrets.shown(text))

    @cached_property
    def environment(self) -> Environment:
        """This machine, read once."""
        from pytest_inferbench.clock import SYSTEM_CLOCK  # noqa: PLC0415 - heavy, and only benchmarks need it
        from pytest_inferbench.devices.nvml import NVML  # noqa: PLC0415
        from pytest_inferbench.document.codec import to_json  # noqa: PLC0415
        from pytest_inferbench.measure.environment import hardware_name, read_environment  # noqa: PLC0415

        found = read_environment(SYSTEM_CLOCK, self.settings.rootdir, NVML)
        named: str | None = self.settings.hardware
        return replace(found, hardware=named or self.extensions.hardware(to_json(found)) or hardware_name(found))

    @cached_property
    def machine(self) -> dict[str, str]:
        """The parts of this machine that may change while it keeps its name."""
        from pytest_inferbench.measure.environment import machine_parts  # noqa: PLC0415 - as above

        return machine_parts(self.environment)

    @cached_property
    def hardware(self) -> str:
        """This machine's name in baselines: as said on the command line, else by a hook, else made of what it is."""
        return str(self.environment.hardware)

    def settle_hardware(self) -> None:
        """Have a hook's name for this machine now, so that a wrong one ends the run before anything is measured."""
        if self.extensions.names_hardware:
            _ = self.hardware

    @cached_property
    def baselines(self) -> BaselineStore:
        """The baselines of this run."""
        from pytest_inferbench.baselines.store import BaselineStore  # noqa: PLC0415 - as above

        metrics = self.extensions.metrics
        return BaselineStore(self.settings.path("baselines"), self.settings.rootdir, metrics)
