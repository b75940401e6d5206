"""One process's part of a run: the cells it knows, and (outside xdist workers) the results that come in.

Limits: importing this file is cheap; what is heavy is imported when the first benchmark is collected or reported. The
controller alone writes files of the run, after every test, so an interrupted run keeps what it has.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inferbench.bench.context import RunContext, new_run_id
from pytest_inferbench.bench.progress import Progress
from pytest_inferbench.bench.status_files import FOLDER, Statuses, StatusFile
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.options import Settings
from pytest_inferbench.plan.extensions import Extensions
from pytest_inferbench.plugin.display import display_for
from pytest_inferbench.plugin.ending import Ending
from pytest_inferbench.plugin.items import REPORTED, is_benchmark

if TYPE_CHECKING:
    from pytest_inferbench.archive.resume import Resumed
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.plan.pair import CellPair
    from pytest_inferbench.plugin.recorder import Recorder

_CONFIG_ERROR = "inferbench_config_error"


class Session:
    """What all hooks of this process share.

    Args:
        config: pytest's config.
        settings: the options of this run.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        given: dict[str, Any] | None = getattr(config, "workerinput", None)
        self.controls = given is None
        resumed = None if settings.resume is None else _read_resumed(settings, given)
        run_id = new_run_id() if given is None else str(given["inferbench_run_id"])
        run_id = run_id if resumed is None else resumed.run_id
        statuses = settings.path("results") / run_id / FOLDER
        display = display_for(config) if given is None else StatusFile(statuses, given["workerid"])
        self.context = RunContext(run_id, settings, Progress(display, SYSTEM_CLOCK), Extensions(config.hook))
        self._statuses = Statuses(statuses)
        self._ending = Ending(worker=given is not None)
        config.pluginmanager.register(self._ending)
        self.context.resumed = resumed
        self._recorder: Recorder | None = None
        self._refused: list[str] = []
        self._config_error: str | None = None
        if resumed is not None and self.controls:
            self._stay_where_it_was(resumed)

    def _stay_where_it_was(self, resumed: Resumed) -> None:
        from pytest_inferbench.archive.resume import refuse_other_hardware  # noqa: PLC0415 - as above
        from pytest_inferbench.errors import InferbenchError  # noqa: PLC0415 - heavy, and seldom asked for

        try:
            refuse_other_hardware(resumed, self.context.hardware)
        except InferbenchError as error:
            raise pytest.UsageError(self.context.settings.with_names(str(error))) from None

    @cached_property
    def _planned(self) -> tuple[Cell | CellPair, ...]:
        from pytest_inferbench.errors import InferbenchError, OlderSpellingWarning  # noqa: PLC0415
        from pytest_inferbench.plan.cells import plan_matrix  # noqa: PLC0415
        from pytest_inferbench.plan.request import extra_body, written_headers  # noqa: PLC0415

        try:
            written_headers(self.context.settings)
            extra_body(self.context.settings)
            self.context.settle_hardware()
            return tuple(self.context.extensions.with_policy(cell) for cell in plan_matrix(self.context.settings))
        except (InferbenchError, OlderSpellingWarning) as error:  # the latter where warnings are errors
            self.refuse(str(error))
            return ()

    @property
    def _started_containers(self) -> bool:
        return (self.context.folder / "servers" / "containers.txt").exists()

    def cells(self) -> tuple[Cell, ...]:
        """The cells of this run that are measured alone: all of them, or none where pairs are compared."""
        from pytest_inferbench.plan.cell import Cell  # noqa: PLC0415 - with the first benchmark

        return tuple(each for each in self.matrix() if isinstance(each, Cell))

    def matrix(self) -> tuple[Cell | CellPair, ...]:
        """What this run measures; empty where the config has an error, which then ends the collection."""
        return self._planned

    def refuse(self, problem: str) -> None:
        """Note what is wrong with the config or an experiment; it ends the collection."""
        self._refused.append(problem)

    def raise_config_error(self, items: list[pytest.Item]) -> None:
        """End the collection if something was refused.

        An xdist worker cannot end the run: it collects nothing and leaves the message to the controller.

        Raises:
            pytest.UsageError: exit status 4 and one message.
        """
        if not self._refused:
            return

        items.clear()
        problems = self.context.settings.with_names("\n".join(self._refused))
        if self.controls:
            raise pytest.UsageError(problems)
        vars(self._config)["workeroutput"][_CONFIG_ERROR] = problems

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Tell a mistake that a test file makes while it is imported as one of the config is told."""
        report = yield
        call: pytest.CallInfo[Any] | None = getattr(report, "call", None)
        error = call.excinfo.value if call is not None and call.excinfo is not None else None
        if error is not None and _is_our_own(error):
            self.refuse(str(error))
            return pytest.CollectReport(report.nodeid, "passed", None, [])
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what a resumed run has done."""
        if self.context.resumed is not None:
            items[:], done = self.context.resumed.split(items)
            self._config.hook.pytest_deselected(items=done)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """Let regression items be added when everybody else is done with selecting tests."""
        session.config.pluginmanager.register(_Regressions(self))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Read what reports need now: a time limit of a test would else meet it between the test's phases."""
        if any(map(is_benchmark, session.items)):
            import pytest_inferbench.plugin.outcome  # noqa: PLC0415 - heavy
            import pytest_inferbench.plugin.recorder  # noqa: F401, PLC0415 - as above

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist's WorkerController
        """Let every xdist worker write to this run's folder, and tell there what it does."""
        self.context.progress.follow(self._statuses.read)
        node.workerinput["inferbench_run_id"] = self.context.run_id
        if self.context.resumed is not None:
            from pytest_inferbench.document.codec import to_json  # noqa: PLC0415 - heavy, and seldom asked for

            node.workerinput["inferbench_resumed"] = to_json(self.context.resumed.document)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_testnodedown(self, node: Any, error: object | None) -> None:  # noqa: ANN401 - as above
        """Take a worker's config error over; remove what a crashed one left, before another gets its GPUs."""
        self._statuses.forget(node.gateway.id)
        self.context.progress.clear()
        if error is not None and self._started_containers:
            from pytest_inferbench.servers.launch import remove_orphans  # noqa: PLC0415 - only where one was started

            remove_orphans()
        self._config_error = getattr(node, "workeroutput", {}).get(_CONFIG_ERROR, self._config_error)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """With --bench-dry-run, say what would run; with --build-only, make images."""
        if self.context.settings.dry_run:
            from pytest_inferbench.plugin.dryrun import show_plan  # noqa: PLC0415 - heavy, and seldom asked for

            show_plan(session, self.context)
        elif self.context.settings.build_only:
            from pytest_inferbench.plugin.build import make_images  # noqa: PLC0415 - as above

            make_images(session, self.context)
        else:
            return None
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a benchmark's report into the run document."""
        self.context.progress.clear()
        if self.controls and getattr(report, REPORTED, None) is not None:
            self._records().take(report)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, object, object]:
        """Write what is left to write, also where the run's own ending was cut short."""
        try:
            return (yield)
        finally:
            with self._ending.signals.held():
                self._finish(session, exitstatus)

    def _finish(self, session: pytest.Session, exitstatus: int) -> None:
        """Baselines that could not be updated, and whatever else could not be written, fail the run."""
        if self.controls and self._started_containers:
            from pytest_inferbench.servers.launch import remove_left  # noqa: PLC0415 - only where one was started

            remove_left(self.context)
        if self._config_error is not None and self.controls:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        if self.controls and self.context.resumed is not None:
            self._records()  # it writes the merged document even where nothing was left to run
            if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
                session.exitstatus = exitstatus = pytest.ExitCode.OK
        if self._recorder is None:
            return
        left, broken = self._ending.selection.left, (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
        interrupted = bool(left) or exitstatus in broken
        if not self._recorder.finish(interrupted=interrupted, left=left) and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's TerminalReporter
        """Print the summary table, and a config error that only workers met."""
        if self._config_error is not None:
            terminalreporter.write_line(f"ERROR: {self._config_error}", red=True)
        if self._recorder is not None:
            self._recorder.print_summary(terminalreporter)

    def pytest_unconfigure(self) -> None:
        """Give the terminal back."""
        self.context.progress.close()
        if self.controls:
            self._statuses.remove()

    def _records(self) -> Recorder:
        if self._recorder is None:
            from pytest_inferbench.plugin.recorder import Recorder  # noqa: PLC0415

            self._recorder = Recorder(self.context, self.cells)
        return self._recorder


def _read_resumed(settings: Settings, given: dict[str, Any] | None) -> Resumed:
    from pytest_inferbench.archive.resume import read_resumed, resumed_from  # noqa: PLC0415 - as above
    from pytest_inferbench.errors import InferbenchError  # noqa: PLC0415 - heavy, and seldom asked for

    try:
        return read_resumed(settings) if given is None else resumed_from(given["inferbench_resumed"])
    except InferbenchError as error:
        raise pytest.UsageError(settings.with_names(str(error))) from None


def _is_our_own(error: BaseException) -> bool:
    from pytest_inferbench.errors import InferbenchError  # noqa: PLC0415 - only where something was wrong

    return isinstance(error, InferbenchError)


class _Regressions:
    """Gives every selected benchmark its regression item, around all other plugins: who is registered last wraps them.

    Limits: nobody selects a regression item without its test. (With `--lf` a failed one is unknown, so its file runs.)
    """

    def __init__(self, run: Session) -> None:
        self._run = run

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, object, object]:
        """Add them once the selection stands, and end the run where something it needs cannot be used."""
        result = yield
        if any(map(is_benchmark, items)):
            from pytest_inferbench.bench.verdicts import Verdicts  # noqa: PLC0415 - as above
            from pytest_inferbench.errors import ConfigError  # noqa: PLC0415 - as below
            from pytest_inferbench.plugin.prestart import mistakes  # noqa: PLC0415 - heavy
            from pytest_inferbench.plugin.regression import add_regressions  # noqa: PLC0415 - heavy

            for mistake in mistakes(items, self._run.context):
                self._run.refuse(mistake)
            self._run.raise_config_error(items)
            verdicts = Verdicts(self._run.context)
            add_regressions(items, verdicts)
            try:
                verdicts.check_family()
            except ConfigError as error:
                self._run.refuse(str(error))
                self._run.raise_config_error(items)
        return result
