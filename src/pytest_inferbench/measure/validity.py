"""Validity: may this measurement be judged at all?

Limits: comes before any verdict. Each rule is one small function of the evidence in one explicit tuple; a finding names
the figure, the limit, where the limit comes from and what to do. Nothing here raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pytest_inferbench.document.figures import Finding
from pytest_inferbench.measure import client_rules, load_rules, pace_rules, server_rules
from pytest_inferbench.measure.evidence import Evidence

Rule = Callable[[Evidence], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    load_rules.error_rate,
    load_rules.accounting,
    load_rules.min_requests,
    server_rules.restarted,
    server_rules.prefix_cache,
    load_rules.prompt_plan,
    load_rules.output_plan,
    server_rules.server_count,
    server_rules.page_cost,
    pace_rules.unread_text,
    pace_rules.unseen_tokens,
    pace_rules.clumps,
    load_rules.token_method,
    load_rules.achieved_rate,
    load_rules.steady_window,
    client_rules.paused,
    client_rules.client_cpu,
    client_rules.loop_lag,
    client_rules.schedule_lag,
    client_rules.clock_step,
)
"""In the order in which people should read them: a cause before what it usually causes."""


def findings(evidence: Evidence) -> tuple[Finding, ...]:
    """What every rule found, those that make the case invalid first."""
    found = [finding for rule in RULES for finding in rule(evidence)]
    return tuple(sorted(found, key=lambda finding: not finding.invalid))
