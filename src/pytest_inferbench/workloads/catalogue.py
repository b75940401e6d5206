"""All workloads, by kind; docs/architecture.md says what else a new one needs."""

from __future__ import annotations

from pytest_inferbench.config.wording import nearest, quote_value
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.workloads.batch import Batch
from pytest_inferbench.workloads.cold_start import ColdStart
from pytest_inferbench.workloads.concurrency import Concurrency
from pytest_inferbench.workloads.long_context import LongContext
from pytest_inferbench.workloads.multi_turn import MultiTurn
from pytest_inferbench.workloads.prefix import Prefix
from pytest_inferbench.workloads.rate import Rate
from pytest_inferbench.workloads.saturation import Saturation
from pytest_inferbench.workloads.single import Single
from pytest_inferbench.workloads.soak import Soak
from pytest_inferbench.workloads.workload import Workload

WORKLOADS: tuple[type[Workload], ...] = (
    Single,
    Batch,
    Concurrency,
    Rate,
    MultiTurn,
    Prefix,
    LongContext,
    Saturation,
    ColdStart,
    Soak,
)


def workload_named(kind: str, where: str = "") -> type[Workload]:
    """The workload of this kind.

    Args:
        kind: its name in YAML and results.
        where: `file:line` of the name, for the message.

    Raises:
        ConfigError: there is none; the message names the nearest.
    """
    known = {workload.kind: workload for workload in WORKLOADS}
    if kind in known:
        return known[kind]
    near = nearest(kind, known)
    hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(known)}"
    raise ConfigError(f"{where + ': ' if where else ''}there is no workload {quote_value(kind)}; {hint}")
