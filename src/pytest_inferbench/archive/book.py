"""The cases of a run as they come in, over all of its invocations.

Law: what an earlier invocation left stays until this one says otherwise; a case says which invocation measured it. A
run that was never resumed has one invocation and does not mention it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_inferbench.archive.resume import Resumed
from pytest_inferbench.report.document import with_comparisons

Case = dict[str, Any]


class Book:
    """Cases, skips and errors.

    Args:
        started: when this invocation began.
        resumed: the run as it was left; None for a new one.
    """

    def __init__(self, started: str, resumed: Resumed | None) -> None:
        self._began = started
        self._earlier: list[dict[str, Any]] = []
        self._cases: list[Case] = []
        self._measured: list[int] = []  # which invocation, aligned with the cases
        self.skipped: list[dict[str, str]] = []
        self.errors: list[dict[str, str]] = []
        self.started = started
        self._attempts: dict[str, int] = {}
        if resumed is not None:
            self._take_over(resumed.document)

    def _take_over(self, document: Mapping[str, Any]) -> None:
        self.started = document["started"]
        first = {key: document[key] for key in ("started", "finished", "interrupted") if key in document}
        self._earlier = list(document.get("invocations", [first]))
        self._cases = [{key: value for key, value in case.items() if key != "invocation"} for case in document["cases"]]
        self._measured = [case.get("invocation", 1) for case in document["cases"]]
        self.skipped = list(document["skipped"])
        self.errors = list(document["errors"])

    @property
    def number(self) -> int:
        """This invocation, from 1."""
        return len(self._earlier) + 1

    @property
    def cases(self) -> list[Case]:
        """Every case, as `CaseResult.to_json` made it."""
        return self._cases

    @property
    def kept(self) -> list[Case]:
        """The cases that an earlier invocation measured."""
        return [case for case, number in zip(self._cases, self._measured, strict=True) if number < self.number]

    def hear(self, nodeid: str, attempt: int = 1) -> None:
        """A test is run: what earlier invocations said of its end no longer holds, nor what earlier attempts reported.

        Args:
            nodeid: the test's.
            attempt: its number in this invocation; plugins that run a failed test again make several.
        """
        before = self._attempts.get(nodeid, 0)
        if attempt <= before:
            return
        self._attempts[nodeid] = attempt
        self.skipped = [entry for entry in self.skipped if entry["id"] != nodeid]
        self.errors = [entry for entry in self.errors if entry["id"] != nodeid]
        if before:
            numbered = zip(self._cases, self._measured, strict=True)
            kept = [(case, number) for case, number in numbered if case["id"] != nodeid or number < self.number]
            self._cases, self._measured = [case for case, _ in kept], [number for _, number in kept]

    def add(self, cases: Sequence[Case], judged: Sequence[Mapping[str, Any]]) -> None:
        """Take what a test measured, or was given of an earlier invocation, and what was said of cases."""
        for case in cases:
            place = next((index for index, each in enumerate(self._cases) if _same(case, each)), None)
            if place is None:
                self._cases.append(case)
                self._measured.append(self.number)
                continue
            if case["rounds"] != self._cases[place]["rounds"]:
                self._measured[place] = self.number
            self._cases[place] = case
        self._cases = [with_comparisons(case, judged) for case in self._cases]

    def documented(self) -> list[Case]:
        """The cases with their invocations, where there are several."""
        if not self._earlier:
            return self._cases
        return [{**case, "invocation": number} for case, number in zip(self._cases, self._measured, strict=True)]

    def invocations(self, finished: str | None, *, interrupted: bool) -> list[dict[str, Any]]:
        """Every invocation with this one as it is now; none where there is only this one."""
        ending = {} if finished is None else {"finished": finished}
        return [*self._earlier, {"started": self._began, **ending, "interrupted": interrupted}] if self._earlier else []


def _same(case: Case, other: Case) -> bool:
    return (case["id"], case["case"]) == (other["id"], other["case"])
