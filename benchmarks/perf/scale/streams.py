"""2,000 streams at once through one load worker, beside 200: its error against the server's stamps, and its cost."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.perf.client import Job, allow_connections
from benchmarks.perf.clients import measure
from benchmarks.perf.compare import Figures, figures, medians

from fakes.scripted import Script, ScriptedServer

from .row import Row

STREAMS = (200, 2000)
_SCRIPT = Script(first_ms=50.0, gap_ms=200.0)  # 10,000 chunks a second at the most: two cores bear that, and the server
_TOKENS, _ROUNDS = 20, 3
_FIGURES = (
    ("TTFT reported / true, p50", "ttft_ratio_p50", 1.02, 3),
    ("TTFT reported / true, p99", "ttft_ratio_p99", 1.05, 3),
    ("error of TTFT p99, us", "ttft_error_us_p99", None, 0),
    ("CPU a chunk, us", "cpu_us_per_chunk", None, 1),
    ("worker's peak memory, MB", "peak_rss_mb", None, 0),
    ("requests that went wrong", "unmatched", 0.0, 0),
    ("the server's own lag p99, us", "server_lag_us_p99", None, 0),
)


def rows() -> Iterator[Row]:
    """Medians of the rounds, both sizes in turn."""
    allow_connections(max(STREAMS))
    found: dict[int, list[Figures]] = {streams: [] for streams in STREAMS}
    with ScriptedServer(_SCRIPT) as server:
        for number in range(_ROUNDS):
            for streams in STREAMS:
                job = Job(server.url, streams, 1, _TOKENS, f"ours-{streams}-{number}")
                server.forget()
                run = measure("ours", job, {})
                found[streams].append(figures(job, run, *server.truth()))
    usual, tenfold = (medians(found[streams]) for streams in STREAMS)
    for figure, name, most, digits in _FIGURES:
        yield Row(f"{STREAMS[0]} and {STREAMS[1]:,} streams", figure, usual[name], tenfold[name], most, digits)
