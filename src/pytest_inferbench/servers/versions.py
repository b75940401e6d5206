"""Is the version that runs the version that was asked for?

Limits: pure. People write `v0.8.0` and `b4521`; servers say `0.8.0`, `0.8.0+cpu`, `b4521-9a5724dee`.
"""

from __future__ import annotations

from pytest_inferbench.backends.backend import INSTALLED


def fits(wanted: str, said: str | None) -> bool:
    """Whether `said` can be what was asked for: INSTALLED takes all, and a server that says nothing is believed."""
    if wanted == INSTALLED or said is None:
        return True
    wanted, said = wanted.removeprefix("v"), said.removeprefix("v")
    return said == wanted or said.startswith((f"{wanted}-", f"{wanted}+"))
