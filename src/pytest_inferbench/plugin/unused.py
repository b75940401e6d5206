"""Cases of baseline files that no benchmark is: their budgets hold nothing, and nobody would miss a misspelt one.

Limits: warns, and only where the whole suite beside the baselines was collected; whoever makes warnings errors ends the
run before anything is measured.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_inferbench.plugin.baselining import cases_of, why_not_whole
from pytest_inferbench.plugin.items import is_benchmark, tests_by_cell

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.plugin.session import Session


class UnusedCases:
    """Looks at the collection of a run.

    Args:
        run: this process's part of the run.
    """

    def __init__(self, run: Session) -> None:
        self._run = run

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """Learn the suite before anything is deselected; warn of what the files of the selected cells have besides."""
        suite = list(items)
        result = yield
        context = self._run.context
        if not any(map(is_benchmark, items)) or why_not_whole(config, context.settings.path("baselines")):
            return result
        from pytest_inferbench.errors import UnusedCaseWarning  # noqa: PLC0415 - with the first benchmark

        for text in _unused(suite, items, context):
            try:
                warnings.warn(text, UnusedCaseWarning, stacklevel=1)
            except UnusedCaseWarning as error:
                self._run.refuse(str(error))
        self._run.raise_config_error(items)
        return result


def _unused(suite: Sequence[pytest.Item], items: Sequence[pytest.Item], context: RunContext) -> Iterator[str]:
    from pytest_inferbench.baselines.names import bare_case  # noqa: PLC0415 - with the first benchmark
    from pytest_inferbench.config.wording import nearest  # noqa: PLC0415 - as above
    from pytest_inferbench.errors import InferbenchError  # noqa: PLC0415 - as above
    from pytest_inferbench.plan.models import SERVED  # noqa: PLC0415 - as above

    known = {key for _, key, _ in cases_of(suite)}
    for model, backend in dict.fromkeys((cell.model, cell.backend) for cell in tests_by_cell(items)):
        if model == SERVED:
            continue
        try:
            file = context.baselines.read(model, backend, context.hardware).file
        except InferbenchError:  # whoever needs the file says so
            continue
        for key, entry in file.cases.items():
            if bare_case(key) not in known:
                near = nearest(key, known)
                remedy = f"did you mean {near}?" if near else "delete it there, if no benchmark is to have it"
                yield f"{entry.source}: {key}: no benchmark of this suite is that case, so it holds nothing; {remedy}"
