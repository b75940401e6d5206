"""What a workload is: a pure generator of loads, with its options beside it.

Law: no sockets, no clock, no randomness of its own. `rounds` are driven from outside: each asks `steps` for its
loads and sends back what was observed, so a workload whose next step depends on answers is written the same way.
"""

from __future__ import annotations

import hashlib
import json
import random
from abc import abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from pytest_inferbench.load.shape import Load
from pytest_inferbench.records import RequestRecord
from pytest_inferbench.workloads.prompts import PromptMaker

Steps = Generator[Load, tuple[RequestRecord, ...], None]


@dataclass(frozen=True, slots=True)
class RoundContext:
    """What a round's loads are made from.

    Attributes:
        prompts: makes prompts of exact length for the server under test.
        rng: seeded for this case and round; the only source of chance.
    """

    prompts: PromptMaker
    rng: random.Random


class Workload(BaseModel):
    """Base of all workloads: frozen, validated options and one generator.

    Attributes:
        kind: the workload's name in YAML and results.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    kind: ClassVar[str]

    @abstractmethod
    def steps(self, context: RoundContext) -> Steps:
        """The loads of one round; each `yield` answers with that load's records."""

    @abstractmethod
    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """A load of the same shape that is thrown away.

        Args:
            context: as for a round.
            requests: how many at least; never fewer than there are streams.
        """

    @property
    @abstractmethod
    def planned_requests(self) -> int:
        """Requests in one round."""

    @property
    def concurrency(self) -> int | None:
        """Closed-loop streams; None for an open loop."""
        return None

    def describe(self) -> dict[str, Any]:
        """Kind, options and a hash of both: two cases with one hash asked the same."""
        facts = {"kind": self.kind, **self.model_dump(mode="json")}
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
        return {**facts, "hash": digest}
