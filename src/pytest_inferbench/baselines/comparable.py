"""What a new result is compared with: the accepted sessions of its case that measured the same thing.

Law: pure. Sessions of every segment are given, because an accepted upgrade moves the location and keeps the spread
(`stats.history`); those of another workload or token method are not among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.fingerprint import flags, incomparable, of_session
from pytest_inferbench.stats.history import History, read_history
from pytest_inferbench.stats.sample import Past

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_inferbench.baselines.fingerprint import Fingerprint
    from pytest_inferbench.baselines.schema import Baseline
    from pytest_inferbench.baselines.session import Session
    from pytest_inferbench.metrics.table import Metric
    from pytest_inferbench.stats.rule import Rule


@dataclass(frozen=True, slots=True)
class Comparable:
    """The comparable history of one case.

    Attributes:
        key: the case as the files name it.
        new: why nothing is comparable, which makes the case NEW, in words for people; None where something is.
        sessions: what it is compared with, oldest first, of all segments; empty where it is NEW.
        flags: what differs from the last of them and is compared all the same, one sentence each.
    """

    key: str
    new: str | None
    sessions: tuple[Session, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def segment(self) -> tuple[Session, ...]:
        """The sessions of the current segment: those whose location counts."""
        return tuple(session for session in self.sessions if session.segment == self.sessions[-1].segment)

    def past(self, metric: str) -> tuple[Past, ...]:
        """The figures of `metric.statistic` for `stats.history.read_history`, oldest first; None where one has none."""
        return tuple(
            Past(session.value(metric), session.segment, tuple(session.rounds.get(metric, ())))
            for session in self.sessions
        )


def comparable(baseline: Baseline, key: str, now: Fingerprint) -> Comparable:
    """The accepted sessions that a new result can be set beside.

    Args:
        baseline: both files of its model, backend and hardware.
        key: the case's key (`names.case_key`).
        now: the new result's circumstances (`fingerprint.of_result`).
    """
    own = [session for session in baseline.sessions if session.key == key]
    if not own:
        known = key in baseline.file.cases
        why = f"no baseline on this hardware ({baseline.hardware})" if known else "no baseline for this case"
        return Comparable(key, why)
    last = of_session(own[-1])
    why_not = incomparable(last, now)
    if why_not is not None:
        return Comparable(key, why_not)
    return Comparable(key, None, _like(own, last), flags(last, now))


def histories(
    baseline: Baseline, metrics: Mapping[str, Metric], rules: Callable[[str], Mapping[str, Rule]]
) -> dict[tuple[str, str], History]:
    """The history of every gate of every case of this hardware: what `stats.moderation.priors` pools.

    Args:
        baseline: both files.
        metrics: every metric by its name.
        rules: case key -> its gates (`metric.statistic`) with their rules.

    Returns:
        (case key, gate) -> its history, for the cases that have sessions here. A gate of no known metric is left
        out.
    """
    by_case: dict[str, list[Session]] = {}
    for session in baseline.sessions:
        by_case.setdefault(session.key, []).append(session)
    found = {}
    for key, own in by_case.items():
        like = Comparable(key, None, _like(own, of_session(own[-1])))
        for gate, rule in rules(key).items():
            metric = metrics.get(gate.partition(".")[0])
            if metric is not None:
                found[key, gate] = read_history(like.past(gate), metric.direction, rule.window)
    return found


def _like(sessions: list[Session], fingerprint: Fingerprint) -> tuple[Session, ...]:
    return tuple(session for session in sessions if incomparable(of_session(session), fingerprint) is None)
