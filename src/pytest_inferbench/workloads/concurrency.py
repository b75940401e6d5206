"""concurrency: N closed-loop streams. How latency and throughput move as a server gets busy."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from pytest_inferbench.load.shape import ClosedLoop, Load
from pytest_inferbench.workloads.prompted import PromptedWorkload
from pytest_inferbench.workloads.workload import RoundContext, Steps


class Concurrency(PromptedWorkload):
    """`streams` users, each sending its next request when its last one has ended."""

    kind: ClassVar[str] = "concurrency"
    streams: int = Field(ge=1)
    """Users at once, each on a connection of its own."""
    requests: int = Field(ge=1)
    """Requests in a round, over all streams."""

    @model_validator(mode="after")
    def _enough_requests(self) -> Self:
        if self.requests < self.streams:
            raise ValueError(f"requests: got {self.requests}, expected at least one for each of {self.streams} streams")
        return self

    @property
    def planned_requests(self) -> int:
        """Requests in one round."""
        return self.requests

    @property
    def concurrency(self) -> int:
        """Closed-loop streams."""
        return self.streams

    def steps(self, context: RoundContext) -> Steps:
        """One load of `requests` different prompts over `streams` streams."""
        yield self.warm_up(context, self.requests)

    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """The same streams with fewer requests."""
        return Load(self.ask(context, max(requests, self.streams)), ClosedLoop(self.streams))
