"""How many requests a starter's benchmarks send: as many as make a session of about two minutes on the server at hand.

Limits: pure; a pace in, fixed numbers out. They are written into the benchmark once, and the same every night: a
baseline compares only what was asked alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from pytest_inferbench.measure.aggregate import MIN_SAMPLES
from pytest_inferbench.options import OPTIONS

TOKENS: Final = 64
"""Tokens of a prompt, and of an answer, in the starter's benchmarks."""
USERS: Final = 4
"""The most users at once in the starter's benchmarks."""

_ROUNDS: Final[int] = next(option.default for option in OPTIONS if option.flag == "--bench-rounds")
_WARM_UP: Final[int] = next(option.default for option in OPTIONS if option.flag == "--bench-warmup")
_WANTED_S: Final = 120.0
_FIXED_S: Final = 12.0  # pytest itself, what is read of server and client beside the load, the reports
_FEWEST: Final = 3  # a round's median of fewer is one request's luck
_MOST: Final = math.ceil(MIN_SAMPLES["p99"] / _ROUNDS)  # the last statistic that more requests would add
_UNMEASURED: Final = 8


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a server answers the starter's requests.

    Attributes:
        alone: requests a second, one at a time.
        together: the same of `USERS` at once.
        start_s: seconds until it is ready, and until prompts of exact length can be made for it.
    """

    alone: float
    together: float
    start_s: float

    def session_s(self, requests: int) -> float:
        """Seconds of a session that sends so many requests a user and round.

        One user is measured twice: as `single`, and as the first of `concurrency`.
        """
        warm_up = 2 * _WARM_UP / self.alone + max(_WARM_UP, USERS) / self.together
        return _FIXED_S + self.start_s + warm_up + requests * _ROUNDS * (2 / self.alone + USERS / self.together)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the benchmark's file says.

    Attributes:
        single: requests of one user.
        each: requests of each of several.
        about: what they were chosen for, as sentences of the file's docstring.
    """

    single: int
    each: int
    about: str


STARTER: Final = Counts(
    64,
    48,
    "The counts suit a small model; `inferbench init --model MODEL` says which suit yours. Choose before you record\n"
    "baselines: another count is another workload, with nothing to compare with.",
)


def counts_for(name: str, pace: Pace | None) -> Counts:
    """The counts for a model.

    Args:
        name: what it is called.
        pace: how fast it is served; None where that is not known.
    """
    if pace is None:
        lines = [
            f"Nobody measured how fast {name} is served: the counts are small, and `inferbench init` knows better ones."
        ]
        requests = _UNMEASURED
    else:
        requests = requests_for(pace)
        lines = [f"The counts suit {name} where it was measured: {length(pace.session_s(requests))} a session."]
    lines.append("Another count is another workload, with nothing to compare with.")
    lines += [short] if (short := _cannot(requests)) else []
    return Counts(requests, requests, "\n".join(lines))


def requests_for(pace: Pace) -> int:
    """Requests of a user in a round, of a session that takes about two minutes.

    Never fewer than a median needs, and no more than the furthest tail needs.
    """
    left = _WANTED_S - pace.session_s(0)
    requests = int(left / (pace.session_s(1) - pace.session_s(0)))
    return min(max(requests, _FEWEST), _MOST)


def length(seconds: float) -> str:
    """A length of time in words: `about 40 seconds`, `about 2 minutes`."""
    if seconds < 90:  # noqa: PLR2004 - from there on minutes say it well enough
        return f"about {max(round(seconds, -1), 10):.0f} seconds"
    return f"about {seconds / 60:.0f} minutes"


def _cannot(requests: int) -> str:
    """Which tails so few requests cannot have; "" where they can."""
    samples = requests * _ROUNDS
    if samples >= MIN_SAMPLES["p95"]:
        return ""
    return (
        f"{_ROUNDS} rounds of {requests} requests of one user are {samples}: enough for p50, not for p95, which needs "
        f"{MIN_SAMPLES['p95']}."
    )
