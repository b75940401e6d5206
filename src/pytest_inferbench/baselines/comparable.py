"""What a new result is compared with: the accepted sessions of its case that measured the same thing.

Limits: pure. Sessions of every segment are given, because an accepted upgrade moves the location and keeps the spread
(`stats.history`); those of another workload or token method are not among them. A machine with other parts may have a
level of its own, and scatters as the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.accepted import Accepted
from pytest_inferbench.baselines.fingerprint import differences, flags, incomparable, machine_change, of_session
from pytest_inferbench.baselines.gates import policy_layers
from pytest_inferbench.baselines.lines import WORSE
from pytest_inferbench.policy import segment_by_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_inferbench.baselines.fingerprint import Fingerprint
    from pytest_inferbench.baselines.lines import Session
    from pytest_inferbench.baselines.schema import Baseline
    from pytest_inferbench.config.document import Section
    from pytest_inferbench.document.case import Difference, Unknown
    from pytest_inferbench.metrics.table import Metric
    from pytest_inferbench.stats.history import History
    from pytest_inferbench.stats.rule import Rule


@dataclass(frozen=True, slots=True)
class Comparable:
    """The comparable history of one case.

    Attributes:
        new: why nothing is comparable, which makes the case NEW, in words for people; None where something is.
        accepted: what it is compared with: sessions of all segments that measured the same; none where it is NEW.
        level: those of them that relative budgets start from.
        flags: what differs from the last of them and is compared all the same, one sentence each.
        since: the last of them that looked no worse than those before it; None where it is NEW.
        differences: everything that differs from that one.
        unknown: what of the two servers nobody knows, so that it may have changed.
        machine_change: the parts by which today's machine is another one than that of every session of the newest
            segment; "" where it is one of theirs.
    """

    new: str | None
    accepted: Accepted = field(default_factory=Accepted)
    level: tuple[Session, ...] = ()
    flags: tuple[str, ...] = ()
    since: Session | None = None
    differences: tuple[Difference, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    machine_change: str = ""


def comparable(baseline: Baseline, key: str, now: Fingerprint, above: Sequence[Section] = ()) -> Comparable:
    """The accepted sessions that a new result can be set beside.

    Args:
        baseline: both files of its model, backend and hardware.
        key: the case's key (`names.case_key`).
        now: the new result's circumstances (`fingerprint.of_result`).
        above: the `policy:` sections of its model and its suite, the nearer first.
    """
    accepted = baseline.of(key)
    if not accepted.sessions:
        entry = baseline.file.cases.get(key)
        if entry is None:
            return Comparable("no baseline for this case")
        others = [name for name in entry.hardware if name != baseline.hardware]
        there = f"; its file knows {', '.join(others)}" if others and baseline.hardware not in entry.hardware else ""
        return Comparable(f"no baseline on this hardware ({baseline.hardware}){there}")
    last = _circumstances(accepted.sessions[-1], accepted)
    why_not = incomparable(last, now)
    if why_not is not None:
        return Comparable(why_not)
    like = measuring_the_same(accepted)
    changed = machine_change([each.machine for each in like.segment], now.machine)
    by_machine = segment_by_machine(policy_layers(baseline.file, key, above))
    if by_machine and changed:
        return Comparable(f"the machine changed ({changed})")
    since = next(
        (each for each in reversed(like.segment) if WORSE not in (each.aside or {}).values()), like.segment[-1]
    )
    then = _circumstances(since, accepted)
    found = Comparable(
        None,
        like,
        like.level,
        flags(last, now),
        since,
        differences(then, now),
        tuple(dict.fromkeys((*then.unknown, *now.unknown))),
        changed,
    )
    if not by_machine:
        return found
    level = tuple(each for each in like.level if not machine_change([each.machine], now.machine))
    return replace(found, level=level)


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
    found = {}
    for key, accepted in baseline.accepted.items():
        if not accepted.sessions:
            continue
        like = measuring_the_same(accepted)
        for gate, rule in rules(key).items():
            metric = metrics.get(gate.partition(".")[0])
            if metric is not None:
                found[key, gate] = like.history(gate, metric.direction, rule.window, metric.zero)
    return found


def measuring_the_same(accepted: Accepted) -> Accepted:
    """The same without the sessions that measured something else than the last one."""
    if not accepted.sessions:
        return accepted
    last = of_session(accepted.sessions[-1])
    alike = {_what_was_measured(each): each for each in accepted.sessions}  # few differ, and many are asked about
    same = {what for what, each in alike.items() if incomparable(of_session(each), last) is None}
    if len(same) == len(alike):
        return accepted
    return replace(accepted, sessions=tuple(each for each in accepted.sessions if _what_was_measured(each) in same))


def _circumstances(session: Session, accepted: Accepted) -> Fingerprint:
    """Those of an accepted session, with its arguments from the line that has them."""
    known = of_session(session)
    return replace(known, args=accepted.arguments.get(session.server_args_hash, known.args))


def _what_was_measured(session: Session) -> tuple[str, str, str | None]:
    """What `incomparable` looks at."""
    return session.workload_hash, session.token_method, session.served_model
