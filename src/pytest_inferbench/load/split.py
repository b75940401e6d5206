"""How a load is split among workers: how many there are, and which requests and streams are whose.

Limits: pure, and decided by the plan alone. What the server makes of the load does not change the number of workers, so
two sessions of one case measure with the same client.
"""

from __future__ import annotations

import math

from pytest_inferbench.load.job import EncodedRequest, Limits, Prepare, Target

# One worker carries 1000 streams x 50 chunks/s at about two thirds of a core (`make perf`); half as much is a load that
# it carries without being late.
_CHUNKS_PER_S = 25_000.0
_STREAM_CHUNKS_PER_S = 50.0  # what a stream is planned at: a pace that people read at, and engines serve at in a batch
_NS_PER_S = 1e9


def workers_for(requests: tuple[EncodedRequest, ...], streams: int | None, cores: int) -> int:
    """How many workers carry a load: one for every 25,000 planned chunks/s, and one core is left to others.

    Args:
        requests: the load.
        streams: closed-loop streams; None for an open loop, which is planned at its rate times its output tokens.
        cores: processor cores that may be used.
    """
    if streams is not None:
        planned = streams * _STREAM_CHUNKS_PER_S
    else:
        offsets = [request.offset_ns or 0 for request in requests]
        seconds = max((max(offsets) - min(offsets)) / _NS_PER_S, 1.0)
        planned = sum(request.planned_output_tokens or 0 for request in requests) / seconds
    return max(1, min(math.ceil(planned / _CHUNKS_PER_S), cores - 1))


def longest_s(requests: tuple[EncodedRequest, ...], streams: int | None, limits: Limits) -> float:
    """The most seconds that a load can take from its start, each request as long as it may.

    Args:
        requests: the load.
        streams: closed-loop streams, one request of each at a time; None for an open loop.
        limits: of each request.
    """
    longest = limits.connect_s + limits.request_s
    if streams is not None:
        return math.ceil(len(requests) / streams) * longest
    return max(request.offset_ns or 0 for request in requests) / _NS_PER_S + longest


def share(
    requests: tuple[EncodedRequest, ...],
    number: int,
    count: int,
    target: Target,
    protocol: str,
    streams: int | None,
    limits: Limits,
) -> Prepare:
    """Worker `number`'s part: every `count`-th request, and as evenly as it goes of the streams."""
    mine = requests[number::count]
    own = None if streams is None else min(len(mine), len(range(number, streams, count)))
    return Prepare(
        worker=number,
        target=target,
        protocol=protocol,
        requests=mine,
        connections=1 if own is None else own,
        streams=own,
        limits=limits,
    )
