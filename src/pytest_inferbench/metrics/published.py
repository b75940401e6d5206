"""What servers publish of themselves, under the product's names: what each figure is and how several of it are one.

Limits: facts. A backend says which names on its page stand for which of these (`Backend.published`); nobody else knows
a server's spelling.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Nature(StrEnum):
    """What kind of figure it is, and what becomes of one that stands on a page several times (engines, replicas)."""

    COUNTER = "counter"  # only grows while the server lives; added up
    GAUGE = "gauge"  # goes up and down; added up
    FULLEST = "fullest"  # goes up and down; the highest counts
    HISTOGRAM = "histogram"  # of seconds; added up


PUBLISHED: Mapping[str, Nature] = MappingProxyType(
    {
        "generated_tokens": Nature.COUNTER,
        # As the server counts prompts: all of their tokens, or only those that it had to compute.
        "prompt_tokens": Nature.COUNTER,
        "computed_prompt_tokens": Nature.COUNTER,
        "cached_prompt_tokens": Nature.COUNTER,
        # Prompt tokens looked up in the prefix cache, and found; a preempted request is looked up again.
        "prefix_queries": Nature.COUNTER,
        "prefix_hits": Nature.COUNTER,
        "preemptions": Nature.COUNTER,
        "requests_finished": Nature.COUNTER,
        "requests_running": Nature.GAUGE,
        "requests_waiting": Nature.GAUGE,
        "kv_cache_use": Nature.FULLEST,
        # When the server's process started, in seconds since 1970: another value is another process.
        "started_s": Nature.FULLEST,
        "ttft_s": Nature.HISTOGRAM,
        "itl_s": Nature.HISTOGRAM,
        "e2e_s": Nature.HISTOGRAM,
        "queue_s": Nature.HISTOGRAM,
    }
)

MODEL_LABELS = ("model_name", "model")
"""Labels that name the model a series is of."""

PROCESS_LABEL = "pid"
"""What prometheus_client adds to a gauge that nobody told it how to put together over processes: no sum of those, dead
ones among them, is a figure."""

_RANK = re.compile(r"(?:\w+_)?rank")
_COPY_RANK = re.compile(r"(?:attn_)?(?:dp|data_parallel)_rank")


def same_requests(label: str) -> bool:
    """Whether series that differ only in this label are of the same requests, seen by several ranks.

    Ranks of tensor, pipeline, expert and context parallelism work on the same requests (SGLang with
    `--enable-metrics-for-all-schedulers`: `tp_rank`, `pp_rank`, `moe_ep_rank`); copies of the model (`dp_rank`, and
    vLLM's `engine`) have requests of their own.
    """
    return _RANK.fullmatch(label) is not None and _COPY_RANK.fullmatch(label) is None
