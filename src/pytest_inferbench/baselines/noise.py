"""What an A/A run leaves in the YAML baseline file: how much fresh servers of one hour scatter, by figure.

Idea: the share of variance that one day's sessions have in common follows from this and from the accepted sessions.
The second grows with every session, so the first is what is kept, and the share is derived anew at each judgement.
Law: pure; the next A/A run of a case replaces what the last one said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_inferbench.baselines.edit import lay_over, new_text
from pytest_inferbench.baselines.figures import figure_text, round_figure
from pytest_inferbench.baselines.names import case_key
from pytest_inferbench.baselines.schema import HardwareEntry, Noise
from pytest_inferbench.baselines.update import Change, Update
from pytest_inferbench.baselines.yaml_text import OneLine
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.baselines.schema import Baseline
    from pytest_inferbench.measure.result import CaseResult

_DIFFERENT = frozenset({Verdict.REGRESSED, Verdict.IMPROVED, Verdict.INVALID})


def plan_noise(baseline: Baseline, results: Sequence[CaseResult], date: str) -> Update:
    """Record what an A/A run says of its cases.

    Args:
        baseline: both files as read.
        results: cases of this baseline's model, backend and hardware, with what their pairs said.
        date: the day of the run, ISO 8601.

    Raises:
        BaselineError: the YAML file cannot be edited in place.
    """
    lines: list[str] = []
    cases: dict[str, Any] = {}
    for result in results:
        key = case_key(result.case, result.variant)
        noise = _noise(result, date)
        if isinstance(noise, str):
            lines.append(f"{key} on {baseline.hardware}: noise not recorded: {noise}")
            continue
        cases[key] = {"hardware": {baseline.hardware: {"noise": OneLine(_entries(noise))}}}
        lines += [f"{key} on {baseline.hardware}: noise of {noise.pairs} pairs", *_changes(baseline, key, noise)]
    text = baseline.text
    if cases:
        text = text if text is not None else new_text(baseline.file.model, baseline.file.backend)
        text = lay_over(text, {"cases": cases}, baseline.name)
    return Update(baseline.file.model, baseline.file.backend, Change(baseline.text, text), {}, tuple(lines))


def _noise(result: CaseResult, date: str) -> Noise | str:
    """What to record of a case; why nothing, where there is a reason."""
    if result.invalid:
        return "the measurement is invalid"
    pairs = [check for check in result.checks if check.comparison is not None and "site" in check.comparison]
    differing = [check.metric for check in pairs if check.verdict in _DIFFERENT]
    if differing:
        return f"{', '.join(differing)} differed between two servers that are alike; find out why"
    measured = {check.metric: check.comparison or {} for check in pairs}
    scatter = {gate: found["site"]["restart_sd"] for gate, found in measured.items() if "restart_sd" in found["site"]}
    if not scatter:
        return "no gate has enough pairs"
    return Noise(
        date=date,
        version=result.version,
        workload=str(result.workload["hash"]),
        pairs=min(measured[gate]["n"] for gate in scatter),
        restart_sd={gate: round_figure(sd) for gate, sd in scatter.items()},
    )


def _entries(noise: Noise) -> dict[str, Any]:
    return {
        "date": noise.date,
        "version": noise.version,
        "workload": noise.workload,
        "pairs": noise.pairs,
        "restart_sd": dict(noise.restart_sd),
    }


def _changes(baseline: Baseline, key: str, noise: Noise) -> list[str]:
    """`old -> new` of each figure, a line each."""
    case = baseline.file.cases.get(key)
    old = ((case.hardware.get(baseline.hardware) if case else None) or HardwareEntry()).noise
    before = old.restart_sd if old else {}
    return [
        f"  {gate}: one server among its like scatters by {_shown(before.get(gate))} -> {_shown(sd)}"
        for gate, sd in noise.restart_sd.items()
    ]


def _shown(sd: float | None) -> str:
    return "none" if sd is None else f"{figure_text(100 * sd)} %"
