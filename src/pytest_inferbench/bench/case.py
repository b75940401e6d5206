"""How a case is run, and what it wants of its rounds: from its workload and the run's options.

Limits: names and node ids are the caller's; nothing here measures.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_inferbench.bench.rounds import CasePlan
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.measure.evidence import CacheState, CaseFacts

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.workloads.workload import Workload

_NO_LIMITS: Mapping[str, float] = MappingProxyType({})


def case_plan(
    case: str,
    workload: Workload,
    rounds: int | None,
    context: RunContext,
    slo: Mapping[str, float] = _NO_LIMITS,
    interval_ms: float = 0.0,
    max_error_rate: float = 0.0,
) -> CasePlan:
    """How a case is run under this run's options; the same case has the same prompts in every run of one seed.

    Raises:
        ConfigError: there is no round, or a file that the workload names cannot be used.
    """
    if rounds is not None and rounds < 1:
        raise ConfigError(f"{case}: rounds={rounds}: expected at least 1, or None for the run's own")
    settings = context.settings
    workload.prepare(settings.rootdir)
    digest = hashlib.sha256(f"{settings.seed}:{case}:{workload.describe()['hash']}".encode()).digest()
    rounds = settings.rounds if rounds is None else rounds
    planned = workload.planned_requests
    return CasePlan(
        case=case,
        workload=workload,
        rounds=rounds,
        warm_up=max(settings.warmup, workload.concurrency or 1),
        seed=int.from_bytes(digest[:6], "big"),
        request_s=settings.timeout,
        slo=slo,
        interval_ms=interval_ms,
        failures=None if planned is None else math.floor(planned * rounds * max_error_rate),
    )


def case_facts(plan: CasePlan, rounds: int, min_requests: int, shared_tokens: int) -> CaseFacts:
    """What the case wants of its rounds and its server.

    Args:
        plan: how it was run.
        rounds: how many came to their end.
        min_requests: fewest completed requests.
        shared_tokens: what its prompts have in common.
    """
    planned, cached = plan.workload.planned_requests, plan.workload.planned_cached_share
    return CaseFacts(
        planned_requests=None if planned is None else planned * rounds,
        rounds_left=plan.rounds - rounds,
        min_requests=min_requests,
        cache=CacheState.ANY if cached is None else CacheState.WARM if cached else CacheState.COLD,
        cached_share=cached or 0.0,
        shared_tokens=shared_tokens,
        wants_fresh=plan.workload.fresh_server,
    )
