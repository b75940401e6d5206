"""The lines of `<hardware>.jsonl`, the program's own file: sessions, segments, what was left out, and A/A runs.

Idea: a line is written once and never changed. So recording only appends, two branches that record merge by keeping
the lines of both, and whatever else there is to know is derived (`accepted`).
Limits: shapes only. A session's value of a metric is the median over its rounds; which tails are compared is `tails`'.
"""

from __future__ import annotations

import json
import statistics
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from pytest_inferbench.baselines.names import case_key

SCHEMA: Final = 3
"""The version of a line that this package writes, and the newest it reads."""

FIRST: Final = "1"
"""The segment that no line opens: a case's first."""

How = Literal["changed", "accept", "reseat", "improved", "returned"]
"""Why a segment was opened: something incomparable, a regression that a person accepted, a new level that one set; an
improvement that a fresh server or further days repeated, or, where that did not last, the level before it again."""

Aside = Literal["worse", "better"]
"""How a session looked that was repeated and not called: it waits for what further days say."""

NAME: Final = "name"
"""The part of a session's machine that is its name; lines of earlier versions have none."""

WORSE: Final[Aside] = "worse"
BETTER: Final[Aside] = "better"

_Figure = Annotated[float, Field(ge=0, le=1e15, strict=True)]
# A file holds 100,000 of them: tuples of numbers, which Python's garbage collector need not look at, not lists.
_Round = Annotated[float, Field(ge=-1, le=1e15, strict=True)]  # a drift of -100 % is the least there is
_Rounds = Annotated[tuple[_Round | None, ...], Field(strict=False, min_length=1)]


class Line(BaseModel):
    """What every line says.

    Attributes:
        schema_version: of the line (`schema` in the file).
        kind: which of them it is.
        id: of the run that wrote it.
        date: when that was, ISO 8601 in UTC.
        case, variant: which case; the variant is "" without one.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    schema_version: Literal[2, 3] = Field(default=SCHEMA, alias="schema")
    kind: str
    id: str
    date: str
    case: str
    variant: str = ""

    @property
    def key(self) -> str:
        """The case as people's file names it."""
        return case_key(self.case, self.variant)

    @cached_property
    def moment(self) -> datetime:
        """The date as a time; of a day alone its beginning.

        Raises:
            ValueError: it is no date.
        """
        moment = datetime.fromisoformat(self.date)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def to_text(self) -> str:
        """The line of JSON, without its line end."""
        return json.dumps(self.model_dump(by_alias=True, exclude_none=True), ensure_ascii=False, separators=(",", ":"))


class Session(Line):
    """One session of one case, as accepted.

    Attributes:
        segment: the id of the segment it belongs to.
        version: the server's version.
        image: the Docker image with its digest; None without Docker.
        provision: how the server came up; "" where it was not recorded.
        server_args_hash: over the server's arguments.
        server_args: those arguments; None where an earlier line of the case with that hash has them.
        workload_hash: over the workload's parameters; sessions with another one are not comparable.
        token_method: how output tokens were counted; the same holds.
        canary: hash over the greedy canary texts; None where none ran.
        served_model: what a server that was not started by us said it was; None for one that was.
        machine: parts of the machine by name, such as its kernel; its own name as `NAME` (the file's may be a machine's
            whose name differs in what a file name cannot hold).
        requests: requests over all rounds.
        issued, failed: those that were sent, and of them those that failed; None where that was not recorded.
        gates: the figures it is judged by; None where version 1 wrote the line.
        aside: the gates in which it looked like another level; None where in none.
        rounds: `metric.statistic` (or `metric`) -> its figure in each round, None where a round lacks it.
        pooled: tail (`ttft_ms.p95`) -> its figure over all requests; None where that was not recorded.
    """

    kind: Literal["session"] = "session"
    segment: str
    version: str
    image: str | None = None
    provision: str = ""
    server_args_hash: str
    workload_hash: str
    token_method: str
    canary: str | None = None
    served_model: str | None = None
    server_args: dict[str, str] | None = None
    machine: dict[str, str] = Field(default_factory=dict)
    requests: Annotated[int, Field(ge=0)]
    issued: Annotated[int | None, Field(ge=1)] = None
    failed: Annotated[int | None, Field(ge=0)] = None
    gates: list[str] | None = None
    aside: dict[str, Aside] | None = None
    rounds: dict[str, _Rounds]
    pooled: dict[str, _Round] | None = None

    def value(self, metric: str, *, pooled: bool = False) -> float | None:
        """The median over the rounds that have the metric; `pooled`: the figure over all requests; None without."""
        if pooled:
            return (self.pooled or {}).get(metric)
        figures = [figure for figure in self.rounds.get(metric, ()) if figure is not None]
        return statistics.median(figures) if figures else None


class Segment(Line):
    """From here on a case's figures have another level.

    Attributes:
        id: also the segment's: sessions name it.
        how: `reseat` moves relative budgets too; the others do not.
        why: in words for people.
        takes: runs whose sessions, recorded before, turned out to be of it.
    """

    kind: Literal["segment"] = "segment"
    how: How
    why: str = ""
    takes: list[str] | None = None


class LeftOut(Line):
    """Sessions that waited, and turned out to be the beginning of a regression: they count for nothing.

    Attributes:
        sessions: the runs that recorded them.
        why: in words for people.
    """

    kind: Literal["left_out"] = "left_out"
    sessions: Annotated[list[str], Field(min_length=1)]
    why: str = ""


class Noise(Line):
    """What an A/A run measured of one case.

    Attributes:
        version: the server's.
        workload_hash: over the workload's parameters; of another workload it says nothing.
        pairs: pairs of fresh servers behind it.
        restart_sd: `metric.statistic` -> relative SD of one fresh server among those of its hour.
    """

    kind: Literal["noise"] = "noise"
    version: str
    workload_hash: str
    pairs: Annotated[int, Field(ge=1)]
    restart_sd: dict[str, _Figure]


KINDS: Final[dict[str, type[Line]]] = {"session": Session, "segment": Segment, "left_out": LeftOut, "noise": Noise}
"""What a line may be, by its `kind`."""


def renew_line(data: dict[str, Any]) -> dict[str, Any]:
    """A line of version 1, which were all sessions and numbered their segments, as one of version 2."""
    kept = {name: value for name, value in data.items() if name != "how"}
    segment = {"segment": str(data["segment"])} if isinstance(data.get("segment"), int) else {}
    return {**kept, "schema": 2, "kind": "session", **segment}


def segment_of(data: dict[str, Any]) -> Segment | None:
    """The segment that a valid session of version 1 is of, if it is not the first: its first session says how."""
    number, how = data["segment"], data.get("how")
    if not isinstance(number, int) or number <= int(FIRST):
        return None
    return Segment(
        id=str(number),
        date=data["date"],
        case=data["case"],
        variant=data.get("variant", ""),
        how=how if how in ("accept", "reseat") else "changed",
    )
