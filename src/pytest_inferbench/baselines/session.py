"""Accepted sessions: one line of JSON for each session and case, and what is derived from them.

Law: pure. A session's value of a metric is the median over its rounds; `accepted` in the YAML file is the median over
the sessions of the current segment. A segment is a run of sessions that share one location: a new one opens where
what is measured changed.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from pytest_inferbench.baselines.figures import round_figure
from pytest_inferbench.baselines.names import case_key
from pytest_inferbench.config.validate import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SCHEMA: Final = 1
"""The version of both baseline files that this package writes, and the newest it reads."""

How = Literal["append", "reseat", "accept"]
"""How a session was accepted."""


class Session(Shape):
    """One session of one case, as accepted.

    Attributes:
        schema_version: of the line (`schema` in the file).
        id: the run's id.
        date: when it was measured, ISO 8601 in UTC.
        case, variant: which case; the variant is "" without one.
        segment: number of the segment, from 1.
        how: `append`: joined its segment or began the first; `reseat`: opened a segment because a person said so;
            `accept`: the same for a regression.
        version: the server's version.
        image: the Docker image with its digest; None without Docker.
        provision: how the server came up; "" where it was not recorded.
        server_args_hash: over the server's arguments.
        workload_hash: over the workload's parameters; sessions with another one are not comparable.
        token_method: how output tokens were counted; the same holds.
        canary: hash over the greedy canary texts; None where none ran.
        served_model: what a server that was not started by us said it was; None for one that was.
        machine: parts of the machine by name, such as its kernel; its name is the file's.
        requests: requests over all rounds.
        rounds: `metric.statistic` (or `metric`) -> its figure in each round, None where a round lacks it.
    """

    schema_version: Literal[1] = Field(alias="schema")
    id: str
    date: str
    case: str
    variant: str = ""
    segment: Annotated[int, Field(ge=1)]
    how: How
    version: str
    image: str | None = None
    provision: str = ""
    server_args_hash: str
    workload_hash: str
    token_method: str
    canary: str | None = None
    served_model: str | None = None
    machine: dict[str, str] = Field(default_factory=dict)
    requests: Annotated[int, Field(ge=0)]
    rounds: dict[str, list[float | None]]

    @property
    def key(self) -> str:
        """The case as the YAML file names it."""
        return case_key(self.case, self.variant)

    def value(self, metric: str) -> float | None:
        """The median over the rounds that have the metric; None where none has."""
        figures = [figure for figure in self.rounds.get(metric, ()) if figure is not None]
        return statistics.median(figures) if figures else None

    def to_line(self) -> str:
        """The session as a line of JSON, without its line end."""
        return json.dumps(self.model_dump(by_alias=True, exclude_none=True), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a case is compared with, as the YAML file shows it.

    Attributes:
        version, image: of the latest session.
        sessions: how many the current segment has.
        figures: gated metric -> median over those sessions, rounded as the file rounds.
        source: where it is written, `file:line`; "" for one that was derived.
    """

    version: str
    image: str | None
    sessions: int
    figures: Mapping[str, float]
    source: str = ""


def accepted_entries(accepted: Accepted) -> dict[str, str | int | float]:
    """The same as the mapping the YAML file holds."""
    image = {} if accepted.image is None else {"image": accepted.image}
    return {"version": accepted.version, **image, "sessions": accepted.sessions, **accepted.figures}


def current_segment(sessions: Iterable[Session], key: str) -> tuple[Session, ...]:
    """The sessions of a case that a new one is compared with, oldest first."""
    own = [session for session in sessions if session.key == key]
    return tuple(session for session in own if session.segment == own[-1].segment)


def derive_accepted(segment: Sequence[Session], metrics: Iterable[str]) -> Accepted:
    """What the YAML file should say of a segment, which must not be empty; metrics no session has are left out."""
    figures = {}
    for metric in metrics:
        values = [value for session in segment if (value := session.value(metric)) is not None]
        if values:
            figures[metric] = round_figure(statistics.median(values))
    return Accepted(segment[-1].version, segment[-1].image, len(segment), figures)
