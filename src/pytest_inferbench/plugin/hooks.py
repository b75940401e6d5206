"""The entry point: pytest's hooks, each a few lines that call what does the work.

Law: importing this file imports pytest and the standard library only; an idle plugin must not be felt. Everything
else is imported in the hook that needs it, and only when a benchmark was asked for.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_inferbench.plugin.parser import add_options, read_settings

if TYPE_CHECKING:
    from pytest_inferbench.plugin.api import Backend, Bench
    from pytest_inferbench.plugin.cell import RunningCell
    from pytest_inferbench.plugin.session import Session

SESSION: pytest.StashKey[Session] = pytest.StashKey()
CELL_FIXTURE = "inferbench_cell"
_FIXTURES = {"backend", "bench"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options; a name that is taken is one clear error."""
    try:
        add_options(parser)
    except ValueError as error:
        raise pytest.UsageError(
            f"pytest-inferbench: an option is already taken by another plugin or conftest: {error}. "
            "Rename the other one, or run with `-p no:inferbench`"
        ) from None


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that a suite may implement."""
    from pytest_inferbench.plugin import hookspecs  # noqa: PLC0415 - light, and named nowhere else

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the options and set up this process's part of the run."""
    # pytest-asyncio comes with us, so its advice to configure a loop must not reach people who never asked for it.
    warnings.filterwarnings("ignore", message='The configuration option "asyncio_default_fixture_loop_scope"')
    from pytest_inferbench.plugin.baselining import Baselining, check_options  # noqa: PLC0415 - light, as the next
    from pytest_inferbench.plugin.session import Session  # noqa: PLC0415 - light: standard library and pytest only

    try:
        settings = read_settings(config)
        check_options(settings)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    if settings.dry_run or settings.build_only:
        vars(config.option)["dist"] = "no"  # nothing is run, so nothing is handed out
    session = Session(config, settings)
    config.stash[SESSION] = session
    config.pluginmanager.register(session, "inferbench-session")
    if session.controls and config.pluginmanager.hasplugin("xdist"):
        from pytest_inferbench.plugin.xdist import Distribution  # noqa: PLC0415 - light, as above

        config.pluginmanager.register(Distribution(session.context), "inferbench-xdist")
    if settings.update_baselines and session.controls:
        config.pluginmanager.register(Baselining(session), "inferbench-baselining")


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
    if _FIXTURES.intersection(inspect.signature(obj).parameters) and "asyncio" not in marks:
        pytest.mark.asyncio(obj)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every benchmark its cells."""
    if CELL_FIXTURE not in metafunc.fixturenames:
        return
    cells = metafunc.config.stash[SESSION].matrix()
    metafunc.parametrize(CELL_FIXTURE, cells, ids=[cell.id for cell in cells], indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the run with the config's error, if a benchmark met one."""
    config.stash[SESSION].raise_config_error(items)


@pytest.fixture(scope="session")
def inferbench_cell(request: pytest.FixtureRequest) -> Generator[RunningCell]:
    """The cell under test, private: holds its server from first use to the end of the cell's tests."""
    from pytest_inferbench.plugin.cell import open_cell  # noqa: PLC0415 - heavy, and only benchmarks need it

    with open_cell(request.config.stash[SESSION].context, request.param) as running:
        yield running


@pytest.fixture
def backend(inferbench_cell: RunningCell) -> Backend:
    """The running server: `url`, `model`, `version`, `logs()` and `client`, an httpx.AsyncClient."""
    from pytest_inferbench.plugin.api import Backend  # noqa: PLC0415

    return Backend(inferbench_cell.server())


@pytest.fixture
def bench(inferbench_cell: RunningCell, request: pytest.FixtureRequest) -> Generator[Bench]:
    """Measures workloads on the cell: `await bench.run(workload)`, or `bench.run_sync(workload)` in a plain test."""
    from pytest_inferbench.plugin.api import Bench  # noqa: PLC0415

    made = Bench(inferbench_cell, request.node, request.config.stash[SESSION].context)
    yield made
    made.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn our own errors into pytest errors with one clear text, and hand a benchmark's figures on."""
    report = yield
    if CELL_FIXTURE in getattr(item, "fixturenames", ()) or hasattr(item, "cell_id"):
        from pytest_inferbench.plugin.outcome import dress_report  # noqa: PLC0415

        callspec = getattr(getattr(item, "test", item), "callspec", None)
        secrets = item.config.stash[SESSION].context.secrets(callspec and callspec.params.get(CELL_FIXTURE))
        dress_report(item, call, report, secrets)
    return report
