"""`--update-baselines`: the controller records this session in the baseline files, or prunes them.

Limits: runs once, after the last test, over the valid cases of this run; what it did and what it refused is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_inferbench.baselines.candidate import Candidate, by_file
from pytest_inferbench.baselines.decided import plan_decided
from pytest_inferbench.baselines.gates import case_rules
from pytest_inferbench.baselines.noise import plan_noise
from pytest_inferbench.baselines.older import plan_takeover
from pytest_inferbench.baselines.place import Mode, is_regressed
from pytest_inferbench.baselines.prune import plan_prune
from pytest_inferbench.baselines.telling import told_lines
from pytest_inferbench.baselines.update import plan_update
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.plan.models import SERVED
from pytest_inferbench.stats.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from pytest_inferbench.baselines.changes import CaseUpdate, Update
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.config.document import Section
    from pytest_inferbench.plan.cell import Cell


_NOTHING_ACCEPTED = (
    "--accept-regressions accepted nothing: no case regressed this time, so each was recorded as any other; "
    "--baseline-mode reseat makes it the new level"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an update.

    Attributes:
        lines: what to tell people.
        went_well: whether all of it could be done.
        cases: what happened to each case.
    """

    lines: Sequence[str]
    went_well: bool = True
    cases: Sequence[CaseUpdate] = ()


def update(
    context: RunContext,
    cells: Callable[[], Sequence[Cell]],
    cases: Sequence[CaseResult],
    started: str,
    *,
    interrupted: bool,
    left: int,
) -> Outcome:
    """Record what a run has measured, where that was asked for; nothing of one that was interrupted.

    Args:
        context: the run.
        cells: its matrix, planned when it is asked for.
        cases: the run's cases.
        started: when the run began, ISO 8601.
        interrupted: it was ended before all of it had its turn.
        left: how many of its selected tests have not ended.
    """
    if not context.settings.update_baselines:
        return Outcome(())
    if interrupted:
        what = f"; {left} of its tests had not ended" if left else ""
        return Outcome((f"baselines not updated: the run was interrupted{what}",), went_well=False)
    if context.settings.compare is not None:
        return record_pairs(context, cases)
    return update_baselines(context, cells(), cases, started)


def update_baselines(context: RunContext, cells: Sequence[Cell], cases: Sequence[CaseResult], started: str) -> Outcome:
    """Record the cases.

    Args:
        context: the run.
        cells: its matrix, which knows each model's policy.
        cases: the run's cases.
        started: when the run began, ISO 8601.
    """
    settings, store, policies = context.settings, context.baselines, _policies(cells)
    candidates = [
        Candidate(result, context.machine, _policy_of(result, policies), context.extensions.metrics) for result in cases
    ]

    def plan() -> Iterator[Update]:
        for key, group in by_file(candidates).items():
            yield plan_update(
                store.read(*key),
                group,
                run_id=context.run_id,
                date=now(),
                started=datetime.fromisoformat(started),
                mode=Mode(settings.baseline_mode or Mode.APPEND),
                accept_regressions=settings.accept_regressions,
            )
            yield from _takeover(context, *key)

    outcome = _carry_out(context, plan)
    if settings.accept_regressions and outcome.went_well and not any(map(is_regressed, candidates)):
        return replace(outcome, lines=(*outcome.lines, _NOTHING_ACCEPTED))
    return outcome


def record_pairs(context: RunContext, cases: Sequence[CaseResult]) -> Outcome:
    """Record the results of pairs: an A/A run records its cases' noise, any other settles sessions that wait."""
    grouped: dict[tuple[str, str, str], list[CaseResult]] = {}
    for result in cases:
        grouped.setdefault((result.model, result.backend, result.hardware), []).append(result)

    def plan() -> Iterator[Update]:
        for key, results in grouped.items():
            plan_pairs = plan_noise if _is_aa(context) else plan_decided
            yield plan_pairs(context.baselines.read(*key), results, context.run_id, now())
            yield from _takeover(context, *key)

    return _carry_out(context, plan)


def prune_baselines(
    context: RunContext, cells: Sequence[Cell], suite: Mapping[tuple[str, str], Collection[str]]
) -> Outcome:
    """Drop what no suite has and nothing looks at, from the files of this run's models and backends, on any hardware.

    Args:
        context: the run.
        cells: its matrix.
        suite: (model, backend) -> keys of all cases of the suite.
    """
    policies = _policies(cells)

    def plan() -> Iterator[Update]:
        for (model, backend), keys in suite.items():
            baselines = context.baselines.read_all(model, backend, context.hardware)
            file, above = baselines[0].file, policies[model, backend]

            def window(key: str, file: Any = file, above: tuple[Section, ...] = above) -> int:  # noqa: ANN401
                return next((rule.window for rule in case_rules(file, key, above).values()), Rule().window)

            yield plan_prune(baselines, keys, window)

    if not suite:
        return Outcome(("baselines not pruned: no benchmark was collected, so all of them would go",), went_well=False)
    return _carry_out(context, plan, "baselines not pruned", "nothing in them is superfluous")


def _carry_out(
    context: RunContext,
    plan: Callable[[], Iterable[Update]],
    not_done: str = "baselines not updated",
    nothing: str = "no case was measured",
) -> Outcome:
    """Plan everything before anything is written, then write it."""
    try:
        updates = list(plan())
    except InferbenchError as error:
        return Outcome((f"{not_done}: {error}",), went_well=False)
    outcome = _write(context, updates)
    return outcome if outcome.lines else Outcome((f"{not_done}: {nothing}",))


def _takeover(context: RunContext, model: str, backend: str, hardware: str) -> Iterator[Update]:
    """What a file of version 1 needs besides: the program's figures of every hardware leave people's lines."""
    baseline = context.baselines.read(model, backend, hardware)
    if baseline.file.older is not None:
        others = [name for name in baseline.file.older if name != baseline.hardware]
        yield plan_takeover([baseline, *(context.baselines.read(model, backend, name) for name in others)])


def _write(context: RunContext, updates: Iterable[Update]) -> Outcome:
    lines: list[str] = []
    written: dict[str, None] = {}
    cases: list[CaseUpdate] = []
    for update in updates:
        lines += [*told_lines(update.cases), *update.notes]
        try:
            written |= dict.fromkeys(context.baselines.write(update))
        except InferbenchError as error:
            lines += [f"wrote {name}" for name in written]
            return Outcome([*lines, f"baselines not updated: {error}"], went_well=False, cases=cases)
        cases += update.cases
    return Outcome([*lines, *(f"wrote {name}" for name in written)], cases=cases)


def _is_aa(context: RunContext) -> bool:
    a, _, b = str(context.settings.compare).partition("..")
    return a == b


def now() -> str:
    """The time of day as files have it."""
    return SYSTEM_CLOCK.wall().isoformat(timespec="seconds")


def _policy_of(case: CaseResult, policies: Mapping[tuple[str, str], tuple[Section, ...]]) -> tuple[Section, ...]:
    """That of its cell; a server that was only given by its address has said its model's name since."""
    own = policies.get((case.model, case.backend))
    return policies.get((SERVED, case.backend), ()) if own is None else own


def _policies(cells: Iterable[Cell]) -> dict[tuple[str, str], tuple[Section, ...]]:
    return {(cell.model, cell.backend): cell.policy for cell in cells}
