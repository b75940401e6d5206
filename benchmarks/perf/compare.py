"""What a client reported against what was true.

Limits: pure. Every figure is worked out the same way for every client, over all requests of one run; medians are over
rounds. `reported` is arrival - the client's own sent stamp; `true` puts the server's send stamp in the arrival's
place; `served` is the server's send stamp - the server's reception, which no delay inside the client can touch.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakes.scripted.process import Health, Sent

    from .client import ClientRun, Job

Figures = dict[str, float]
_QUANTILES = (("p50", 50), ("p99", 99))


@dataclass(frozen=True, slots=True)
class Spans:
    """One span of time (TTFT, a gap, E2E) of every request, in nanoseconds: as reported and as it was."""

    reported: Sequence[int]
    true: Sequence[int]


def figures(job: Job, run: ClientRun, truth: Sequence[Sent], health: Health) -> Figures:
    """All figures of one run.

    `*_ratio_*` are percentile over percentile, `*_error_us_*` percentiles of |reported - true| in microseconds.
    `unmatched` counts requests without a timeline, or with other chunks than the server sent; they are in no figure.

    Raises:
        SystemExit: nothing of what the client reported matches the server's account.
    """
    sent = {row.id: row for row in truth}
    pairs = [(line, sent[line.id]) for line in run.requests if line.id in sent]
    pairs = [(line, row) for line, row in pairs if len(line.output_ns) == len(row.sent_ns) > 0]
    if not pairs:
        raise SystemExit(f"{job.label}: the client reported no request as the server sent it")
    ttft = Spans([x.output_ns[0] - x.sent_ns for x, _ in pairs], [y.sent_ns[0] - x.sent_ns for x, y in pairs])
    served = Spans(ttft.reported, [y.sent_ns[0] - y.received_ns for _, y in pairs])
    gap = Spans(_gaps([x.output_ns for x, _ in pairs]), _gaps([y.sent_ns for _, y in pairs]))
    e2e = Spans([x.output_ns[-1] - x.sent_ns for x, _ in pairs], [y.sent_ns[-1] - x.sent_ns for x, y in pairs])
    chunks = sum(len(x.output_ns) for x in run.requests)
    found: Figures = {
        "unmatched": job.streams * job.turns - len(pairs),
        "chunks": chunks,
        "cpu_us_per_chunk": run.cpu_seconds / chunks * 1e6,
        "peak_rss_mb": run.peak_rss_bytes / 1e6,
    }
    for name, spans in (("ttft", ttft), ("ttft_served", served), ("gap", gap), ("e2e", e2e)):
        found.update(_against(name, spans))
    if health.cpu_share is not None and health.lag_us is not None:
        found["server_cpu_share"] = health.cpu_share
        found.update({f"server_lag_us_{name}": lag for name, lag in health.lag_us.items()})
    return found


def medians(rounds: Sequence[Figures]) -> Figures:
    """Each figure's median over the rounds."""
    return {name: median([found[name] for found in rounds]) for name in rounds[0]}


def _gaps(stamps: Sequence[Sequence[int]]) -> list[int]:
    return [after - before for row in stamps for before, after in pairwise(row)]


def _against(name: str, spans: Spans) -> Figures:
    reported, true = np.asarray(spans.reported, dtype=np.int64), np.asarray(spans.true, dtype=np.int64)
    if not len(true):
        return {}
    found = {}
    for label, q in _QUANTILES:
        found[f"{name}_ratio_{label}"] = float(np.percentile(reported, q) / np.percentile(true, q))
        found[f"{name}_error_us_{label}"] = float(np.percentile(np.abs(reported - true), q) / 1000)
    return found
