"""rate: an open loop. What users feel when they come as they like, whatever the server does.

`ttft_scheduled_ms` counts from the planned send time, so a wait that the load generator or a full server causes is
not left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.load.shape import Load, OpenLoop
from pytest_inferbench.workloads import arrivals
from pytest_inferbench.workloads.prompted import PromptedWorkload
from pytest_inferbench.workloads.workload import RoundContext, Steps


class Rate(PromptedWorkload):
    """`rate` requests a second, sent at planned times."""

    kind: ClassVar[str] = "rate"
    rate: float = Field(gt=0)
    """Requests per second; of a ramp, those at its start."""
    arrivals: Literal["constant", "poisson", "gamma", "ramp"] = "poisson"
    """`constant`, `poisson`, `gamma` (bursts, by `cv`) or `ramp` (evenly to `to_rate`)."""
    cv: float | None = Field(default=None, gt=0)
    """Of `gamma`: standard deviation of the gaps between requests / their mean; 1 is Poisson, above are bursts."""
    to_rate: float | None = Field(default=None, gt=0)
    """Of `ramp`: requests per second at its end."""
    requests: int | None = Field(default=None, ge=1)
    """Requests in a round; either this or `seconds`."""
    seconds: float | None = Field(default=None, gt=0)
    """For how long requests are sent in a round; either this or `requests`."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.requests is None) == (self.seconds is None):
            raise ValueError(
                f"requests: got {quote_value(self.requests)} and seconds: {quote_value(self.seconds)}; a round is "
                "bounded by exactly one of them"
            )
        for name, owner in (("cv", "gamma"), ("to_rate", "ramp")):
            if (getattr(self, name) is not None) != (self.arrivals == owner):
                raise ValueError(
                    f"{name}: got {quote_value(getattr(self, name))} with arrivals: {self.arrivals!r}; {owner!r} needs "
                    f"{name}, and nothing else takes it"
                )
        return self

    @property
    def planned_requests(self) -> int | None:
        """Requests in one round; None where chance decides how many come in `seconds`."""
        if self.requests is not None:
            return self.requests
        # Without chance the schedule is the same in every round.
        return len(self._offsets(Random(0))) if self.arrivals in ("constant", "ramp") else None

    def steps(self, context: RoundContext) -> Steps:
        """One load on a schedule of its own."""
        offsets = self._offsets(context.rng)
        if offsets:  # a short round may have no arrival, which `min_requests` judges
            yield Load(self.ask(context, len(offsets)), OpenLoop(offsets))

    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """Fewer requests at an even rate."""
        offsets = arrivals.schedule(arrivals.constant(self.rate), requests=requests)
        return Load(self.ask(context, requests), OpenLoop(offsets))

    def _offsets(self, rng: Random) -> tuple[int, ...]:
        return arrivals.schedule(self._times(rng), requests=self.requests, seconds=self.seconds)

    def _times(self, rng: Random) -> Iterator[float]:
        if self.arrivals == "poisson":
            return arrivals.poisson(self.rate, rng)
        if self.cv is not None:
            return arrivals.gamma(self.rate, self.cv, rng)
        if self.to_rate is not None:
            seconds = self.seconds or 2 * (self.requests or 1) / (self.rate + self.to_rate)
            return arrivals.ramp(self.rate, self.to_rate, seconds)
        return arrivals.constant(self.rate)
