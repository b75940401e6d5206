"""Runs beside each other: the same cases in columns, with ratios, and a verdict where the statistics allow one.

Limits: pure. A ratio is always to the first column. A verdict is the history gate's own: the last run against the runs
before it as its sessions, and only where hardware, workload and token method are the same; where they are not, the row
says what differs. A case that must not be judged (INVALID) is shown and never judged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.figures import Summary
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.naming import PARTS
from pytest_inferbench.stats.comparison import Comparison
from pytest_inferbench.stats.gate import judge
from pytest_inferbench.stats.history import History, read_history
from pytest_inferbench.stats.moderation import priors
from pytest_inferbench.stats.rule import DEFAULTS, Kind, Rule, kind_of
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

FIGURES = ("ttft_ms.p50", "tpot_ms.p50", "output_tok_per_s")
"""What is compared unless somebody asks for others."""

_SAME = {"hardware": "the hardware", "workload": "the workload", "token_method": "how tokens were counted"}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one case in every column.

    Attributes:
        case: the case, with what tells it from the other rows.
        figure: `ttft_ms.p50`.
        unit: the unit's symbol.
        values: one a column; None where it was not measured.
        found: the last column against those before it; None where it was not judged.
        why_not: why not; "" where it was.
    """

    case: str
    figure: str
    unit: str
    values: tuple[float | None, ...]
    found: Comparison | None = None
    why_not: str = ""

    @property
    def ratios(self) -> tuple[float | None, ...]:
        """Each column over the first; None where there is none to give."""
        first = self.values[0]
        ratios = [None if value is None or not first else value / first for value in self.values]
        return tuple(ratio if ratio is not None and math.isfinite(ratio) else None for ratio in ratios)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The whole comparison.

    Attributes:
        columns: their names.
        rows: in the order in which the first run has its cases.
        notes: what holds for all of it.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def by_run(runs: Sequence[RunDocument], figures: Sequence[str] = FIGURES) -> SideBySide:
    """Each run a column; a row is a case of one model, backend and variant.

    Args:
        runs: two or more run documents; the first is what ratios are to, the last is judged.
        figures: `metric.statistic` or `metric`.
    """
    versions = any(len({_key(case, ()) for case in run.cases}) < len(run.cases) for run in runs)
    more = ("version",) if versions else ()
    tables = [{_key(case, more): case for case in run.cases} for run in runs]
    keys = dict.fromkeys(key for table in tables for key in table)
    apart = [part for part in ("model", "backend", "variant", *more) if len({dict(key)[part] for key in keys}) > 1]
    rows = [
        (_row_name(dict(key), apart), figure, [table.get(key) for table in tables])
        for key in keys
        for figure in figures
        if any(table.get(key) is not None for table in tables)
    ]
    names = tuple(visible(run.run_id) for run in runs)
    return SideBySide(names, tuple(_judge_rows([row for row in rows if _has_figures(row)])), tuple(_notes(runs)))


def by_cell(runs: Sequence[RunDocument], figures: Sequence[str] = FIGURES) -> SideBySide:
    """Each cell (model, backend, version, variant) of each run a column; a row is a case by its name alone.

    So backends stand beside each other under the same load. Single sessions of different servers are not judged:
    pairs are what decides between two of them.
    """
    columns: dict[tuple[str, ...], dict[str, CaseResult]] = {}
    for run in runs:
        for case in run.cases:
            cell = (visible(run.run_id), *(getattr(case, part) for part in PARTS))
            columns.setdefault(cell, {})[case.case] = case
    parts = [index for index in range(1, 5) if len({cell[index] for cell in columns}) > 1] or [1, 2, 3, 4]
    with_run = len(runs) > 1
    names = tuple(
        "/".join(visible(cell[index]) for index in parts if cell[index]) + (f" ({cell[0]})" if with_run else "")
        for cell in columns
    )
    cases = dict.fromkeys(name for table in columns.values() for name in table)
    rows = [
        (visible(name), figure, [table.get(name) for table in columns.values()]) for name in cases for figure in figures
    ]
    plain = tuple(_row(row) for row in rows if _has_figures(row))
    return SideBySide(names, plain, (*_notes(runs), "cells are not judged: --compare A..B judges two of them in pairs"))


def figures_of(runs: Sequence[RunDocument]) -> tuple[str, ...]:
    """Every figure that some case of the runs has, as `by_run` takes them."""
    return tuple(
        dict.fromkeys(
            metric if statistic == "value" else f"{metric}.{statistic}"
            for run in runs
            for case in run.cases
            for metric, summary in case.metrics.items()
            for statistic in summary.statistics()
        )
    )


