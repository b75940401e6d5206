"""single: one request at a time. What one user feels on an idle server."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from pytest_inferbench.load.shape import ClosedLoop, Load
from pytest_inferbench.workloads.prompted import PromptedWorkload
from pytest_inferbench.workloads.workload import RoundContext, Steps


class Single(PromptedWorkload):
    """One stream, `requests` requests one after the other."""

    kind: ClassVar[str] = "single"
    requests: int = Field(default=8, ge=1)
    """Requests in a round."""
    output_tokens: int = Field(default=64, ge=1)
    """Tokens generated for each, exactly; an entry of `prompts` may say its own."""

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
        yield self.warm_up(context, self.requests)

    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """The same with fewer requests."""
        return Load(self.ask(context, requests), ClosedLoop(1))
