"""The run document as JSON text.

Limits: the same document gives the same bytes. Fields stand in the order the document has them (as its types are
declared), two spaces deep, in ASCII, with one newline at the end. What JSON cannot hold is
refused by its place in the document, never written as `NaN` or as something else.
"""

from __future__ import annotations

import json
import math

from pytest_inferbench.document.codec import to_json
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.errors import InferbenchError


def to_text(document: RunDocument) -> str:
    """The document's canonical text.

    Raises:
        InferbenchError: a value is NaN, infinite or not a JSON type; names its place (`cases[0].metrics.ttft_ms.p50`).
    """
    found = to_json(document)
    _refuse_unwritable(found, "")
    return json.dumps(found, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _refuse_unwritable(value: object, place: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise _unwritable(f"{place or 'the document'} has the key {key!r}", "a string")
            _refuse_unwritable(item, f"{place}.{key}" if place else key)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _refuse_unwritable(item, f"{place}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise _unwritable(f"{place} is {value}", "a finite number, or the field left out where nothing was measured")
    elif not (value is None or isinstance(value, str | int | float)):
        raise _unwritable(f"{place} is {value!r} ({type(value).__name__})", "a JSON type")


def _unwritable(seen: str, expected: str) -> InferbenchError:
    return InferbenchError(
        f"the run document cannot be written: {seen}; expected {expected}."
        " This is a fault of pytest-inferbench or of a plugin that adds figures: report it with this message."
    )
