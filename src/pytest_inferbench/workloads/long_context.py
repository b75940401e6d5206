"""long_context: long prompts, short answers. What reading a prompt costs as it grows; one length a case."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from pytest_inferbench.load.shape import ClosedLoop, Load
from pytest_inferbench.workloads.workload import RoundContext, Steps, Workload


class LongContext(Workload):
    """One stream, `requests` prompts of `prompt_tokens` one after the other. Sweep the length over the cases."""

    kind: ClassVar[str] = "long_context"
    prompt_tokens: int = Field(ge=1)
    """Exact prompt length as the server counts it, chat template included."""
    output_tokens: int = Field(default=32, ge=1)
    """Tokens generated for each, exactly; the same in all cases of a sweep."""
    requests: int = Field(default=4, ge=1)
    """Requests in a round."""

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
        prompts = context.prompts.exact(context.rng, requests, self.prompt_tokens, self.output_tokens)
        return Load(prompts, ClosedLoop(1))
