"""saturation: the highest concurrency or rate at which the server still keeps its promises (the SLO).

One round is one search. Its levels are steps that do not count (their figures stand under their tags, `c008` or
`r12.5`); the level found is then measured once more, and the case's latencies are those of that step alone, which the
search did not choose for its luck.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import ceil
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.load.shape import ClosedLoop, Load, OpenLoop
from pytest_inferbench.metrics.formulas import RoundView
from pytest_inferbench.metrics.table import met_slo, slo_metric
from pytest_inferbench.metrics.tokens import request_views, token_method
from pytest_inferbench.workloads import arrivals
from pytest_inferbench.workloads.prompted import PromptedWorkload
from pytest_inferbench.workloads.search import highest_passing
from pytest_inferbench.workloads.workload import FindingSteps, Records, RoundContext

_PER_STREAM = 4
_UNSETTLED = 4  # the first of so many parts of a level is not judged


class Saturation(PromptedWorkload):
    """A search for the highest level that meets the SLO: levels double until one does not, then the gap is halved.

    A level meets it if at least `attain` of its requests meet every limit; failed ones do not. Its first quarter is
    not judged: there all streams start at once, or, at a rate, the server is still empty. Where answers have no figure
    that is limited (a stream in clumps has no `tpot_ms`) there is nothing to search by, and no result.

    It stops when the next level would be within `resolution` of the one found (or is the next whole number of
    streams), at `highest`, or after `max_steps` levels. Where not even `lowest` meets the SLO the result is 0; where
    `highest` does, the result is `highest`, and the server may carry more.
    """

    kind: ClassVar[str] = "saturation"
    over: Literal["streams", "rate"] = "streams"
    """`streams` (closed loop; the result is `max_streams`) or `rate` (requests per second sent evenly; the result
    is `max_rate`)."""
    slo: dict[str, float] | None = None
    """Limits for one request, metric name -> figure in its unit; those of the model if it is left out."""
    attain: float = Field(default=0.9, gt=0, le=1)
    """Share of the judged requests that must meet every limit."""
    lowest: float = Field(default=1.0, gt=0)
    """Where the search begins, in streams or requests per second."""
    highest: float = Field(default=256.0, gt=0)
    """Where it ends at the latest, in the same."""
    resolution: float = Field(default=0.1, gt=0, lt=1)
    """How exact the result shall be, as a share of it."""
    max_steps: int = Field(default=12, ge=1)
    """Levels tried at most."""
    requests: int = Field(default=32, ge=4)
    """Requests of a level; a level of n streams sends at least 4 n."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"lowest: got {self.lowest:g}, expected at most highest, which is {self.highest:g}")
        if self.over == "streams" and not (self.lowest.is_integer() and self.highest.is_integer()):
            raise ValueError(f"lowest, highest: got {self.lowest:g}, {self.highest:g}, expected whole streams")
        for name in self.slo or {}:
            try:
                slo_metric(name)
            except ConfigError as error:
                raise ValueError(f"slo: {error}") from None
        return self

    @property
    def planned_requests(self) -> None:
        """Known only when the search has ended."""
        return None

    @property
    def concurrency(self) -> int | None:
        """Streams of the lowest level, which the warm-up has too."""
        return int(self.lowest) if self.over == "streams" else None

    def check_limits(self, slo: Collection[str]) -> None:
        """It searches for where limits are still met, so there must be some."""
        if not self.slo and not slo:
            raise ConfigError(
                "saturation: no limits to search for; write `slo: {ttft_ms: 500, tpot_ms: 50}` here or under the model"
            )

    def steps(self, context: RoundContext) -> FindingSteps:
        """A load for each level of the search, then one of the level found, which counts."""
        self.check_limits(context.slo)
        slo = self.slo or context.slo
        search = highest_passing(
            self.lowest,
            self.highest,
            resolution=self.resolution,
            most_tries=self.max_steps,
            whole=self.over == "streams",
        )
        level = next(search)
        found: float | None = None
        while True:
            records = yield self._load(context, level, counted=False)
            meets = self._meets(records, slo)
            if meets is None and level == self.lowest:
                yield self._load(context, self.lowest, counted=True)
                return {}
            try:
                level = search.send(bool(meets))
            except StopIteration as end:
                found = end.value
                break
        yield self._load(context, found or self.lowest, counted=True)
        return {f"max_{self.over}": found or 0.0}

    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """The lowest level."""
        return self._level(context, self.lowest, requests, counted=False)

    def _load(self, context: RoundContext, level: float, *, counted: bool) -> Load:
        least = ceil(_PER_STREAM * level) if self.over == "streams" else 0
        return self._level(context, level, max(self.requests, least), counted=counted)

    def _level(self, context: RoundContext, level: float, requests: int, *, counted: bool) -> Load:
        tag = "" if counted else f"c{level:03.0f}" if self.over == "streams" else f"r{level:g}"
        asked = self.ask(context, requests, tag=tag)
        if self.over == "streams":
            return Load(asked, ClosedLoop(int(level)), counted)
        return Load(asked, OpenLoop(arrivals.schedule(arrivals.constant(level), requests=requests)), counted)

    def _meets(self, records: Records, slo: Mapping[str, float]) -> bool | None:
        """Whether the level meets the SLO; None where no answer has a figure that is limited."""
        judged = records[len(records) // _UNSETTLED :]
        met = met_slo(RoundView(request_views(judged, token_method(judged)), slo=slo))
        if met is None:
            return None if any(record.failure is None for record in judged) else False
        return sum(met) >= self.attain * len(met)
