"""Results that may enter a baseline: which files they belong to, and what they leave there.

Limits: pure; nothing is decided here but identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_inferbench.baselines.fingerprint import Fingerprint, of_result
from pytest_inferbench.baselines.lines import NAME, Aside, Session
from pytest_inferbench.baselines.names import case_key
from pytest_inferbench.errors import BaselineError
from pytest_inferbench.metrics.table import METRICS, zero_of
from pytest_inferbench.stats.rule import Kind, kind_of
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_inferbench.config.document import Section
    from pytest_inferbench.document.case import CaseResult
    from pytest_inferbench.metrics.table import Metric
    from pytest_inferbench.units import Zero

_STORED_DIGITS: Final = 6


class BaselineKey(NamedTuple):
    """Which pair of files a case belongs to."""

    model: str
    backend: str
    hardware: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case's result with what its session line needs beside it.

    Attributes:
        result: the judged result.
        machine: parts of the machine it was measured on (`measure.environment.machine_parts`).
        policy: the `policy:` sections of its model and its suite, the nearer first.
        table: every metric by its name.
    """

    result: CaseResult
    machine: Mapping[str, str] = field(default_factory=dict)
    policy: tuple[Section, ...] = ()
    table: Mapping[str, Metric] = field(default_factory=lambda: METRICS)

    @property
    def key(self) -> str:
        """The case as the baseline files name it."""
        return case_key(self.result.case, self.result.variant)

    @property
    def fingerprint(self) -> Fingerprint:
        """The circumstances it was measured in."""
        return of_result(self.result, self.machine)

    def direction(self, name: str) -> Direction:
        """Which way is better for `metric.statistic`; neutral for a metric the result lacks."""
        summary = self.result.metrics.get(name.partition(".")[0])
        return Direction.NEUTRAL if summary is None else Direction(summary.direction)

    def to_session(
        self,
        run_id: str,
        date: str,
        segment: str,
        gates: Sequence[str],
        aside: Mapping[str, Aside] | None = None,
        known: Collection[str] = (),
    ) -> Session:
        """The session line of this candidate.

        Args:
            run_id: the run's id.
            date: when it was.
            segment: where it belongs.
            gates: the figures it is judged by.
            aside: those of them in which it waits.
            known: hashes over server arguments that earlier lines of the case have.
        """
        result, seen = self.result, self.fingerprint
        completed = result.metrics.get("e2e_ms")
        return Session(
            id=run_id,
            date=date,
            case=result.case,
            variant=result.variant,
            segment=segment,
            version=seen.version,
            image=seen.image,
            provision=seen.provision,
            server_args_hash=seen.server_args,
            server_args=None if seen.args is None or seen.server_args in known else dict(seen.args),
            workload_hash=seen.workload,
            token_method=seen.token_method,
            canary=seen.canary,
            served_model=seen.served_model,
            machine={**seen.machine, NAME: result.hardware},
            requests=(completed.n if completed else None) or 0,
            issued=result.issued or None,
            failed=result.failed,
            gates=list(gates),
            aside=dict(aside) if aside else None,
            rounds=(rounds := self._rounds()),
            pooled=self._pooled_tails(rounds) or None,
        )

    def _rounds(self) -> dict[str, tuple[float | None, ...]]:
        """The figures of each round for every metric that has a better and a worse side, and any to compare with."""
        rounds = self.result.rounds
        names = dict.fromkeys(name for figures in rounds for name in figures)
        stored = {
            name: tuple(_stored_figure(figures.get(name), zero_of(name, self.table)) for figures in rounds)
            for name in names
            if self.direction(name) is not Direction.NEUTRAL
        }
        return {name: figures for name, figures in stored.items() if any(figure is not None for figure in figures)}

    def _pooled_tails(self, names: Iterable[str]) -> dict[str, float]:
        """The tails among these figures over all requests."""
        tails = {name: self.result.figure(name) for name in names if kind_of(name) is Kind.TAIL}
        stored = {name: _stored_figure(figure, zero_of(name, self.table)) for name, figure in tails.items()}
        return {name: figure for name, figure in stored.items() if figure is not None}


def _stored_figure(figure: float | None, zero: Zero | None) -> float | None:
    """The figure, rounded as a line holds it; None where it is not above 0, so that no ratio can be made of it."""
    positive = figure is not None and figure + (zero.added if zero else 0.0) > 0
    return float(f"{figure:.{_STORED_DIGITS}g}") if positive else None


def by_file(candidates: Iterable[Candidate]) -> dict[BaselineKey, list[Candidate]]:
    """The candidates of each pair of files.

    Raises:
        BaselineError: two candidates are the same case of a baseline (two versions of one model, say).
    """
    grouped: dict[BaselineKey, list[Candidate]] = {}
    for candidate in candidates:
        result = candidate.result
        group = grouped.setdefault(BaselineKey(result.model, result.backend, result.hardware), [])
        twin = next((other for other in group if other.key == candidate.key), None)
        if twin is not None:
            raise BaselineError(
                f"{twin.result.id} and {result.id} are both {candidate.key} of {result.model} on {result.backend}: a "
                "baseline holds one of them; select one (-k, or one --backend-version) to update it"
            )
        group.append(candidate)
    return grouped
