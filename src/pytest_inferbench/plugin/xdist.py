"""Benchmarks under pytest-xdist: our scheduler takes over once benchmarks were collected, and nothing goes unreported.

Limits: runs in xdist's controller only. A run without benchmarks keeps the scheduler it would have had. xdist is
imported in the hook that only xdist calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inferbench.plan.scheduling import CellScheduling, Node, cell_of
from pytest_inferbench.plugin.items import REPORTED

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext

_OLDEST = (3, 8)
_LIKE_A_CELL = re.compile(r"\[.*\w-.*\w-.*\]")  # who has no such test is spared the import of what knows cells


class Distribution:
    """Our part of xdist's controller.

    Args:
        context: the run.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._scheduling: CellScheduling | None = None
        self._reported: set[str] = set()

    @pytest.hookimpl(optionalhook=True, wrapper=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config) -> Generator[None, Any, Any]:
        """Put ours before the one that this run would have; which of both it is shows when tests are collected."""
        usual = yield
        if config.getoption("dist") == "each":  # every worker runs everything: nothing is handed out
            return usual
        return _Undecided(usual, self._ours, _hand_over(config))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, bool | None, bool | None]:
        """After a loop that was not interrupted, every test has a report: an error where it was not run."""
        done = yield
        if self._scheduling is not None:
            for nodeid in dict.fromkeys(self._scheduling.collection):
                if nodeid not in self._reported:
                    session.config.hook.pytest_runtest_logreport(report=_not_run(nodeid, self._scheduling))
        return done

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note who has a report."""
        self._reported.add(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """A benchmark that took its worker down is an error, and stands in the run's document."""
        if self._scheduling is not None and self._scheduling.cell_of(crashitem) is not None:
            report.location = _location(crashitem)  # xdist names the file alone
            _as_error(report)

    def _ours(self, usual: Any, collections: Sequence[Sequence[str]]) -> CellScheduling | None:  # noqa: ANN401 - xdist's
        """Our scheduler, where the workers collected benchmarks (and all the same: else xdist tells the difference)."""
        if any(collection != collections[0] for collection in collections):
            return None
        cells = _known_cells(self._context) if any(map(_LIKE_A_CELL.search, collections[0])) else ()
        if not any(cell_of(nodeid, cells) for nodeid in collections[0]):
            return None
        installed = version("pytest-xdist")
        if tuple(int(part) for part in re.findall(r"\d+", installed)[:2]) < _OLDEST:
            raise pytest.UsageError(
                f"pytest-xdist {installed} is too old to run benchmarks with -n; pip install 'pytest-inferbench[xdist]'"
            )
        scope_of: Callable[[str], str] = getattr(usual, "_split_scope", str)
        self._scheduling = CellScheduling(usual.numnodes, lambda nodeid: cell_of(nodeid, cells), scope_of, usual.config)
        return self._scheduling


def _known_cells(context: RunContext) -> tuple[str, ...]:
    from pytest_inferbench.errors import InferbenchError  # noqa: PLC0415 - heavy, and only benchmarks need it
    from pytest_inferbench.plan.cells import plan_matrix  # noqa: PLC0415

    try:
        return tuple(cell.id for cell in plan_matrix(context.settings))
    except InferbenchError:  # the workers planned well what they collected, so it was none of ours
        return ()


class _Undecided:
    """Tells both schedulers of the workers until all have collected; then one of them takes its place.

    Args:
        usual: the one that this run would have without us.
        ours: makes ours from what was collected; None where it is not wanted.
        hand_over: puts another scheduler into this one's place.
    """

    def __init__(
        self,
        usual: Any,  # noqa: ANN401 - one of xdist's schedulers
        ours: Callable[[Any, Sequence[Sequence[str]]], CellScheduling | None],
        hand_over: Callable[[Any], None],
    ) -> None:
        self._usual = usual
        self._ours = ours
        self._hand_over = hand_over
        self._collections: dict[Node, list[str]] = {}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever xdist asks of a scheduler
        return getattr(self._usual, name)

    def add_node_collection(self, node: Node, collection: Sequence[str]) -> None:
        """A worker has collected; the last of them decides."""
        self._collections[node] = list(collection)
        self._usual.add_node_collection(node, collection)
        if not self._usual.collection_is_completed:
            return
        ours = self._ours(self._usual, list(self._collections.values()))
        if ours is not None:
            for each in self._usual.nodes:
                ours.add_node(each)
            for each, collected in self._collections.items():
                ours.add_node_collection(each, collected)
        self._hand_over(ours or self._usual)


def _hand_over(config: pytest.Config) -> Callable[[Any], None]:
    def hand_over(scheduler: Any) -> None:  # noqa: ANN401 - one of xdist's, or ours
        config.pluginmanager.get_plugin("dsession").sched = scheduler  # type: ignore[union-attr]

    return hand_over


def _not_run(nodeid: str, scheduling: CellScheduling) -> pytest.TestReport:
    culprit = scheduling.lost.get(nodeid)
    why = f"while it ran {culprit} on the same server" if culprit else "and no other could take the test over"
    report = pytest.TestReport(
        nodeid=nodeid,
        location=_location(nodeid),
        keywords={},
        outcome="failed",
        longrepr=f"not run: its xdist worker crashed {why}; run it again",
        when="setup",
    )
    if scheduling.cell_of(nodeid) is not None:
        _as_error(report)
    return report


def _location(nodeid: str) -> tuple[str, int | None, str]:
    path, _, name = nodeid.partition("::")
    return path, None, name or path


def _as_error(report: pytest.TestReport) -> None:
    report.when = "setup"  # how pytest, JUnit and xdist spell "error"
    vars(report)[REPORTED] = {}  # it measured nothing
