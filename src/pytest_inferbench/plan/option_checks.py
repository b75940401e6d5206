"""Options that do not go together: refused before anything is collected.

Limits: cheap to import, because every run of pytest asks.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_inferbench.options import Settings

_MODES = ("append", "reseat", "prune")


def check_options(settings: Settings) -> None:
    """Refuse what does not go together.

    Raises:
        ValueError: it says which option to add or to change.
    """
    mode = settings.baseline_mode
    if settings.compare is None and settings.source("compare_pairs") == "command line":
        raise ValueError(
            f"--compare-pairs {settings.compare_pairs} says how long a comparison goes on; add --compare A..B"
        )
    if settings.compare is not None and settings.update_baselines:
        _check_pairs(settings)
    if mode is not None and mode not in _MODES:
        raise ValueError(f"--baseline-mode {mode}: unknown; use one of {', '.join(_MODES)}")
    if settings.update_baselines and mode is None and os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        raise ValueError(
            "--update-baselines with CI=true: what a pipeline records is lost with its checkout; add --baseline-mode "
            "append where a later step keeps it (`inferbench baselines push`), or leave --update-baselines out"
        )
    given = [
        f"--baseline-mode {mode}" if mode is not None else "",
        "--accept-regressions" if settings.accept_regressions else "",
    ]
    alone = [option for option in given if option]
    if alone and not settings.update_baselines:
        raise ValueError(f"{alone[0]} says how baselines are updated; add --update-baselines")
    if mode == "prune" and settings.accept_regressions:
        raise ValueError("--accept-regressions has nothing to accept with --baseline-mode prune; leave one of them out")


def _check_pairs(settings: Settings) -> None:
    """Refuse to say how a session is recorded where there are pairs, which are none."""
    if settings.accept_regressions or settings.baseline_mode not in (None, "append"):
        option = "--accept-regressions" if settings.accept_regressions else f"--baseline-mode {settings.baseline_mode}"
        raise ValueError(f"{option} with --compare: pairs are no session of a history; leave it out")
