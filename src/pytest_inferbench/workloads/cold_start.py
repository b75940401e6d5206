"""cold_start: a fresh server for every round. How long until it serves its first token, and how its first answers are.

`cold_start_s` is the time from the server's start to its first token: loading weights, building or capturing what
the engine needs, warming up. What the system has in its file cache stays there; nothing is downloaded in this time.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from pytest_inferbench.load.shape import ClosedLoop, Load
from pytest_inferbench.workloads.prompted import PromptedWorkload
from pytest_inferbench.workloads.workload import RoundContext, Steps


class ColdStart(PromptedWorkload):
    """A server is started for each round, and asked `requests` requests one after the other."""

    kind: ClassVar[str] = "cold_start"
    fresh_server: ClassVar[bool] = True
    requests: int = Field(default=1, ge=1)
    """Requests in a round."""
    output_tokens: int = Field(default=32, ge=1)
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
        """One load on one stream."""
        yield self.warm_up(context, self.requests)

    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """The same with another number of requests; never asked for, since nothing may be warm."""
        return Load(self.ask(context, requests), ClosedLoop(1))
