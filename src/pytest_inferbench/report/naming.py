"""How cases and their cells are named in text.

Limits: what all cases of a report have in common is said once; a row says only what tells it from the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.report.escape import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.document.listed import Ran

PARTS = ("model", "backend", "version", "variant")


def cell_name(case: Ran, parts: Sequence[str] = PARTS) -> str:
    """`model/backend/version`, and the variant where there is one; of these only `parts`."""
    return visible("/".join(named for part in parts if (named := getattr(case, part))))


def differing(cases: Sequence[Ran]) -> tuple[str, ...]:
    """The parts of the cell in which the cases differ."""
    return tuple(part for part in PARTS if len({getattr(case, part) for case in cases}) > 1)


def common(cases: Sequence[Ran]) -> str:
    """What holds for all of the cases (one or more): `qwen3-8b/vllm/v0.8.0 on 1x-nvidia-h200`."""
    apart = differing(cases)
    cell = cell_name(cases[0], [part for part in PARTS if part not in apart])
    hardware = ", ".join(dict.fromkeys(visible(case.hardware) for case in cases))
    return f"{cell} on {hardware}" if cell else f"on {hardware}"
