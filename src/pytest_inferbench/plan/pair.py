"""Two cells of one model and backend, to be compared with each other: what `--compare A..B` asks for.

Law: frozen and hashable like a cell, whose place it takes in test ids and fixtures. Both arms are servers that are
started here, again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.cell import Cell

if TYPE_CHECKING:
    from pytest_inferbench.plan.models import PlanSettings

_BETWEEN = ".."


@dataclass(frozen=True, slots=True)
class CellPair:
    """Arm B against arm A.

    Attributes:
        a: the arm that is compared with; what runs today, say.
        b: the arm that is judged; the tests run on it, and its name is in the results. Equal to `a` in an A/A run.
    """

    a: Cell
    b: Cell

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
    if not between or not (a or b) or _BETWEEN in b:
        raise ConfigError(
            f"--compare {text}: expected two versions or variants with `..` between, like v0.8.0..v0.8.1; the same "
            "twice measures this site's own noise"
        )
    if settings.backend_version:
        raise ConfigError(f"--compare {text}: names both versions; leave --backend-version out")
    return a, b


def make_pair(a: Cell, b: Cell) -> CellPair:
    """The two arms as a pair.

    Raises:
        ConfigError: one of them is a server that is already there.
    """
    for arm in (a, b):
        if arm.url is not None:
            raise ConfigError(
                f"--compare: every pair starts fresh servers, and {arm.id} is the one at {arm.url}; compare servers "
                "that are started here (--provision process or docker)"
            )
    return CellPair(a, b)
