"""concurrency: N closed-loop streams. How latency and throughput move as a server gets busy."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from pytest_inferbench.load.shape import ClosedLoop, Load
from pytest_inferbench.workloads.workload import RoundContext, Steps, Workload


class Concurrency(Workload):
    """`streams` users, each sending its next request when its last one has ended.

    Attributes:
        streams: how many at once (the field's word; `streams` is also the number of connections).
        requests: requests in a round, over all streams.
        prompt_tokens: exact prompt length as the server counts it, chat template included.
        output_tokens: tokens generated for each, exactly.
    """

    kind: ClassVar[str] = "concurrency"
    streams: int = Field(ge=1)
    requests: int = Field(ge=1)
    prompt_tokens: int = Field(default=128, ge=1)
    output_tokens: int = Field(default=128, ge=1)

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
        yield self._load(context, self.requests)

    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """The same streams with fewer requests."""
        return self._load(context, max(requests, self.streams))

    def _load(self, context: RoundContext, requests: int) -> Load:
        prompts = context.prompts.exact(context.rng, requests, self.prompt_tokens, self.output_tokens)
        return Load(prompts, ClosedLoop(self.streams))
