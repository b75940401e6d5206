"""Where to look and what to run after a verdict that fails: paths and commands that work as they stand.

Limits: a command repeats what this run was told on its command line, so that it measures the same; what is done once
(recording, resuming) and what only writes reports is left out. A value that may be secret is masked.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.branch import pulled_branch
from pytest_inferbench.baselines.names import DEFAULT_BRANCH
from pytest_inferbench.config.load import shown_path
from pytest_inferbench.document.case import NextStep
from pytest_inferbench.options import OPTIONS
from pytest_inferbench.plan.pair import CellPair
from pytest_inferbench.report.formats import FORMATS
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.document.case import CaseResult, Difference
    from pytest_inferbench.plan.cell import Cell

_LINE = "command line"
_REPORTS = frozenset(form.name for form in FORMATS)
_FAILED_BY = {Verdict.NEW: "--require-baseline", Verdict.INCONCLUSIVE: "--fail-inconclusive"}
_CONTAINER = "docker"
_FAILING = frozenset({"--require-baseline", "--fail-inconclusive"})  # with them what records would fail
_ONCE_MERGED = "(once it is merged: every gate is held to that branch)"
_PAIRS = "`pytest ... --compare ..VARIANT` sets the plain model against one"
_VERSIONS = frozenset({"--backend-version", "--compare", "--compare-pairs"})


def next_steps(
    node: str, cell: Cell | CellPair, case: CaseResult, verdict: Verdict, context: RunContext
) -> list[NextStep]:
    """Where to look and what to run, in order.

    Args:
        node: the test as pytest takes it where the run was started: `benchmarks/test_speed.py::test_x[c08]`.
        cell: what it was measured on.
        case: the case, judged.
        verdict: why there is something to do.
        context: the run.
    """
    return [NextStep(label, text) for label, text in _steps(node, cell, case, verdict, context)]


def _steps(
    node: str, cell: Cell | CellPair, case: CaseResult, verdict: Verdict, context: RunContext
) -> list[tuple[str, str]]:
    """Label and text of each."""
    settings = context.settings
    steps = [] if verdict is Verdict.NEW else [*_paths(case, context)]
    if flag := _FAILED_BY.get(verdict):
        steps.append(("failed by", settings.with_names(flag)))
    if verdict is Verdict.NEW:
        return [
            *steps,
            *_recording("record one", _command(node, context, "--update-baselines", skip=_FAILING), context),
        ]
    steps.append(("run again", _command(node, context)))
    if versions := _versions(cell, case):
        steps.append(
            ("two versions", _command(node.partition("[")[0], context, f"--compare {versions}", skip=_VERSIONS))
        )
    if verdict is Verdict.OVER_BUDGET:
        steps.append(("the limit", "is yours to change, where the last column says; a history tells what got slower"))
    if verdict is not Verdict.REGRESSED or isinstance(cell, CellPair):
        return steps
    changed = [each.what for each in _changes(case)]
    if any(what.startswith("argument") for what in changed):
        steps.append(("the argument", f"write both settings as variants of the model, then {_PAIRS}"))
    if settings.update_baselines and settings.accept_regressions:
        steps.append(("accepted", "it fails now, and is accepted when the run has ended: the last lines say so"))
        return steps
    how = "--update-baselines --accept-regressions"
    how += " --baseline-mode reseat" if {"version", "image"}.intersection(changed) else ""
    command = _command(node, context, how, skip=_FAILING)
    return [
        *steps,
        *_recording("accept it", command, context, "(once it is merged: every gate is held to that branch)"),
    ]


def _recording(label: str, command: str, context: RunContext, when: str = "") -> Iterator[tuple[str, str]]:
    """What records; around it what gets the branch's lines and gives it the new ones, where this clone has a branch."""
    branch = pulled_branch(context.settings.path("baselines"))
    if branch is None:
        yield label, command
        return
    option = "" if branch == DEFAULT_BRANCH else f" --branch {shlex.quote(branch)}"
    yield label, f"inferbench baselines pull{option}"
    yield "", command
    yield "", f"inferbench baselines push{option}"
    if when:
        yield "", when


def _paths(case: CaseResult, context: RunContext) -> Iterator[tuple[str, str]]:
    settings, folder = context.settings, context.folder
    if case.server.log is not None:
        yield "server log", shown_path(Path(case.server.log), settings.rootdir)
    if case.records is not None:
        yield "requests", shown_path(folder / case.records, settings.rootdir)
    later = f"inferbench runs export {context.run_id} --format html --output page.html"
    yield "page", shown_path(settings.path("html"), settings.rootdir) if settings.html else later


def _versions(cell: Cell | CellPair, case: CaseResult) -> str:
    """`v0.8.0..v0.8.1` where the version changed and both can be had: an image each; else ""."""
    if isinstance(cell, CellPair) or case.server.provision != _CONTAINER:
        return ""
    return next((f"{each.was}..{each.now}" for each in _changes(case) if each.what == "version"), "")


def _changes(case: CaseResult) -> Sequence[Difference]:
    return case.against.changes if case.against is not None else ()


def _command(node: str, context: RunContext, more: str = "", skip: Collection[str] = ()) -> str:
    settings = context.settings
    words = ["pytest", node]
    for option in OPTIONS:
        name = option.dest.removeprefix("inferbench_")
        unwanted = option.action or option.flag.removeprefix("--bench-") in _REPORTS or option.flag in skip
        if unwanted or settings.source(name) != _LINE:
            continue
        value = getattr(settings, name)
        if option.kind is bool:
            words += [option.flag]
            continue
        for each in value if option.many else [value]:
            words += [option.flag, f"{each.partition(':')[0]}: ***" if option.secret else str(each)]
    return settings.with_names(" ".join([*map(shlex.quote, words), *([more] if more else [])]))
