"""The entry point: pytest's hooks, each a few lines that call what does the work.

Limits: importing this file imports pytest and the standard library only; an idle plugin must not be felt. Everything
else is imported in the hook that needs it, and only when a benchmark was asked for.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_inferbench.options import use_long_names
from pytest_inferbench.plugin.items import CELL, BenchmarkTest, is_benchmark
from pytest_inferbench.plugin.parser import add_options, add_short_names, read_settings, release_short_names, tell_taken

if TYPE_CHECKING:
    from pytest_inferbench.bench.api import Backend, Bench
    from pytest_inferbench.bench.running_cell import RunningCell
    from pytest_inferbench.plugin.session import Session

SESSION: pytest.StashKey[Session] = pytest.StashKey()
_TAKEN: pytest.StashKey[tuple[str, ...]] = pytest.StashKey()
_BENCH: pytest.StashKey[Bench] = pytest.StashKey()
_FIXTURES = {"backend", "bench"}
_ASYNC = ("asyncio", "anyio")  # marks that say who runs a coroutine
_ASYNCIO = ("asyncio", "pytest_asyncio.plugin")  # by its entry point, by its module
_NO_CELL = (
    "`bench` and `backend` have no server here: pytest gives a test its cells when it collects it. "
    'Have the test name them, `def test_it(bench)` or @pytest.mark.usefixtures("bench"); '
    "a method of a unittest.TestCase gets none: write a function, or a class of its own"
)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the options by the names that always work."""
    try:
        add_options(parser)
    except ValueError as error:
        raise pytest.UsageError(
            f"pytest-inferbench: {error} is an option of another plugin or conftest, too. "
            "Rename the other one, or run with `-p no:inferbench`"
        ) from None
    if any(name.endswith("conftest.py") for name, _ in pluginmanager.list_name_plugin()):
        # A conftest brings us by `pytest_plugins`: it is too late for the hook below.
        config = pluginmanager.get_plugin("pytestconfig")
        assert isinstance(config, pytest.Config)  # noqa: S101 - it is there from the start
        config.stash[_TAKEN] = add_short_names(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """Add the short names when everybody else has added theirs."""
    if any(word.startswith("--") for word in args):
        from pytest_inferbench.plugin.rootdir import keep_rootdir  # noqa: PLC0415 - light, and few need it

        keep_rootdir(early_config, parser, args)
    result = yield
    early_config.stash[_TAKEN] = add_short_names(parser)
    return result


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that a suite may implement."""
    from pytest_inferbench.plugin import hookspecs  # noqa: PLC0415 - light, and named nowhere else

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the options and set up this process's part of the run."""
    # pytest-asyncio comes with us, so its advice to configure a loop must not reach people who never asked for it.
    warnings.filterwarnings("ignore", message='The configuration option "asyncio_default_fixture_loop_scope"')
    from pytest_inferbench.plan.option_checks import check_options  # noqa: PLC0415 - light, as those below
    from pytest_inferbench.plugin.session import Session  # noqa: PLC0415 - light: standard library and pytest only
    from pytest_inferbench.plugin.unused import UnusedCases  # noqa: PLC0415 - light, as above
    from pytest_inferbench.plugin.update_guard import UpdateGuard  # noqa: PLC0415

    taken = _taken_names(config)
    release_short_names(config._parser, taken)  # noqa: SLF001 - the parser, which later hooks are not given
    try:
        settings = read_settings(config, taken)
        check_options(settings)
    except ValueError as error:
        raise pytest.UsageError(use_long_names(str(error), taken)) from None
    if settings.dry_run or settings.build_only:
        vars(config.option)["dist"] = "no"  # nothing is run, so nothing is handed out
    session = Session(config, settings)
    config.stash[SESSION] = session
    config.pluginmanager.register(session, "inferbench-session")
    if session.controls and config.pluginmanager.hasplugin("xdist"):
        from pytest_inferbench.plugin.xdist import Distribution  # noqa: PLC0415 - light, as above

        config.pluginmanager.register(Distribution(session.context), "inferbench-xdist")
    if session.controls:
        from pytest_inferbench.plugin.nothing import NothingMeasured  # noqa: PLC0415 - light, as above

        config.pluginmanager.register(NothingMeasured(settings), "inferbench-nothing")
    config.pluginmanager.register(UnusedCases(session), "inferbench-unused")
    if settings.update_baselines and session.controls:
        config.pluginmanager.register(UpdateGuard(session), "inferbench-update-guard")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which short names are somebody else's."""
    return tell_taken(_taken_names(config))


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """Say it with -q, too, which leaves the header out, where there are benchmarks."""
    if config.option.verbose >= 0 or config.option.collectonly or not any(map(_is_benchmark, items)):
        return []
    return tell_taken(_taken_names(config))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect an experiment in YAML like a test file."""
    if not file_path.name.endswith(".bench.yaml"):
        return None
    from pytest_inferbench.plugin.experiments import ExperimentModule  # noqa: PLC0415 - heavy, and few have one

    return ExperimentModule.from_parent(parent, path=file_path, run=parent.config.stash[SESSION])


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> None:
    """Let a bare `async def` benchmark run without any loop setting."""
    if not collector.istestfunction(obj, name) or not inspect.iscoroutinefunction(obj):
        return
    marks = {mark.name for mark in getattr(obj, "pytestmark", ())}
    marked = marks.intersection(_ASYNC) or any(map(collector.get_closest_marker, _ASYNC))
    if _FIXTURES.intersection(inspect.signature(obj).parameters) and not marked and _runs_async(collector.config):
        pytest.mark.asyncio(obj)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every benchmark its cells."""
    if CELL not in metafunc.fixturenames:
        return
    cells = metafunc.config.stash[SESSION].matrix()
    metafunc.parametrize(CELL, cells, ids=[cell.id for cell in cells], indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the run with the config's error, if a benchmark met one."""
    config.stash[SESSION].raise_config_error(items)


@pytest.fixture(scope="session")
def inferbench_cell(request: pytest.FixtureRequest) -> Generator[RunningCell]:
    """The cell under test, private: holds its server from first use to the end of the cell's tests."""
    if not hasattr(request, "param"):
        pytest.fail(_NO_CELL, pytrace=False)
    from pytest_inferbench.bench.running_cell import open_cell  # noqa: PLC0415 - heavy, and only benchmarks need it
    from pytest_inferbench.errors import CellUnavailable  # noqa: PLC0415 - as above

    with ExitStack() as opened:
        try:
            running = opened.enter_context(open_cell(request.config.stash[SESSION].context, request.param))
        except CellUnavailable as reason:
            raise pytest.skip.Exception(str(reason)) from reason
        yield running


@pytest.fixture
def backend(inferbench_cell: RunningCell) -> Backend:
    """The running server: `url`, `model`, `version`, `logs()` and `client`, an httpx.AsyncClient."""
    from pytest_inferbench.bench.api import Backend  # noqa: PLC0415

    return Backend(inferbench_cell.server())


@pytest.fixture
def bench(inferbench_cell: RunningCell, request: pytest.FixtureRequest) -> Generator[Bench]:
    """Measures workloads on the cell: `await bench.run(workload)`, or `bench.run_sync(workload)` in a plain test."""
    from pytest_inferbench.bench.api import Bench  # noqa: PLC0415

    made = Bench(inferbench_cell, BenchmarkTest(request.node), request.config.stash[SESSION].context)
    request.node.stash[_BENCH] = made
    yield made
    made.check_awaited()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin an attempt at a benchmark or its regression item; plugins that run a failed test again make several."""
    if _is_benchmark(item):
        from pytest_inferbench.plugin.outcome import begin_attempt  # noqa: PLC0415 - heavy, and only benchmarks need it

        begin_attempt(item)
        coroutine = inspect.iscoroutinefunction(getattr(item, "obj", None))
        if coroutine and not (_runs_async(item.config) or item.get_closest_marker("anyio")):
            from pytest_inferbench.errors import ConfigError  # noqa: PLC0415 - only where it is raised

            raise ConfigError(
                f"{item.name} is `async def` and pytest-asyncio is not loaded; add -p pytest_asyncio.plugin, "
                "or write `def` and bench.run_sync()"
            )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Stop what a test has left running, before its event loop is closed: a time limit may have ended it."""
    made = item.stash.get(_BENCH, None)
    if made is not None:
        del item.stash[_BENCH]
        made.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn our own errors into pytest errors with one clear text, and hand a benchmark's figures on."""
    report = yield
    if _is_benchmark(item):
        from pytest_inferbench.plugin.outcome import complete_report  # noqa: PLC0415

        complete_report(item, call, report, item.config.stash[SESSION].context)
    return report


def _runs_async(config: pytest.Config) -> bool:
    return any(map(config.pluginmanager.hasplugin, _ASYNCIO))


def _taken_names(config: pytest.Config) -> tuple[str, ...]:
    return config.stash.get(_TAKEN, None) or ()


def _is_benchmark(item: pytest.Item) -> bool:
    return is_benchmark(item) or hasattr(item, "cell_id")
