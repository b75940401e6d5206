"""Two cells of one model and backend, to be compared with each other: what `--compare A..B` asks for.

Limits: frozen and hashable like a cell, whose place it takes in test ids and fixtures. Both arms are servers that are
started here, again and again.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from pytest_inferbench.config.wording import quote_value, shorten_name
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.cell import Cell

if TYPE_CHECKING:
    from pytest_inferbench.plan.models import PlanSettings

_BETWEEN = ".."
_VERSION: Final = re.compile(r"[vb]?\d[\w.+-]*|[0-9a-f]{7,40}")  # v0.8.1, b4521, 0.18.0.dev1, a commit
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
FEWEST_PAIRS, MOST_PAIRS = 5, 64
"""What may be asked for: fewer tell too little of their own scatter, and more find nothing worth the hours."""


@dataclass(frozen=True, slots=True)
class CellPair:
    """Arm B against arm A.

    Attributes:
        a: the arm that is compared with; what runs today, say.
        b: the arm that is judged; the tests run on it, and its name is in the results. Equal to `a` in an A/A run.
        pairs: after how many pairs they are judged for the first time, and at the latest.
    """

    a: Cell
    b: Cell
    pairs: tuple[int, int]

    @property
    def id(self) -> str:
        """Its part of a test id: `vllm-v0.8.0..v0.8.1-qwen3-8b`."""
        return f"{self.backend}-{_BETWEEN.join(self.names)}-{self.model}"

    @property
    def names(self) -> tuple[str, str]:
        """What tells the arms apart: a variant, else a version."""
        return (self.a.variant or self.a.version, self.b.variant or self.b.version)

    @property
    def model(self) -> str:
        """The model of both."""
        return self.b.model

    @property
    def backend(self) -> str:
        """The backend of both."""
        return self.b.backend


def read_arms(settings: PlanSettings) -> tuple[str, str] | None:
    """The two names of `--compare`, "" for the model as it stands; None without that option.

    Raises:
        ConfigError: not two names, or an option that says which version to measure stands beside it.
    """
    text = settings.compare
    if text is None:
        return None
    a, between, b = text.partition(_BETWEEN)
    a, b = a.strip(), b.strip()
    if not between or not (a or b) or _BETWEEN in b or b.startswith("."):
        raise ConfigError(
            f"--compare {shorten_name(text)}: expected two versions or variants with `..` between, like "
            "v0.8.0..v0.8.1, or one of them, like ..v0.8.1, against the model as it stands; the same twice "
            "measures this site's own noise"
        )
    if settings.backend_version:
        raise ConfigError(f"--compare {shorten_name(text)}: names both versions; leave --backend-version out")
    return a, b


def read_pairs(settings: PlanSettings) -> tuple[int, int]:
    """The fewest and the most pairs of `--compare-pairs`.

    Raises:
        ConfigError: not one or two whole numbers in order, or outside what may be asked for.
    """
    text = settings.compare_pairs
    first, between, last = text.partition(_BETWEEN)
    numbers = [int(part) for part in (first, last if between else first) if _NUMBER.fullmatch(part.strip())]
    if len(numbers) != len((first, last)) or not FEWEST_PAIRS <= numbers[0] <= numbers[1] <= MOST_PAIRS:
        raise ConfigError(
            f"--compare-pairs {shorten_name(text)} ({settings.source('compare_pairs')}): expected the fewest "
            f"and the most pairs, like 8..20, or one number for exactly so many, each from {FEWEST_PAIRS} to "
            f"{MOST_PAIRS}"
        )
    return numbers[0], numbers[1]


def check_version(name: str, cell: Cell, known: Collection[str], variants: Collection[str], text: str) -> None:
    """Refuse an arm's name that is no variant and can be no version of its server.

    Args:
        name: it.
        cell: what it would be measured on.
        known: versions that the config names.
        variants: the model's.
        text: what `--compare` was given.

    Raises:
        ConfigError: names the nearest variant, or all.
    """
    if name in known or _VERSION.fullmatch(name):
        return
    near = get_close_matches(name, variants, n=1)
    # An image's tag and a git ref may be any word; what is installed here has a number.
    if cell.provision == "docker" and not near and not re.search(r"\s", name):
        return
    there = f"its variants are {', '.join(variants)}" if variants else "it has no variants"
    hint = f"did you mean {near[0]!r}?" if near else f"{there}, and a version is one like v0.8.1 or b4521"
    raise ConfigError(
        f"--compare {shorten_name(text)}: {quote_value(name)} is neither a variant nor a version of "
        f"{cell.model}; {hint}"
    )


def make_pair(a: Cell, b: Cell, *, pairs: tuple[int, int], alike: bool) -> CellPair:
    """The two arms as a pair.

    Args:
        a: the arm that is compared with.
        b: the arm that is judged.
        pairs: after how many it is judged at the earliest and at the latest.
        alike: whether the same arm was named twice, for the site's own noise.

    Raises:
        ConfigError: one of them is a server that is already there, or both are the same and nobody said so.
    """
    for arm in (a, b):
        if arm.url is not None:
            raise ConfigError(
                f"--compare: every pair starts fresh servers, and {arm.id} is the one at {arm.url}; compare servers "
                "that are started here (--provision process or docker)"
            )
    if a == b and not alike:
        raise ConfigError(
            f"--compare: both arms are {a.id}, so nothing would be compared; name another version, or {a.version} "
            "twice to measure this site's own noise"
        )
    return CellPair(a, b, pairs)
