"""The cases of a run as they come in, over all of its invocations.

Limits: what an earlier invocation left stays until this one says otherwise; a case says which invocation measured it. A
run that was never resumed has one invocation and does not mention it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_inferbench.archive.reported import Reported
from pytest_inferbench.archive.resume import Resumed
from pytest_inferbench.document.build import build_document
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.environment import Environment
from pytest_inferbench.document.judgement import with_judgement
from pytest_inferbench.document.run import AcceptedCase, Error, Invocation, RunDocument, Setting, Skipped


class Book:
    """Cases, skips and errors.

    Args:
        started: when this invocation began.
        resumed: the run as it was left; None for a new one.
    """

    def __init__(self, started: str, resumed: Resumed | None) -> None:
        self._began = started
        self._earlier: list[Invocation] = []
        self._cases: list[CaseResult] = []  # each with its invocation
        self.skipped: list[Skipped] = []
        self.errors: list[Error] = []
        self.started = started
        self._attempts: dict[str, int] = {}
        if resumed is not None:
            self._take_over(resumed.document)

    def _take_over(self, document: RunDocument) -> None:
        self.started = document.started
        first = Invocation(document.started, document.finished, document.interrupted)
        self._earlier = list(document.invocations or (first,))
        self._cases = [replace(case, invocation=case.invocation or 1) for case in document.cases]
        self.skipped = list(document.skipped)
        self.errors = list(document.errors)

    @property
    def number(self) -> int:
        """This invocation, from 1."""
        return len(self._earlier) + 1

    @property
    def cases(self) -> list[CaseResult]:
        """Every case, with its invocation where there are several."""
        return self._cases if self._earlier else [replace(case, invocation=None) for case in self._cases]

    @property
    def kept(self) -> list[CaseResult]:
        """The cases that an earlier invocation measured."""
        return [case for case in self._cases if self._is_kept(case)]

    def _is_kept(self, case: CaseResult) -> bool:
        return case.invocation is not None and case.invocation < self.number

    def take(self, nodeid: str, said: Reported) -> None:
        """Take what a test measured, or was given of an earlier invocation, and what was said of cases.

        Skips and errors that earlier invocations recorded for the test go, and cases of its earlier attempts.
        """
        self._forget(nodeid, said.attempt)
        self._add(said.cases)
        self._cases = [with_judgement(case, said.judged) for case in self._cases]

    def _forget(self, nodeid: str, attempt: int) -> None:
        before = self._attempts.get(nodeid, 0)
        if attempt <= before:
            return
        self._attempts[nodeid] = attempt
        self.skipped = [entry for entry in self.skipped if entry.id != nodeid]
        self.errors = [entry for entry in self.errors if entry.id != nodeid]
        if before:
            self._cases = [case for case in self._cases if case.id != nodeid or self._is_kept(case)]

    def _add(self, cases: Sequence[CaseResult]) -> None:
        for case in cases:
            place = next((index for index, each in enumerate(self._cases) if _same(case, each)), None)
            if place is None:
                self._cases.append(replace(case, invocation=self.number))
            else:
                there = self._cases[place]
                number = self.number if case.rounds != there.rounds else there.invocation
                self._cases[place] = replace(case, invocation=number)

    def document(
        self,
        run_id: str,
        environment: Environment,
        settings: Sequence[Setting],
        finished: str | None,
        *,
        interrupted: bool,
        accepted: Sequence[AcceptedCase],
    ) -> RunDocument:
        """The run's document as it is now.

        Args:
            run_id: its name.
            environment: where it runs.
            settings: what is in force.
            finished: when it ended; None while it goes on.
            interrupted: whether selected tests have not ended.
            accepted: what was accepted.
        """
        return build_document(
            run_id=run_id,
            started=self.started,
            finished=finished,
            interrupted=interrupted,
            cases=self.cases,
            skipped=self.skipped,
            errors=self.errors,
            invocations=self.invocations(finished, interrupted=interrupted),
            accepted=accepted,
            environment=environment,
            settings=settings,
        )

    def invocations(self, finished: str | None, *, interrupted: bool) -> list[Invocation]:
        """Every invocation with this one as it is now; none where there is only this one."""
        return [*self._earlier, Invocation(self._began, finished, interrupted)] if self._earlier else []


def _same(case: CaseResult, other: CaseResult) -> bool:
    return (case.id, case.case) == (other.id, other.case)
