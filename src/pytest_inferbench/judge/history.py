"""A case's sessions of today against its accepted sessions, gate by gate.

Idea: a baseline is read once into histories and priors; then each case is judged from them alone, in any process.
Limits: pure. A gate spends error rate only where something is accepted to compare with: all else is NEW whatever is
measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache, cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pytest_inferbench.baselines.check import STEADY_SAMPLES
from pytest_inferbench.baselines.comparable import comparable, histories
from pytest_inferbench.baselines.fingerprint import MACHINE_CHANGED, of_result
from pytest_inferbench.baselines.gates import case_rules
from pytest_inferbench.baselines.lines import SCHEMA
from pytest_inferbench.baselines.names import case_key
from pytest_inferbench.baselines.noise import noise_source
from pytest_inferbench.document.case import Against
from pytest_inferbench.document.figures import Check
from pytest_inferbench.judge.comparison import to_check
from pytest_inferbench.judge.zero import apart, judge_zero, past_of, zero_gate
from pytest_inferbench.metrics.table import zero_of
from pytest_inferbench.stats.diagnostics import order_notes
from pytest_inferbench.stats.gate import judge
from pytest_inferbench.stats.moderation import assumed_prior, moderate, priors
from pytest_inferbench.stats.rounds import resemblance
from pytest_inferbench.stats.sample import Note
from pytest_inferbench.stats.site import Restarts, at_site, pooled_share
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pytest_inferbench.baselines.comparable import Comparable
    from pytest_inferbench.baselines.lines import Noise
    from pytest_inferbench.baselines.schema import Baseline
    from pytest_inferbench.config.document import Section
    from pytest_inferbench.document.case import CaseResult
    from pytest_inferbench.metrics.table import Metric
    from pytest_inferbench.stats.comparison import Comparison
    from pytest_inferbench.stats.distributions import Floats
    from pytest_inferbench.stats.moderation import OwnSpread, Spread
    from pytest_inferbench.stats.rule import Rule
    from pytest_inferbench.stats.site import PooledShare


_EARLIER_RULES: Final = (
    "its accepted sessions are of an earlier version: sessions of one day count as one now, what looks like another "
    "level waits for further days, and an improvement that is measured again opens a level of its own"
)
_OF_ITS_OWN: Final = (
    "--update-baselines --baseline-mode reseat accepts the level of the new machine; --hardware gives the machine a "
    "name of its own"
)
_RECENT: Final = 8
"""Sessions of a gate whose rounds are asked how much they resemble each other."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of one case.

    Attributes:
        checks: one for each gate, or a single one that says why nothing is comparable.
        notes: what a reader must know besides: gates that were left out, circumstances that changed.
        against: what it was compared with, as the run document has it; None of pairs, and where nothing is comparable.
        wants_more: whether another session (or pair) should be measured before this stands.
    """

    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()
    against: Against | None = None
    wants_more: bool = False


class Histories:
    """The accepted sessions of one model, backend and hardware.

    Args:
        baseline: both files.
        metrics: every metric by its name.
        above: the `policy:` sections of the model and the suite, the nearer first.
        machine: the parts of this machine (`measure.environment.machine_parts`).
        pool: the spreads of other models and backends on this hardware (`baselines.pool`).
        today: when today's sessions are measured; None: on a day of their own.

    Raises:
        ConfigError: two settings of a case's policy contradict each other.
    """

    def __init__(
        self,
        baseline: Baseline,
        metrics: Mapping[str, Metric],
        above: Sequence[Section],
        machine: Mapping[str, str],
        pool: Sequence[OwnSpread] = (),
        today: datetime | None = None,
    ) -> None:
        self._baseline = baseline
        self._above = above
        self._machine = machine
        self._metrics = metrics
        self._today = today

        @cache
        def rules(key: str) -> dict[str, Rule]:
            return case_rules(baseline.file, key, above)

        self._rules = rules
        self._histories = histories(baseline, metrics, rules)
        own = [
            history.own_spread(key, rules(key)[gate], gate)
            if zero_of(gate, metrics) is None
            else apart(key, rules(key)[gate])
            for (key, gate), history in self._histories.items()
        ]
        recent = [past.rounds for history in self._histories.values() for past in history.sessions[-_RECENT:]]
        self._resemblance = resemblance(recent)
        self._priors = dict(zip(self._histories, priors(own, pool), strict=True))

    def gates(self, name: str, variant: str) -> int:
        """How many figures a test's cases can be judged by: those of `name`, and of `name#2`, ... where it has more."""
        own = _keys_of(name, variant)
        return sum(bool(history.n and own.fullmatch(key)) for (key, _), history in self._histories.items())

    def written_gates(self, name: str, variant: str) -> int:
        """How many gates a test's cases have, with or without a history; the file knows which it has besides `name`."""
        own = _keys_of(name, variant)
        keys = {case_key(name, variant), *(key for key in self._baseline.file.cases if own.fullmatch(key))}
        return sum(len(self.rules(key)) for key in keys)

    def rules(self, key: str) -> Mapping[str, Rule]:
        """The gates of a case, each with its rule; m is not known here."""
        return self._rules(key)

    def spreads(self, key: str) -> dict[str, Spread]:
        """The session spread of each gate of a case that has a history."""
        own = {gate: history for (case, gate), history in self._histories.items() if case == key and history.n}
        return {
            gate: moderate(
                history.own_spread(key, self._rules(key)[gate]),
                self._priors[key, gate].raised(history.rounds(self._resemblance)),
            )
            for gate, history in own.items()
        }

    def judge(self, sessions: Sequence[CaseResult], gates: int, *, once: str = "", source: str = "") -> Judged:
        """Judge one case.

        Args:
            sessions: its measurements of today, the test's own first and its confirmations after it; all valid.
            gates: m, the gates that alpha is shared by.
            once: why it cannot be measured again on a fresh server; "" where it can.
            source: the option that says m; "" where the run's gates were counted.
        """
        case = sessions[0]
        key = case_key(case.case, case.variant)
        against = comparable(self._baseline, key, of_result(case, self._machine), self._above)
        if against.new is not None:
            return Judged((Check("history", "history", Verdict.NEW, None, note=against.new),))
        checks, notes, wants_more = [], list(against.flags), False
        if against.accepted.sessions and against.accepted.sessions[-1].schema_version < SCHEMA:
            notes.append(_EARLIER_RULES)
        orders: list[Floats] = []
        same_day = self._today is not None and against.accepted.has_day_of(self._today)
        for gate, written in self._rules(key).items():
            if few := _too_few(case, gate):
                notes.append(few)
                continue
            confirmations = 0 if once else written.confirmations
            rule = replace(written, gates=gates, gates_source=source, confirmations=confirmations)
            history = self._histories.get((key, gate))
            if history is None:  # of a metric that nobody knows any more
                history = against.accepted.history(gate, Direction.NEUTRAL, rule.window)
            rule = self._at_site(case, gate, rule)
            prior = self._priors.get((key, gate), assumed_prior(rule.kind))
            figures = [each.session_figure(gate, pooled=history.of_all_requests) for each in sessions]
            if not history.n and all(figure is None for figure in figures):
                continue  # the case has no such figure
            if zero := zero_gate(gate, self._metrics):
                found = judge_zero(zero, sessions, against.accepted, history, rule)
            else:
                found = judge(figures, history, rule, prior, case.in_rounds(gate), self._resemblance, same_day=same_day)
                orders.append(history.current)
            found = _cap_on_other_machine(found, against.machine_change)
            checks.append(to_check(gate, unit_of(case, gate), found, past_of(history, zero)))
            wants_more |= found.wants_more
        if not checks:
            names = ", ".join(self._rules(key)) or "none"
            checks.append(Check("history", "history", Verdict.NEW, None, note=f"it has none of its gates ({names})"))
        notes += [note.message for note in order_notes(orders)]
        return Judged(tuple(checks), tuple(notes), _against(against, once), wants_more)

    def share(self, fresh: Mapping[str, Mapping[str, Restarts]] = MappingProxyType({})) -> PooledShare | None:
        """The share of variance that one day's sessions have in common here; None where no A/A run measured it.

        Args:
            fresh: what an A/A run that is not recorded yet measured, by case key and gate.
        """
        recorded = {
            key: {gate: Restarts(sd, noise.pairs) for gate, sd in noise.restart_sd.items()}
            for key, noise in self._noises.items()
        }
        return pooled_share(
            [
                (restarts, self._histories[key, gate].own_spread(key, self._rules(key)[gate]))
                for key, measured in {**recorded, **{key: each for key, each in fresh.items() if each}}.items()
                for gate, restarts in measured.items()
                if (key, gate) in self._histories
            ]
        )

    @cached_property
    def _noises(self) -> dict[str, Noise]:
        """What A/A runs recorded of the workloads that the cases' last sessions measured, by case."""
        return {
            key: accepted.noise
            for key, accepted in self._baseline.accepted.items()
            if accepted.noise is not None
            and accepted.sessions
            and accepted.noise.workload_hash == accepted.sessions[-1].workload_hash
        }

    @cached_property
    def _site(self) -> tuple[PooledShare | None, str]:
        """What is judged with, and who says so."""
        share = self.share()
        return share, noise_source(list(self._noises.values()), share.gates) if share is not None else ""

    def _at_site(self, case: CaseResult, gate: str, rule: Rule) -> Rule:
        """The rule with what A/A runs said, where one was recorded of this very figure and workload."""
        noise = self._noises.get(case_key(case.case, case.variant))
        if noise is None or gate not in noise.restart_sd or noise.workload_hash != case.workload_hash:
            return rule
        return at_site(rule, *self._site)


