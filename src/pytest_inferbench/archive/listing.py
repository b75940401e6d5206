"""The runs of a results folder as a list shows them.

Limits: reads of each run what is listed; where that cannot be used the run is read whole, which says what is wrong.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from pytest_inferbench.document.listed import ListedRun

if TYPE_CHECKING:
    from pytest_inferbench.document.listed import Outlined


def read_listed(path: Path) -> Outlined:
    """The run whose run.json `path` is.

    Raises:
        InferbenchError: it cannot be read, or is no run document.
    """
    try:
        return _adapter().validate_json(path.read_bytes(), strict=True)
    except (OSError, ValueError):  # pydantic's error is a ValueError
        from pytest_inferbench.archive.runs import read_run  # noqa: PLC0415 - all of the document's types

        return read_run(path).document


@cache
def _adapter() -> TypeAdapter[ListedRun]:
    return TypeAdapter(ListedRun)
