"""What an A/A run leaves: how much fresh servers of one hour scatter, by figure.

Idea: the share of variance that one day's sessions have in common follows from this and from the accepted sessions.
The second grows with every session, so the first is what is kept, and the share is derived anew at each judgement.
Limits: pure; of several A/A runs of a case the latest counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.baselines.changes import Edit, Update
from pytest_inferbench.baselines.figures import figure_text, round_figure
from pytest_inferbench.baselines.lines import Noise
from pytest_inferbench.baselines.names import case_key
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.baselines.schema import Baseline
    from pytest_inferbench.document.case import CaseResult

DIFFERENT = frozenset({Verdict.REGRESSED, Verdict.IMPROVED, Verdict.INVALID})
"""Verdicts that two servers which are alike must not have: a case with one tells nothing of the site."""


def plan_noise(baseline: Baseline, results: Sequence[CaseResult], run_id: str, date: str) -> Update:
    """Record what an A/A run says of its cases.

    Args:
        baseline: both files as read.
        results: cases of this baseline's model, backend and hardware, with what their pairs said.
        run_id: the run's id.
        date: when it ran, ISO 8601 in UTC.
    """
    added: list[Noise] = []
    notes: list[str] = []
    for result in results:
        key = case_key(result.case, result.variant)
        noise = _noise(result, run_id, date)
        said = f"noise not recorded: {noise}" if isinstance(noise, str) else f"noise of {noise.pairs} pairs"
        notes.append(f"{key} on {baseline.hardware}: {said}")
        if isinstance(noise, Noise):
            added.append(noise)
            notes += _scatter(baseline, key, noise)
    edit = {baseline.hardware: Edit(tuple(added))}
    return Update(baseline.file.model, baseline.file.backend, edit, notes=tuple(notes))


def noise_source(noises: Sequence[Noise], gates: int) -> str:
    """The A/A runs behind what is judged with: `A/A run of 2026-11-21, 12 pairs, 21 gates`.

    Args:
        noises: the lines, at least one.
        gates: how many figures of theirs are used.
    """
    days = sorted({noise.date.partition("T")[0] for noise in noises})
    pairs = sorted({noise.pairs for noise in noises})
    runs = "run" if len({noise.id for noise in noises}) == 1 else "runs"
    when, many = (str(each[0]) if len(each) == 1 else f"{each[0]} to {each[-1]}" for each in (days, pairs))
    return f"A/A {runs} of {when}, {many} pairs, {gates} gate{'' if gates == 1 else 's'}"


def _noise(result: CaseResult, run_id: str, date: str) -> Noise | str:
    """What to record of a case; why nothing, where there is a reason."""
    if result.invalid:
        return "the measurement is invalid"
    pairs = [check for check in result.checks if check.comparison is not None and check.comparison.site is not None]
    differing = [check.metric for check in pairs if check.verdict in DIFFERENT]
    if differing:
        return f"{', '.join(differing)} differed between two servers that are alike; find out why"
    found = {check.metric: check.comparison for check in pairs if check.comparison is not None}
    sites = {gate: each.site for gate, each in found.items() if each.site is not None}
    scatter = {gate: site.restart_sd for gate, site in sites.items() if site.restart_sd is not None}
    if not scatter:
        return "no gate has enough pairs"
    return Noise(
        id=run_id,
        date=date,
        case=result.case,
        variant=result.variant,
        version=result.version,
        workload_hash=result.workload_hash or "",
        pairs=min(found[gate].n for gate in scatter),
        restart_sd={gate: round_figure(sd) for gate, sd in scatter.items()},
    )


def _scatter(baseline: Baseline, key: str, noise: Noise) -> list[str]:
    """`old -> new` of each figure, a line each."""
    old = baseline.of(key).noise
    before = old.restart_sd if old else {}
    return [
        f"  {gate}: one server among its like scatters by {_sd_text(before.get(gate))} -> {_sd_text(sd)}"
        for gate, sd in noise.restart_sd.items()
    ]


def _sd_text(sd: float | None) -> str:
    return "none" if sd is None else f"{figure_text(100 * sd)} %"