def _against(against: Comparable, once: str) -> Against | None:
    if against.since is None:
        return None
    return Against(
        sessions=len(against.accepted.segment),
        since=against.since.date,
        changes=tuple(against.differences),
        unknown=tuple(against.unknown) or None,
        once=once or None,
    )


def _keys_of(name: str, variant: str) -> re.Pattern[str]:
    """The keys of a test's cases: its first one's, and `name#2`, ... of its further workloads."""
    return re.compile(re.escape(name) + r"(#\d+)?" + re.escape(case_key("", variant)))


def _cap_on_other_machine(found: Comparison, machine_change: str) -> Comparison:
    """What is said on another machine: a change may be the machine's, and a fresh server on it would confirm just that.

    Args:
        found: the judged gate.
        machine_change: from `comparable`; "" on a machine that is known.
    """
    if not machine_change or found.verdict not in {Verdict.REGRESSED, Verdict.IMPROVED}:
        return found
    note = Note(
        MACHINE_CHANGED,
        f"the machine changed ({machine_change}), so the change may be the machine's",
    )
    return replace(
        found, verdict=Verdict.INCONCLUSIVE, remedy=_OF_ITS_OWN, notes=(note, *found.notes), wants_more=False
    )


def unit_of(case: CaseResult, gate: str) -> str:
    """The symbol of a gate's unit; "" where the case lacks the metric."""
    summary = case.metrics.get(gate.partition(".")[0])
    return summary.unit if summary is not None else ""


def _too_few(case: CaseResult, gate: str) -> str:
    """Why a tail is left out; "" where it is not."""
    metric, _, statistic = gate.partition(".")
    needed, summary = STEADY_SAMPLES.get(statistic, 0), case.metrics.get(metric)
    if summary is None or summary.n is None or summary.n >= needed:
        return ""
    return f"{gate} was not compared with its history: {statistic} of {summary.n} requests is not steady ({needed})"
