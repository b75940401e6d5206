"""prefix: prompts that share their beginning. What the server's prefix cache is worth: the same case cold and warm."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pytest_inferbench.load.shape import ClosedLoop, Load
from pytest_inferbench.wire.protocol import GenerationRequest, Message
from pytest_inferbench.workloads.workload import RoundContext, Steps, Workload


class Prefix(Workload):
    """Prompts of a prefix and a suffix of exact lengths.

    Warm: all share the prefix, which the server has seen just before, in a step that is not counted (tag `prime`).
    Cold: each has a prefix of its own, so that nothing can be reused; all lengths are those of the warm case.
    """

    kind: ClassVar[str] = "prefix"
    prefix_tokens: int = Field(default=512, ge=1)
    """Tokens of the prefix; what the chat template adds comes on top."""
    suffix_tokens: int = Field(default=64, ge=1)
    """Tokens that each prompt has for itself."""
    output_tokens: int = Field(default=64, ge=1)
    """Tokens generated for each, exactly."""
    cache: Literal["cold", "warm"]
    """`cold` or `warm`; checked against the server's own count of cached tokens."""
    streams: int = Field(default=1, ge=1)
    """How many requests at once."""
    requests: int = Field(default=8, ge=1)
    """Requests in a round, over all streams."""

    @model_validator(mode="after")
    def _enough_requests(self) -> Self:
        if self.requests < self.streams:
            raise ValueError(f"requests: got {self.requests}, expected at least one for each of {self.streams} streams")
        return self

    @property
    def planned_requests(self) -> int:
        """Requests in one round; those that warm the cache do not count."""
        return self.requests

    @property
    def concurrency(self) -> int:
        """Closed-loop streams."""
        return self.streams

    @property
    def planned_cached_share(self) -> float:
        """The prefix's share of the prompt where it is warm."""
        return self.prefix_tokens / (self.prefix_tokens + self.suffix_tokens) if self.cache == "warm" else 0.0

    def steps(self, context: RoundContext) -> Steps:
        """Where it is warm, one request a stream that brings the prefix into the cache; then the requests."""
        if self.cache == "cold":
            yield self.warm_up(context, self.requests)
            return
        prefix = context.prompts.opening(context.rng, self.prefix_tokens)
        # One for each stream: a server with a cache for each slot (llama.cpp) must have it in every slot.
        prime = tuple(self._request(context, prefix, 1, tag="prime") for _ in range(self.streams))
        yield Load(prime, ClosedLoop(self.streams), counted=False)
        requests = tuple(self._request(context, prefix, self.output_tokens) for _ in range(self.requests))
        yield Load(requests, ClosedLoop(self.streams))

    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """Prompts of the same lengths, each with a prefix of its own."""
        count = max(requests, self.streams)
        return Load(
            tuple(
                self._request(context, context.prompts.opening(context.rng, self.prefix_tokens), self.output_tokens)
                for _ in range(count)
            ),
            ClosedLoop(self.streams),
        )

    def _request(self, context: RoundContext, prefix: str, output_tokens: int, *, tag: str = "") -> GenerationRequest:
        make = context.prompts
        suffix = make.words(context.rng, self.suffix_tokens)
        return make.request(
            (Message("user", make.with_lead(prefix, suffix)),),
            output_tokens,
            prompt_tokens=make.led_tokens(self.prefix_tokens + self.suffix_tokens),
            reuse=self.cache == "warm",
            tag=tag,
        )