_Row = tuple[str, str, Sequence[CaseResult | None]]


def _key(case: CaseResult, more: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((part, getattr(case, part)) for part in ("case", "model", "backend", "variant", *more))


def _row_name(key: Mapping[str, str], apart: Sequence[str]) -> str:
    cell = visible("/".join(named for part in apart if (named := key.get(part))))
    return f"{visible(key['case'])} of {cell}" if cell else visible(key["case"])


def _has_figures(row: _Row) -> bool:
    return any(case is not None and session_figure(case, row[1]) is not None for case in row[2])


def session_figure(case: CaseResult, figure: str) -> float | None:
    """A session's one number: the median over the rounds that have it; of a tail, or without, that of all requests."""
    found = case.session_figure(figure)
    if found is None and kind_of(figure) is Kind.TAIL:
        return case.session_figure(figure, pooled=False)
    return case.figure(figure) if found is None else found


def _row(row: _Row, found: Comparison | None = None, why_not: str = "") -> Row:
    name, figure, cases = row
    unit = next((summary.unit for case in cases if case and (summary := _summary(case, figure))), "")
    values = tuple(None if case is None else session_figure(case, figure) for case in cases)
    return Row(name, figure, unit, values, found, why_not)


def _summary(case: CaseResult, figure: str) -> Summary | None:
    return case.metrics.get(figure.partition(".")[0])


def _judge_rows(rows: Sequence[_Row]) -> Iterator[Row]:
    """The rows with their verdicts: one error rate over all that can be judged, spreads steadied by the other cases."""
    gates: list[tuple[Rule, History]] = []
    reasons = [_why_not(row[2]) for row in rows]
    m = sum(not reason for reason in reasons)
    for row in rows:
        rule = replace(DEFAULTS[kind_of(row[1])], gates=m, confirmations=0)
        past = [
            Past(session_figure(case, row[1]), rounds=tuple(case.in_rounds(row[1])), pooled=rule.kind is Kind.TAIL)
            for case in row[2][:-1]
            if case is not None
        ]
        gates.append((rule, read_history(past, _direction(row), rule.window)))
    own = [history.own_spread(row[0], rule) for row, (rule, history) in zip(rows, gates, strict=True)]
    for row, reason, (rule, history), prior in zip(rows, reasons, gates, priors(own), strict=True):
        last = row[2][-1]
        if reason or last is None:
            yield _row(row, why_not=reason)
        else:
            yield _row(row, judge([session_figure(last, row[1])], history, rule, prior, last.in_rounds(row[1])))


def _direction(row: _Row) -> Direction:
    summary = next((summary for case in row[2] if case and (summary := _summary(case, row[1]))), None)
    return summary.direction if summary else Direction.NEUTRAL


def _why_not(cases: Sequence[CaseResult | None]) -> str:
    """Why the last of the cases cannot be judged against the others; "" where it can."""
    last, before = cases[-1], [case for case in cases[:-1] if case is not None]
    if last is None or not before:
        return "not in every run"
    if any(case.verdict is Verdict.INVALID for case in (*before, last)):
        return "INVALID in one of the runs"
    differs = [words for name, words in _SAME.items() if len({_alike(case, name) for case in (*before, last)}) > 1]
    return f"{' and '.join(differs)} differ{'' if len(differs) > 1 else 's'}" if differs else ""


def _alike(case: CaseResult, name: str) -> str:
    return str(case.workload_hash) if name == "workload" else str(getattr(case, name))


def _notes(runs: Sequence[RunDocument]) -> Iterator[str]:
    hardware = {visible(run.run_id): sorted({visible(case.hardware) for case in run.cases}) for run in runs}
    if len({tuple(names) for names in hardware.values()}) > 1:
        told = ", ".join(f"{run} on {' and '.join(names) or 'nothing'}" for run, names in hardware.items())
        yield f"different hardware: {told}; ratios compare machines too, and nothing is judged"
    for run in runs:
        if arms := _arms(run):
            told = f"compares {arms}, and the figures here are B's; `inferbench runs show` has both"
            yield f"{visible(run.run_id)} {told}"
        if run.interrupted:
            yield f"{visible(run.run_id)} was interrupted: cases are missing"


def _arms(run: RunDocument) -> str:
    """The two sides of a run of pairs; "" of any other."""
    found = (check.comparison for case in run.cases for check in case.checks if check.comparison is not None)
    arms = next((each.arms for each in found if each.arms is not None), None)
    return "" if arms is None else f"A, {visible(arms[0])}, with B, {visible(arms[1])}"
