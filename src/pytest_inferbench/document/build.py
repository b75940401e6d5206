"""The document of a run: its cases, and what follows from all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.comparison import GateComparison
from pytest_inferbench.document.counts import count_verdicts
from pytest_inferbench.document.environment import Environment
from pytest_inferbench.document.run import (
    SCHEMA,
    AcceptedCase,
    Error,
    Family,
    Invocation,
    RunDocument,
    Setting,
    Skipped,
)
from pytest_inferbench.stats.family import family
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.verdict import Verdict, worst


def build_document(
    *,
    run_id: str,
    started: str,
    finished: str | None,
    interrupted: bool,
    environment: Environment,
    settings: Sequence[Setting],
    cases: Sequence[CaseResult],
    skipped: Sequence[Skipped],
    errors: Sequence[Error],
    invocations: Sequence[Invocation] = (),
    accepted: Sequence[AcceptedCase] = (),
) -> RunDocument:
    """The document, whose fields the arguments are."""
    verdicts = [case.verdict for case in cases]
    gates = [check.comparison for case in cases for check in case.checks if check.comparison is not None]
    return RunDocument(
        schema=SCHEMA,
        run_id=run_id,
        started=started,
        finished=finished,
        interrupted=interrupted,
        verdict=worst(verdicts),
        family=_family(gates) if gates else None,
        counts=_counts(verdicts, len(skipped), len(errors)),
        findings=count_verdicts(cases),
        environment=environment,
        settings=tuple(settings),
        cases=tuple(cases),
        skipped=tuple(skipped),
        errors=tuple(errors),
        invocations=tuple(invocations) or None,
        accepted=tuple(accepted) or None,
    )


def _family(gates: Sequence[GateComparison]) -> Family:
    """The error rate of the run's comparisons; all of one run share m."""
    first = gates[0]
    found = family(Rule(alpha=first.alpha, gates=first.gates), [gate.false_alarm for gate in gates])
    known = Family(
        gates=found.gates,
        gates_source=first.gates_source,
        alpha=found.alpha,
        alpha_each=found.alpha_each,
        at_most_per_100=found.at_most_per_100,
        expected_per_100=found.expected_per_100,
    )
    return known if first.arms is not None else _with_shared(known, gates)


def _with_shared(found: Family, gates: Sequence[GateComparison]) -> Family:
    """The same with the shared variance that the gates were judged with."""
    least, most = min(gate.shared for gate in gates), max(gate.shared for gate in gates)
    return replace(
        found,
        shared=least,
        shared_most=most if most > least else None,
        shared_measured=any(gate.shared_measured for gate in gates),
        shared_source="; ".join(dict.fromkeys(gate.shared_source for gate in gates)),
    )


def _counts(verdicts: Iterable[Verdict], skipped: int, errors: int) -> dict[str, int]:
    counter = Counter(verdicts)
    return {verdict.value: counter[verdict] for verdict in Verdict} | {"skipped": skipped, "errors": errors}
