"""What servers publish of themselves, under the product's names: what each figure is and how several of it are one.

Law: facts. A backend says which names on its page stand for which of these (`Backend.published`); nobody else knows a
server's spelling.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Nature(StrEnum):
    """What kind of figure it is, and what becomes of one that stands on a page several times (engines, ranks)."""

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
