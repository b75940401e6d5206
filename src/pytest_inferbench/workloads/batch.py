"""batch: all requests of a batch at once, batch after batch. What offline work takes."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from pytest_inferbench.load.shape import ClosedLoop, Load
from pytest_inferbench.workloads.prompted import PromptedWorkload
from pytest_inferbench.workloads.workload import RoundContext, Steps


class Batch(PromptedWorkload):
    """`batches` batches of `batch_size` requests; the next begins when the last answer of one is complete.

    `wall_s` and the rates are those of the batches without the pauses between them.
    """

    kind: ClassVar[str] = "batch"
    batch_size: int = Field(ge=1)
    """Requests sent at once."""
    batches: int = Field(default=4, ge=1)
    """Batches in a round."""

    @property
    def planned_requests(self) -> int:
        """Requests in one round."""
        return self.batches * self.batch_size

    @property
    def concurrency(self) -> int:
        """Requests of a batch: each has a stream of its own."""
        return self.batch_size

    def steps(self, context: RoundContext) -> Steps:
        """One load a batch."""
        requests = self.ask(context, self.planned_requests)
        for first in range(0, len(requests), self.batch_size):
            yield Load(requests[first : first + self.batch_size], ClosedLoop(self.batch_size))

    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """A batch, or more than one at once where more requests are wanted."""
        return Load(self.ask(context, max(requests, self.batch_size)), ClosedLoop(self.batch_size))
