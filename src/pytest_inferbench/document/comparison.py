"""A figure against what it is compared with, with all that a report says of it and all that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_inferbench.document.part import Count, Part
from pytest_inferbench.stats.comparison import Interval, Record
from pytest_inferbench.stats.order import Order
from pytest_inferbench.stats.rule import ASSUMED
from pytest_inferbench.stats.site import Shared
from pytest_inferbench.units import Direction


@dataclass(frozen=True, slots=True)
class AcceptedSession(Part):
    """One accepted session's figure."""

    value: float
    """In the metric's unit."""
    segment: int
    """A new one begins where the level was set anew."""
    aside: Literal[-1, 1] | None = None
    """It looked worse (1) or better (-1), and was not called."""


Visible = tuple[tuple[float, float], ...]
"""(sessions or pairs, the worsening seen with 80 % power) for several numbers of them."""


@dataclass(frozen=True, slots=True)
class Site(Part):
    """The noise of one figure at this site, and what comparisons here are worth: of an A/A run."""

    pairs: Visible
    """(pairs, worsening seen with 80 % power), each as a fixed plan."""
    false_alarms_per_100: float
    """Runs in 100 with a false alarm that the level allows."""
    restart_sd: float | None = None
    """Relative SD of one fresh server among those of its hour."""
    session_sd: float | None = None
    """Relative SD of one session among days; absent without a history."""
    shared: Shared | None = None
    """c as measured, its 90 % interval, and what to judge with: pooled over so many gates."""
    history: Visible | None = None
    """(accepted sessions, worsening seen with 80 % power); absent without a history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateComparison(Part):
    """A figure against its accepted sessions (history), or arm B against arm A (pairs)."""

    direction: Direction
    """Which way is better."""
    baseline: float | None = None
    """Geometric mean of the accepted sessions, or of arm A."""
    n: Count
    """Accepted sessions of the current segment, or pairs."""
    k: Count
    """Sessions judged: 1 and the confirmations made."""
    ratio: float | None = None
    """New over old, in the metric's own terms."""
    low: float | None = None
    """Lower end of its interval."""
    high: float | None = None
    """Upper end of its interval."""
    level: float | None = None
    """The interval's confidence."""
    worsening: float | None = None
    """The change as a share, + is worse."""
    sessions: tuple[float, ...]
    """The ratio of each judged session or pair, in order."""
    accepted: tuple[AcceptedSession, ...] | None = None
    """The accepted sessions of a history, oldest first; those of the newest segment are what n counts."""
    screened: bool
    """It looked worse or better at first."""
    confirmed: bool | None = None
    """What further sessions said of what had screened; absent without."""
    days: Count | None = None
    """Days that the accepted sessions of the newest segment are of."""
    together: Count | None = None
    """Days in a row that were judged together, today's included."""
    record: Record | None = None
    """What becomes of the session if it is accepted: it joins the level, waits as a worse or a better one, opens a
    level of its own, or returns to the one before an improvement."""
    equivalent: bool
    """The whole interval lies within the margin."""
    p: float | None = None
    """One-sided p-value of a worsening, before any correction."""
    sign_flip_p: float | None = None
    """The same from all sign flips of the pairs."""
    detectable: float | None = None
    """The worsening that would have been called with 80 % probability: new / old - 1, of what should be high
    old / new - 1."""
    detectable_at: float | None = None
    """The same as the metric's own figure, where a share of a baseline that can be 0 says nothing."""
    needed: Count | None = None
    """How many more sessions or pairs would decide."""
    remedy: str | None = None
    """What would decide an inconclusive figure."""
    false_alarm: float | None = None
    """Upper bound of this gate's false-alarm probability in one run."""
    sd: float | None = None
    """Moderated relative SD of one session, or of one pair's ratio."""
    df: float | None = None
    """Its degrees of freedom."""
    own_sd: float | None = None
    """What its own sessions say."""
    prior: str | None = None
    """What it was moderated with."""
    margin: float
    """The smallest worsening that matters."""
    resolve: float
    """The largest detectable change with which OK may be said."""
    alpha: float
    """One-sided error rate of the run."""
    alpha_each: float
    """This gate's level."""
    gates: Count
    """m: the gates that share the error rate."""
    gates_source: str | None = None
    """The option that says how many gates; absent where the run's own were counted."""
    shared: float
    """c: the share of session variance that one day's sessions have in common."""
    shared_measured: bool
    """Whether c was measured, not assumed."""
    shared_source: str = ASSUMED
    """Who says what c is: assumed, a policy's file:line, or the A/A run."""
    confirmations: Count
    """Further sessions it could have had on a fresh server."""
    notes: tuple[str, ...]
    """Codes of the notes in the check's note."""
    arms: tuple[str, str] | None = None
    """Of pairs: what A and B are called."""
    order: Order | None = None
    """Of pairs: how much slower the second server of a pair was, over all gates, and the part of it that the ratios
    were freed from."""
    site: Site | None = None
    """Of an A/A run: what it says of the site's noise."""

    @property
    def change(self) -> Interval | None:
        """The change with its interval; None where there is none to give."""
        if self.ratio is None or self.low is None or self.high is None:
            return None
        return Interval(self.ratio, self.low, self.high, self.level if self.level is not None else 0.0)
