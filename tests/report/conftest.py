"""The golden files of the reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER = Path(__file__).parent.parent / "golden" / "report"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare text with a golden file; a mismatch leaves `.got` beside it, to be looked at and renamed if right."""

    def check(name: str, text: str) -> None:
        path = _FOLDER / name
        got = path.with_name(path.name + ".got")
        expected = path.read_bytes().decode() if path.exists() else None
        if text == expected:
            got.unlink(missing_ok=True)
            return
        got.write_bytes(text.encode())
        assert text == expected, f"see {got}"

    return check
