"""A case's name, plan and facts: what stands between a pytest item and the pure layers.

Law: names are stable under upgrades: no version, no cell and no node id goes into a case's name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.measure.assemble import CaseIdentity
from pytest_inferbench.measure.evidence import CacheState, CaseFacts, ValidityPolicy
from pytest_inferbench.run import CasePlan

if TYPE_CHECKING:
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.plan.pair import CellPair
    from pytest_inferbench.plugin.context import RunContext
    from pytest_inferbench.servers.server import Server
    from pytest_inferbench.workloads.workload import Workload

ASKED = pytest.StashKey[int]()
"""On a test: how many cases it has asked for."""

_CELL = "inferbench_cell"
_NO_LIMITS: Mapping[str, float] = MappingProxyType({})


def case_name(item: pytest.Function, number: int) -> str:
    """The case's name in baselines: `test_concurrency[llama-b1-tiny-c08]` -> `concurrency[c08]`.

    Args:
        item: the test.
        number: how many workloads the test has measured before this one.
    """
    name = (item.originalname or item.name).removeprefix("test_")
    if item.cls is not None:
        name = f"{item.cls.__name__.removeprefix('Test')}.{name}"
    cell: Cell | CellPair = item.callspec.params[_CELL]  # type: ignore[assignment] # what `pytest_generate_tests` put there
    rest = item.callspec.id.removeprefix(cell.id).removeprefix("-")
    name = f"{name}[{rest}]" if rest else name
    return f"{name}#{number + 1}" if number else name


def next_case_name(item: pytest.Function) -> str:
    """The name of the case that a test asks for now: numbered as it asks, whatever becomes of the earlier ones."""
    number = item.stash.get(ASKED, 0)
    item.stash[ASKED] = number + 1
    return case_name(item, number)


def case_plan(
    case: str,
    workload: Workload,
    rounds: int | None,
    context: RunContext,
    slo: Mapping[str, float] = _NO_LIMITS,
    interval_ms: float = 0.0,
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
    return CasePlan(
        case=case,
        workload=workload,
        rounds=settings.rounds if rounds is None else rounds,
        warm_up=max(settings.warmup, workload.concurrency or 1),
        seed=int.from_bytes(digest[:6], "big"),
        request_s=settings.timeout,
        slo=slo,
        interval_ms=interval_ms,
    )


def case_identity(case: str, nodeid: str, cell: Cell, server: Server, context: RunContext) -> CaseIdentity:
    """What the case is called and where it ran."""
    return CaseIdentity(
        id=nodeid,
        case=case,
        model=context.model_of(cell),
        backend=cell.backend,
        variant=cell.variant,
        version=server.version or cell.version,
        hardware=context.hardware,
    )


def case_facts(plan: CasePlan, min_requests: int, shared_tokens: int) -> CaseFacts:
    """What the case wants of its rounds and its server; `shared_tokens`: what its prompts have in common."""
    planned, cached = plan.workload.planned_requests, plan.workload.planned_cached_share
    return CaseFacts(
        planned_requests=None if planned is None else planned * plan.rounds,
        min_requests=min_requests,
        cache=CacheState.ANY if cached is None else CacheState.WARM if cached else CacheState.COLD,
        cached_share=cached or 0.0,
        shared_tokens=shared_tokens,
        wants_fresh=plan.workload.fresh_server,
    )


def case_policy(max_error_rate: float) -> ValidityPolicy:
    """The limits of validity; one that the test gave says so."""
    if max_error_rate == ValidityPolicy().error_rate:
        return ValidityPolicy()
    return ValidityPolicy(error_rate=max_error_rate, sources={"error_rate": "the test's max_error_rate"})


def server_account(cell: Cell, server: Server, restarts: int, canary: str | None, salt: str) -> dict[str, Any]:
    """What the result says of the server itself.

    `args_hash` tells two sets of server arguments apart, `canary` two sets of greedy answers; `served_model` is what a
    server that we did not start says it is; how its prompts began was drawn from `salt`.
    """
    args = dict(cell.args) if server.args is None else dict(server.args)
    account: dict[str, Any] = {
        "url": server.endpoint.base_url,
        "provision": server.kind,
        "ready_seconds": round(server.ready_seconds, 3),
        "restarts": restarts,
        "args": args,
        "args_hash": hashlib.sha256(json.dumps(sorted(args.items())).encode()).hexdigest()[:16],
        "sources": dict(cell.sources),
    }
    account |= server.facts
    if server.kind == "url":
        account["served_model"] = server.endpoint.model
    if salt:
        account["salt"] = salt
    if canary is not None:
        account["canary"] = canary
    if server.log_path is not None:
        account["log"] = str(server.log_path)
    return account
