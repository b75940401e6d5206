"""Options that do not go together: refused before anything is collected.

Limits: cheap to import, because every run of pytest asks.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pytest_inferbench.config.wording import shorten_name
from pytest_inferbench.options import OPTIONS

if TYPE_CHECKING:
    from pytest_inferbench.options import Option, Settings

_LARGEST = 2.0**63
_MODES = ("append", "reseat", "prune")


def check_options(settings: Settings) -> None:
    """Refuse what does not go together.

    Raises:
        ValueError: it says which option to add or to change.
    """
    check_values(settings)
    mode = settings.baseline_mode
    if settings.compare is None and settings.source("compare_pairs") == "command line":
        raise ValueError(
            f"--compare-pairs {shorten_name(settings.compare_pairs)} says how long a comparison goes on; add "
            "--compare A..B"
        )
    if settings.compare is not None and settings.update_baselines:
        _check_pairs(settings)
    if mode is not None and mode not in _MODES:
        raise ValueError(f"--baseline-mode {shorten_name(mode)}: unknown; use one of {', '.join(_MODES)}")
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


def check_values(settings: Settings) -> None:
    """Refuse numbers that mean nothing.

    Raises:
        ValueError: it says what was expected, of the first one.
    """
    for option in OPTIONS:
        name = option.dest.removeprefix("inferbench_")
        if problem := value_problem(option, getattr(settings, name)):
            written = settings.as_written(name) or option.flag
            raise ValueError(f"{shorten_name(written)}: {problem}")


def value_problem(option: Option, value: Any) -> str:  # noqa: ANN401 - each option has its own type
    """What an option's value should be instead: "expected at least 1"; "" where nothing is wrong with it."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        return _number_problem(option, value)
    texts = value if option.many else (value,)
    if not all(isinstance(text, str) for text in texts):  # argparse makes a list of `--option=--`
        return "expected a value, which does not begin with --"
    return "expected text without NUL" if any("\0" in text for text in texts) else ""


def _number_problem(option: Option, value: float) -> str:
    if not -_LARGEST <= value <= _LARGEST:  # neither is what is no number
        return "expected a finite number of a usual size"
    if option.above is not None and value <= option.above:
        return f"expected a number above {option.above}"
    if option.least is not None and value < option.least:
        return f"expected at least {option.least}"
    return f"expected at most {option.most:g}" if value > option.most else ""


def _check_pairs(settings: Settings) -> None:
    """Refuse to say how a session is recorded where there are pairs, which are none."""
    mode = settings.baseline_mode or "append"
    if settings.accept_regressions or mode != "append":
        option = "--accept-regressions" if settings.accept_regressions else f"--baseline-mode {shorten_name(mode)}"
        raise ValueError(f"{option} with --compare: pairs are no session of a history; leave it out")
