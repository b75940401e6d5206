"""`--bench-resume RUN`: a run that was ended early goes on in its own folder, and nothing is measured twice.

Idea: a test whose cases are measured and compared is deselected. One whose cases are measured and not yet compared is
run, but `bench.run` gives it what is in the document, so that only its verdict is made.
Limits: the document is read once, before anything is collected; every process of the run goes by that reading. An
INVALID case is measured again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pytest_inferbench.archive.runs import find_run, read_run
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.codec import from_json
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.stats.verdict import Verdict, worst

if TYPE_CHECKING:
    from pytest_inferbench.options import Settings

_ALIKE = ("bench-rounds", "bench-seed", "bench-family", "compare")


class Named(Protocol):
    """A test, by its node id."""

    @property
    def nodeid(self) -> str:
        """Its name in the run."""
        ...


_Test = TypeVar("_Test", bound=Named)


@dataclass(frozen=True, slots=True)
class Resumed:
    """The run as it was left.

    Attributes:
        document: its document.
    """

    document: RunDocument

    @property
    def run_id(self) -> str:
        """Its name, which it keeps."""
        return self.document.run_id

    def kept_case(self, nodeid: str, case: str, workload_hash: object) -> CaseResult | None:
        """A case as it was measured, without its comparison; None where it has to be measured."""
        for each in self.document.cases:
            if (each.id, each.case) == (nodeid, case) and not each.invalid:
                return _without_comparisons(each) if each.workload_hash == workload_hash else None
        return None

    def split(self, items: Sequence[_Test]) -> tuple[list[_Test], list[_Test]]:
        """The tests that have something left to do, and those that are done."""
        cases: dict[str, list[CaseResult]] = {}
        for case in self.document.cases:
            cases.setdefault(case.id, []).append(case)
        failed = {entry.id for entry in self.document.errors}
        done = {nodeid for nodeid, found in cases.items() if nodeid not in failed and all(map(_is_finished, found))}
        return [item for item in items if item.nodeid not in done], [item for item in items if item.nodeid in done]


def read_resumed(settings: Settings) -> Resumed:
    """The run that `--bench-resume` names.

    Raises:
        InferbenchError: there is no such run, or its document cannot be used.
        ConfigError: it was begun with options that make other measurements.
    """
    results = settings.path("results")
    path = find_run(results, settings.resume)
    if path.resolve().parent.parent != results.resolve():
        raise ConfigError(
            f"--bench-resume {settings.resume}: {path} is not in {results}; name its folder: --bench-results."
        )
    document = read_run(path).document
    if document.run_id != path.resolve().parent.name:
        raise ConfigError(
            f"--bench-resume {settings.resume}: {path} says it is run {document.run_id!r}, and its folder is"
            f" {path.resolve().parent.name!r}. It goes on in its own folder: give that its name."
        )
    then = {setting.name: setting.value for setting in document.settings}
    now = {name: value for name, value, _ in settings.rows()}
    for name in _ALIKE:
        if then.get(name) != now.get(name):
            raise ConfigError(
                f"--bench-resume {settings.resume}: begun with --{name} {then.get(name, 'not given')}, and now it is"
                f" {now.get(name, 'not given')}. Its cases would not be alike: give the same, or start a new run."
            )
    return Resumed(document)


def resumed_from(sent: Mapping[str, Any]) -> Resumed:
    """The same in an xdist worker, from what its controller sent."""
    return Resumed(from_json(RunDocument, sent))


def refuse_other_hardware(resumed: Resumed, hardware: str) -> None:
    """A run goes on where it was begun.

    Raises:
        ConfigError: its cases are of other hardware.
    """
    others = {case.hardware for case in resumed.document.cases} - {hardware}
    if others:
        raise ConfigError(
            f"--bench-resume {resumed.run_id}: it was measured on {' and '.join(sorted(others))}, and this is"
            f" {hardware}. Go on there, or start a new run here."
        )


def _is_finished(case: CaseResult) -> bool:
    """Whether a case is measured, and compared with its history or between its arms."""
    return not case.invalid and any(check.kind != "budget" for check in case.checks)


def _without_comparisons(case: CaseResult) -> CaseResult:
    budgets = tuple(check for check in case.checks if check.kind == "budget")
    verdict = worst(check.verdict for check in budgets) or Verdict.NEW
    return replace(case, checks=budgets, verdict=verdict, invocation=None)
