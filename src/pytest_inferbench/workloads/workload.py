"""What a workload is: a pure generator of loads, with its options beside it.

Limits: no sockets, no clock, no randomness of its own. Rounds are driven from outside: each asks `steps` for its
loads and sends back what was observed, so a workload whose next step depends on answers is written the same way.
"""

from __future__ import annotations

import json
import random
from abc import abstractmethod
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from pytest_inferbench.config.caller import caller
from pytest_inferbench.config.document import annotate
from pytest_inferbench.config.validate import validation_error
from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.files import short_hash
from pytest_inferbench.load.shape import Load
from pytest_inferbench.records import RequestRecord
from pytest_inferbench.workloads.prompts import PromptMaker

Records = tuple[RequestRecord, ...]

Steps = Generator[Load, Records, None]
"""The loads of a round; each `yield` answers with that load's records, in the order of its requests."""

FindingSteps = Generator[Load, Records, Mapping[str, float]]
"""The same of a workload that finds metrics itself: it returns them by name."""


@dataclass(frozen=True, slots=True)
class RoundContext:
    """What a round's loads are made from.

    Attributes:
        prompts: makes prompts of exact length for the server under test.
        rng: seeded for this case and round; the only source of chance.
        slo: the model's limits for one request, metric name -> figure; empty where none were written.
    """

    prompts: PromptMaker
    rng: random.Random
    slo: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


_MOST = 10_000_000


class Workload(BaseModel):
    """Base of all workloads: frozen, validated options and one generator."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    kind: ClassVar[str]
    """The workload's name in YAML and results."""
    fresh_server: ClassVar[bool] = False
    """Whether each round wants a server that was started for it; there is then no warm-up."""

    if not TYPE_CHECKING:  # type checkers and editors go by the fields

        def __init__(self, /, *unnamed: object, **options: object) -> None:
            if unnamed:
                raise ConfigError(
                    f"{caller()}: {type(self).__name__}: got {quote_value(unnamed[0])} without a name, "
                    "expected options by name: " + ", ".join(f"{name}=..." for name in type(self).model_fields)
                )
            try:
                super().__init__(**options)
            except ValidationError as error:
                raise validation_error(error, type(self), annotate(options, caller())) from error

    @field_validator("*")
    @classmethod
    def _is_of_this_world(cls, value: object) -> object:
        """Refuse counts that no machine has memory for: what is made of them comes before the first request."""
        if isinstance(value, int) and value > _MOST:
            raise ValueError(f"got {quote_value(value)}, expected at most {_MOST:,}")
        return value

    @abstractmethod
    def steps(self, context: RoundContext) -> Steps | FindingSteps:
        """The loads of one round."""

    @abstractmethod
    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """A load of the same shape that is thrown away.

        Args:
            context: as for a round.
            requests: how many at least; never fewer than there are streams.
        """

    @property
    @abstractmethod
    def planned_requests(self) -> int | None:
        """Requests of one round that count; None where only the round itself can tell."""

    @property
    def concurrency(self) -> int | None:
        """Closed-loop streams; None for an open loop."""
        return None

    @property
    def planned_cached_share(self) -> float | None:
        """Cached / prompt tokens that the case wants of the server's prefix cache: 0 for a cold one, None for any."""
        return 0.0

    def prepare(self, root: Path) -> None:
        """Read what the options name; paths are relative to `root`. Asked for once, before anything else.

        Raises:
            ConfigError: a file cannot be used.
        """

    def check_limits(self, slo: Collection[str]) -> None:
        """Look at the model's limits for one request, which a workload may need.

        Args:
            slo: the metrics that they are of; empty where none were written.

        Raises:
            ConfigError: it needs some.
        """

    def describe(self) -> dict[str, Any]:
        """Kind, options and a hash of both: two cases with one hash asked the same."""
        facts = {"kind": self.kind, **self.parameters()}
        # A file counts by its content, wherever it lies.
        asked = {name: value for name, value in facts.items() if name != "prompts"}
        digest = short_hash(json.dumps(asked, sort_keys=True))
        return {**facts, "hash": digest}

    def parameters(self) -> dict[str, Any]:
        """The options in force, as JSON types; those that are not set are left out."""
        return self.model_dump(mode="json", exclude_none=True)
