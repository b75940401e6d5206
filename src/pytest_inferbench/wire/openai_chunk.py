"""What the chunks of OpenAI's two protocols have in common: choice, token ids, usage, timings.

Law: pure readers of one chunk; each tolerates what the real servers differ in, listed beside it.
"""

from __future__ import annotations

import reprlib

from pytest_inferbench.records import ServerTiming, Usage
from pytest_inferbench.wire.dialect import Delta
from pytest_inferbench.wire.errors import WireError
from pytest_inferbench.wire.payload import count_of, list_of, number_of, object_of

END_MARKER = b"[DONE]"
END = Delta(done=True)


def first_choice(document: dict[str, object]) -> dict[str, object] | None:
    """The chunk's choice; None in a usage chunk whose `choices` are empty or absent. One is all we ask for."""
    choices = list_of(document, "choices")
    if not choices:
        return None
    choice = choices[0]
    if isinstance(choice, dict):
        return choice
    raise WireError(f"field 'choices' should be a list of objects, but begins with {reprlib.repr(choice)}")


def tokens_of(choice: dict[str, object]) -> int | None:
    """How many tokens a choice carries, where it lists their ids (vLLM with `return_token_ids`)."""
    ids = list_of(choice, "token_ids")
    return None if ids is None else len(ids)


def usage_of(document: dict[str, object]) -> Usage | None:
    """The usage so far, on whichever chunk it comes; llama.cpp says what was cached in `timings` too."""
    usage = object_of(document, "usage")
    if not usage:
        return None
    prompt, output = count_of(usage, "prompt_tokens"), count_of(usage, "completion_tokens")
    if prompt is None and output is None:
        return None
    details = object_of(usage, "prompt_tokens_details")
    cached = count_of(details, "cached_tokens") if details else None
    if cached is None:
        cached = cached_by_timings(document)
    return Usage(prompt, output, cached)


def cached_by_timings(document: dict[str, object]) -> int | None:
    """Prompt tokens that llama.cpp took from its cache, by its `timings`."""
    timings = object_of(document, "timings")
    return count_of(timings, "cache_n") if timings else None


def timing_of(document: dict[str, object]) -> ServerTiming | None:
    """llama.cpp's `timings`, so far."""
    timings = object_of(document, "timings")
    if not timings:
        return None
    return ServerTiming(number_of(timings, "prompt_ms"), number_of(timings, "predicted_ms"))
