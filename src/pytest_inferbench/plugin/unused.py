"""Cases of baseline files that no benchmark is: their budgets hold nothing, and nobody would miss a misspelt one.

Limits: warns, and only where the whole suite beside the baselines was collected. With --require-baseline, and where
warnings are errors, it ends the run before anything is measured.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_inferbench.plugin.items import is_benchmark, tests_by_cell
from pytest_inferbench.plugin.update_guard import cases_of, why_not_whole

if TYPE_CHECKING:
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
        from pytest_inferbench.bench.mistakes import unused_cases  # noqa: PLC0415 - heavy

        keys = {key for _, key, _ in cases_of(suite)}
        for text in unused_cases(keys, tests_by_cell(items), context):
            if context.settings.require_baseline or not _warn(text):  # a gate has to hold what it is told to hold
                self._run.refuse(text)
        self._run.raise_config_error(items)
        return result


def _warn(text: str) -> bool:
    """Warn; False where such warnings are errors."""
    from pytest_inferbench.errors import UnusedCaseWarning  # noqa: PLC0415 - only where something is wrong

    try:
        warnings.warn(text, UnusedCaseWarning, stacklevel=1)
    except UnusedCaseWarning:
        return False
    return True
