"""What `--update-baselines` asks of the collection: no two selected cells of one key, and the whole suite to prune.

Limits: there only where baselines were asked for; importing this file is cheap. A mistake ends the run before anything
is measured.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inferbench.plugin.items import case_name, cell_of

if TYPE_CHECKING:
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.plugin.session import Session

_NARROWING = {
    "lf": "--last-failed",
    "ignore": "--ignore",
    "ignore_glob": "--ignore-glob",
    "continue_on_collection_errors": "--continue-on-collection-errors",
    "numprocesses": "-n",
}
"""pytest's options with which not every case is collected here."""


class UpdateGuard:
    """Watches the collection of a run that updates baselines.

    Args:
        run: this process's part of the run; one that controls it.
    """

    def __init__(self, run: Session) -> None:
        self._run = run
        self._suite: dict[tuple[str, str], set[str]] = {}
        self._lines: Sequence[str] = ()

    @property
    def _prunes(self) -> bool:
        return bool(self._run.context.settings.baseline_mode == "prune")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Refuse to prune where cases are out of sight, or whose they are."""
        settings = self._run.context.settings
        narrowed = why_not_whole(session.config, settings.path("baselines"))
        if narrowed is None and settings.server_url is not None and not settings.model:
            narrowed = "--baseline-mode prune: whose cases? name the model as its server lists it, with --model"
        if self._prunes and narrowed:
            raise pytest.UsageError(self._run.context.settings.with_names(narrowed))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, object, object]:
        """Learn the suite before anything is deselected; afterwards look at what was selected."""
        if self._prunes and self._run.matrix():  # a mistake in the config is told soon, and leaves no cells
            for cell, key, _ in cases_of(items):
                self._suite.setdefault((cell.model, cell.backend), set()).add(key)
        result = yield
        if not self._prunes:
            self._refuse_shared_keys(items)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Prune instead of running tests."""
        if not self._prunes or session.testsfailed:  # a file that could not be collected: pytest ends the run
            return None
        from pytest_inferbench.bench.update_baselines import prune_baselines  # noqa: PLC0415 - heavy, and seldom asked for

        outcome = prune_baselines(self._run.context, self._run.cells(), self._suite)
        self._lines = outcome.lines
        session.testsfailed += not outcome.went_well
        return True

    def _refuse_shared_keys(self, items: Iterable[pytest.Item]) -> None:
        seen: dict[tuple[str, str, str], str] = {}
        for cell, key, item in cases_of(items):
            first = seen.setdefault((cell.model, cell.backend, key), item.nodeid)
            if first != item.nodeid:
                remedy = self._run.context.settings.with_names("select one (-k, or one --backend-version) to update it")
                raise pytest.UsageError(
                    f"{first} and {item.nodeid} are both {key} of {cell.model} on {cell.backend}: a baseline holds one "
                    f"of them; {remedy}"
                )

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's TerminalReporter
        """Say what pruning did."""
        for line in self._lines:
            terminalreporter.write_line(self._run.context.settings.with_names(line))


def cases_of(items: Iterable[pytest.Item]) -> Iterator[tuple[Cell, str, pytest.Function]]:
    """Every benchmark with its cell, which is arm B of a pair, and the key of its first workload."""
    from pytest_inferbench.baselines.names import case_key  # noqa: PLC0415 - with the first benchmark

    for item in items:
        param: Any = cell_of(item)
        if isinstance(item, pytest.Function) and param is not None:
            cell: Cell = getattr(param, "b", param)
            yield cell, case_key(case_name(item, 0), cell.variant), item


def why_not_whole(config: pytest.Config, baselines: Path) -> str | None:
    """Why cases may exist that this run does not collect; None where it collects the suite beside the baselines."""
    for name, flag in _NARROWING.items():
        if getattr(config.option, name, None):
            return f"--baseline-mode prune: {flag} hides cases, which would be dropped; run it without"
    suite, here = baselines.parent.resolve(), config.invocation_params.dir
    folders = [(here / arg).resolve() for arg in config.args]
    if any(folder.is_dir() and suite.is_relative_to(folder) for folder in folders):
        return None
    asked = " ".join(config.args)
    return f"--baseline-mode prune: cases outside {asked} would be dropped; name the whole suite: {suite}"
