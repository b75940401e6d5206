"""single: one request at a time. What one user feels on an idle server."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from pytest_inferbench.load.shape import ClosedLoop, Load
from pytest_inferbench.workloads.workload import RoundContext, Steps, Workload


class Single(Workload):
    """One stream, `requests` requests one after the other.

    Attributes:
        requests: requests in a round.
        prompt_tokens: exact prompt length as the server counts it, chat template included.
        output_tokens: tokens generated for each, exactly.
    """

    kind: ClassVar[str] = "single"
    requests: int = Field(default=8, ge=1)
    prompt_tokens: int = Field(default=128, ge=1)
    output_tokens: int = Field(default=64, ge=1)

    @property
    def planned_requests(self) -> int:
        """Requests in one round."""
        return self.requests

    @property
    def concurrency(self) -> int:
        """One."""
        return 1

    def steps(self, context: RoundContext) -> Steps:
        """One load of `requests` different prompts."""
        yield self._load(context, self.requests)

    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """The same with fewer requests."""
        return self._load(context, requests)

    def _load(self, context: RoundContext, requests: int) -> Load:
        prompts = context.prompts.exact(context.rng, requests, self.prompt_tokens, self.output_tokens)
        return Load(prompts, ClosedLoop(1))
