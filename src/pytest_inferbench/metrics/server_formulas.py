"""Formulas over what the server says of itself, read from its metrics page before, while and after a round ran.

Limits: as in `formulas`. A counter's figure is its difference; of a histogram's difference the quantiles are
interpolated (`histogram.quantile`). Gauges are samples taken while the round's load ran. A restart leaves none.
"""

from __future__ import annotations

import statistics
from dataclasses import replace

from pytest_inferbench.metrics import formulas
from pytest_inferbench.metrics.formulas import RoundView
from pytest_inferbench.metrics.growth import growth, histogram_growth, restart
from pytest_inferbench.metrics.histogram import mean
from pytest_inferbench.records import Histogram

_MS_PER_S = 1000


def server_ttft_ms(view: RoundView) -> Histogram | None:
    """The server's own time to first token: from its reading of the request to its first token."""
    return _milliseconds(view, "ttft_s")


def server_itl_ms(view: RoundView) -> Histogram | None:
    """The server's own time between tokens."""
    return _milliseconds(view, "itl_s")


def server_e2e_ms(view: RoundView) -> Histogram | None:
    """The server's own time from request to last token."""
    return _milliseconds(view, "e2e_s")


def server_queue_ms(view: RoundView) -> Histogram | None:
    """How long the server let requests wait before it began with them."""
    return _milliseconds(view, "queue_s")


def server_ttft_gap_ms(view: RoundView) -> float | None:
    """Mean `ttft_ms` - mean `server_ttft_ms`: what lies between; absent if the server saw other requests than ours."""
    theirs = histogram_growth(view.pages, "ttft_s")
    ours = [sample for request in view.completed for sample in formulas.ttft_ms(request)]
    if theirs is None or not ours or len(ours) != theirs.n:
        return None
    own = mean(theirs)
    return None if own is None else statistics.fmean(ours) - own * _MS_PER_S


def server_running(view: RoundView) -> tuple[float, ...]:
    """Requests in the server's batch, sampled."""
    return _samples(view, "requests_running")


def server_waiting(view: RoundView) -> tuple[float, ...]:
    """Requests in the server's queue, sampled."""
    return _samples(view, "requests_waiting")


def server_kv_cache_use(view: RoundView) -> tuple[float, ...]:
    """Share of the KV cache in use, sampled; of several engines the fullest."""
    return _samples(view, "kv_cache_use")


def server_prefix_hit_rate(view: RoundView) -> float | None:
    """Prompt tokens found in the prefix cache / prompt tokens looked up, or where it does not count those / all."""
    hits, queries = growth(view.pages, "prefix_hits"), growth(view.pages, "prefix_queries")
    if hits is None or queries is None:
        hits, queries = growth(view.pages, "cached_prompt_tokens"), growth(view.pages, "prompt_tokens")
        computed = growth(view.pages, "computed_prompt_tokens")
        if queries is None and hits is not None and computed is not None:
            queries = hits + computed
    return hits / queries if hits is not None and queries else None


def server_preemptions(view: RoundView) -> float | None:
    """Requests that the server put back for want of KV cache."""
    return growth(view.pages, "preemptions")


def server_generated_tokens(view: RoundView) -> float | None:
    """Tokens that the server counts as generated, also in loads that do not count."""
    return growth(view.pages, "generated_tokens")


def _samples(view: RoundView, name: str) -> tuple[float, ...]:
    spans = formulas.load_spans(view)
    if restart(view.pages):
        return ()
    running = (page for page in view.pages if any(start <= page.at_ns <= end for start, end in spans))
    return tuple(page.values[name] for page in running if name in page.values)


def _milliseconds(view: RoundView, name: str) -> Histogram | None:
    seconds = histogram_growth(view.pages, name)
    if seconds is None or seconds.n == 0:
        return None
    bounds = tuple(bound * _MS_PER_S for bound in seconds.bounds)
    return replace(seconds, bounds=bounds, total=seconds.total * _MS_PER_S)
