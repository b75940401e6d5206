"""The steady windows: the part of each closed load of a round in which it was as high as it was meant to be.

Limits: pure; O(n log n) in requests, plus the chunks of those requests that cross the window's edges.

Two readings of "in flight" and of "inside" are fixed here:

- A stream is in flight from its first send until its last answer is complete. The turn-around between two of its
  requests is part of a closed loop; without it, any round of fewer than twenty streams would fall apart into single
  requests, and a round of one stream would have no steady state at all. The pause between two loads of a round is
  not part of it: no window reaches over one.
- A chunk is made in the time since the chunk before it (since the send, for the first). Its tokens are spread evenly
  over that time, and the share that lies in the window counts. So two windows that meet share no token and lose none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from pytest_inferbench.metrics.formulas import RequestView, Window
from pytest_inferbench.records import RequestRecord

STEADY_PERCENT = 95
"""In flight at least this part of the target concurrency."""


def steady_windows(requests: Sequence[RequestView], concurrency: int | None) -> tuple[Window, ...]:
    """Of each load the longest contiguous interval with at least `STEADY_PERCENT` of `concurrency` streams in flight.

    None in an open loop, which has no target concurrency, and of a load that never reached the target.
    """
    if concurrency is None:
        return ()
    loads: defaultdict[int, list[RequestView]] = defaultdict(list)
    for view in requests:
        loads[view.record.load].append(view)
    return tuple(window for load in loads.values() if (window := _steady_window(load, concurrency)) is not None)


def _steady_window(requests: Sequence[RequestView], concurrency: int) -> Window | None:
    best = _longest(_stream_lives(requests), concurrency)
    if best is None:
        return None
    start_ns, end_ns = best
    tokens = sum(tokens_inside(view, start_ns, end_ns) for view in requests)
    return Window(start_ns, end_ns, tokens)


def tokens_inside(view: RequestView, start_ns: int, end_ns: int) -> float:
    """Tokens of one request generated after `start_ns` and until `end_ns`; 0 for one without a token count."""
    record, tokens = view.record, view.output_tokens
    if tokens is None or record.sent_ns is None or not record.output_ns:
        return 0.0
    if start_ns <= record.sent_ns and record.output_ns[-1] <= end_ns:
        return float(tokens)
    if record.output_ns[-1] <= start_ns or end_ns <= record.sent_ns:
        return 0.0
    weights = _chunk_weights(record)
    steps = pairwise((record.sent_ns, *record.output_ns))
    shares = (_overlap(since, arrival, start_ns, end_ns) for since, arrival in steps)
    inside = sum(weight * share for weight, share in zip(weights, shares, strict=True))
    return tokens * inside / sum(weights)


def _stream_lives(requests: Sequence[RequestView]) -> list[tuple[int, int]]:
    stamps: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for record in (view.record for view in requests):
        if record.sent_ns is not None:
            stamps[record.worker, record.stream] += (record.sent_ns, _completed_ns(record))
    return [(min(seen), max(seen)) for seen in stamps.values()]


def _completed_ns(record: RequestRecord) -> int:
    """When a request stopped being in flight: its last output chunk, or its failure."""
    return record.output_ns[-1] if record.failure is None and record.output_ns else record.end_ns


def _longest(lives: list[tuple[int, int]], concurrency: int) -> tuple[int, int] | None:
    """The longest interval in which enough lives overlap; of equally long ones the first."""
    # A start sorts before an end at the same instant, so lives that meet leave no gap.
    events = sorted([(start, -1) for start, _ in lives] + [(end, 1) for _, end in lives])
    best: tuple[int, int] | None = None
    opened: int | None = None
    in_flight = 0
    for at_ns, step in events:
        in_flight -= step
        enough = in_flight * 100 >= STEADY_PERCENT * concurrency
        if enough and opened is None:
            opened = at_ns
        elif not enough and opened is not None:
            if at_ns - opened > (best[1] - best[0] if best else 0):
                best = (opened, at_ns)
            opened = None
    return best


def _chunk_weights(record: RequestRecord) -> tuple[int, ...]:
    if record.chunk_tokens and sum(record.chunk_tokens):
        return record.chunk_tokens
    return (1,) * len(record.output_ns)


def _overlap(since: int, arrival: int, start_ns: int, end_ns: int) -> float:
    """The share of (since, arrival] inside (start, end]; chunks that arrived together are in or out as one."""
    if arrival <= since:
        return float(start_ns < arrival <= end_ns)
    return max(0, min(arrival, end_ns) - max(since, start_ns)) / (arrival - since)
