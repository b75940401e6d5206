"""What server and GPUs say as metrics: each row by hand, and absent wherever it could be wrong."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from pytest_inferbench.metrics.formulas import RequestView, RoundView
from pytest_inferbench.metrics.growth import restart
from pytest_inferbench.metrics.table import METRICS
from pytest_inferbench.records import GpuReading, Histogram, RequestRecord, ServerReading

MS = 1_000_000
GIB = 2**30


def request(sent, first, last, tokens=10, load=0):
    """A request in milliseconds."""
    record = RequestRecord(0, 0, 0, "", None, sent * MS, (first * MS, last * MS), None, last * MS, load=load)
    return RequestView(record, tokens)


def page(at, histograms=None, **values):
    return ServerReading(at * MS, values, histograms or {})


def ttft(*counts, total):
    return {"ttft_s": Histogram((0.01, 0.1, math.inf), counts, total)}


REQUESTS = (request(100, 150, 200), request(120, 180, 300))


def view(*pages, requests=REQUESTS, gpu=()):
    return RoundView(requests, pages=pages, gpu=gpu)


def figure(name, round_):
    return METRICS[name].formula(round_)


@pytest.mark.parametrize(
    ("name", "before", "after", "expected"),
    [
        ("server_generated_tokens", {"generated_tokens": 5}, {"generated_tokens": 25}, 20),
        ("server_preemptions", {"preemptions": 1}, {"preemptions": 1}, 0),
        (
            "server_prefix_hit_rate",
            {"prefix_hits": 0, "prefix_queries": 10},
            {"prefix_hits": 3, "prefix_queries": 20},
            0.3,
        ),
        (
            "server_prefix_hit_rate",
            {"cached_prompt_tokens": 0, "prompt_tokens": 0},
            {"cached_prompt_tokens": 5, "prompt_tokens": 20},
            0.25,
        ),
        (  # llama.cpp leaves cached tokens out of its count
            "server_prefix_hit_rate",
            {"cached_prompt_tokens": 0, "computed_prompt_tokens": 0},
            {"cached_prompt_tokens": 5, "computed_prompt_tokens": 15},
            0.25,
        ),
    ],
)
def test_counters_are_differences(name, before, after, expected):
    """From the page before the round to the page after it."""
    assert figure(name, view(page(0, **before), page(400, **after))) == pytest.approx(expected)


_COUNTED = ["server_generated_tokens", "server_preemptions", "server_prefix_hit_rate"]


@pytest.mark.parametrize("name", _COUNTED)
def test_a_counter_that_is_not_published_is_absent(name):
    """No page, one page, or a page without the name."""
    for pages in ((), (page(0, generated_tokens=1, preemptions=1),), (page(0), page(400))):
        assert figure(name, view(*pages)) is None


def test_nothing_looked_up_is_no_rate():
    """A share of nothing is absent, not 0."""
    pages = (page(0, prefix_hits=1, prefix_queries=2), page(400, prefix_hits=1, prefix_queries=2))
    assert figure("server_prefix_hit_rate", view(*pages)) is None


@pytest.mark.parametrize(
    "pages",
    [
        (page(0, generated_tokens=9), page(200, generated_tokens=1), page(400, generated_tokens=30)),
        (page(0, started_s=1, generated_tokens=9), page(400, started_s=2, generated_tokens=30)),
    ],
    ids=["seen between", "another process"],
)
def test_a_restart_in_mid_round_leaves_nothing(pages):
    """A counter that began again and has overtaken itself since is not believed; nor is any gauge or histogram."""
    pages = tuple(
        ServerReading(p.at_ns, {**p.values, "requests_running": 1.0}, ttft(1, 2 * n, 2 * n, total=float(n)))
        for n, p in enumerate(pages, 1)
    )
    assert restart(pages)
    round_ = view(*pages)
    assert figure("server_generated_tokens", round_) is None
    assert figure("server_ttft_ms", round_) is None
    assert figure("server_running", round_) == ()


def test_a_page_that_lacks_a_name_is_no_restart():
    """A cut page between two whole ones hides nothing and shows nothing."""
    pages = (page(0, generated_tokens=9, started_s=5), page(200), page(400, generated_tokens=30, started_s=5))
    assert restart(pages) is None
    assert figure("server_generated_tokens", view(*pages)) == 21


def test_gauges_are_sampled_while_the_load_runs():
    """From the first send at 100 ms to the last chunk at 300: what stands before and after is not the load's."""
    pages = [
        page(at, requests_running=n, requests_waiting=9 - n, kv_cache_use=n / 10)
        for n, at in enumerate((50, 100, 200, 301))
    ]
    round_ = view(*pages)
    assert figure("server_running", round_) == (1, 2)
    assert figure("server_waiting", round_) == (8, 7)
    assert figure("server_kv_cache_use", round_) == (0.1, 0.2)


def test_histograms_become_milliseconds():
    """The bounds and the sum, not the counts."""
    round_ = view(page(0, ttft(1, 1, 1, total=1.0)), page(400, ttft(1, 3, 3, total=1.1)))
    grown = figure("server_ttft_ms", round_)
    assert grown.bounds == (10, 100, math.inf)
    assert (grown.counts, grown.total) == ((0, 2, 2), pytest.approx(100))
    assert figure("server_itl_ms", round_) is None


def test_the_gap_is_between_means():
    """Ours: 50 and 60 ms. The server's: 40 and 44 ms."""
    pages = (page(0, ttft(0, 0, 0, total=0.0)), page(400, ttft(0, 2, 2, total=0.084)))
    assert figure("server_ttft_gap_ms", view(*pages)) == pytest.approx(13.0)
    more = (pages[0], page(400, ttft(0, 3, 3, total=0.1)))
    assert figure("server_ttft_gap_ms", view(*more)) is None  # the server answered somebody else, too


def gpu(at, index=0, throttled=frozenset(), **values):
    return GpuReading(at * MS, index, values, throttled)


def test_energy_is_read_off_the_counter():
    """1000 J/s: 100 J between 100 and 300 ms are 200 J whatever was read where; 20 tokens make 10 J each."""
    readings = [gpu(at, energy_j=5000 + at) for at in (90, 160, 280, 310)]
    assert figure("gpu_energy_j", view(gpu=readings)) == pytest.approx(200)
    assert figure("joule_per_token", view(gpu=readings)) == pytest.approx(10)


def test_energy_of_two_gpus_is_their_sum():
    """And of two loads that of both, without the pause between."""
    readings = [gpu(at, index, energy_j=at) for at in (0, 1000) for index in (0, 1)]
    loads = (request(100, 110, 200), request(500, 510, 700, load=1))
    assert figure("gpu_energy_j", view(requests=loads, gpu=readings)) == pytest.approx(2 * (100 + 200))


@pytest.mark.parametrize(
    "readings",
    [
        [],
        [gpu(90, power_w=1.0), gpu(310, power_w=1.0)],
        [gpu(90, energy_j=1), gpu(299, energy_j=2)],
        [gpu(101, energy_j=1), gpu(310, energy_j=2)],
        [gpu(90, energy_j=5), gpu(200, energy_j=1), gpu(310, energy_j=9)],
        [gpu(90, energy_j=1), gpu(310, energy_j=2), gpu(90, 1, energy_j=1)],
    ],
    ids=["none", "no counter", "gone before the end", "late", "reset", "one of two gone"],
)
def test_energy_that_is_not_known_is_absent(readings):
    """Never the energy of a part, never power added up."""
    assert figure("gpu_energy_j", view(gpu=readings)) is None
    assert figure("joule_per_token", view(gpu=readings)) is None


def test_gpus_together():
    """Power is added, the hottest and the slowest count, and a moment at which one was not read is left out."""
    one = [gpu(at, power_w=100.0, utilization=0.5, temperature_c=50.0, sm_clock_mhz=1900.0) for at in (150, 200)]
    two = [gpu(150, 1, power_w=200.0, utilization=1.0, temperature_c=70.0, sm_clock_mhz=1200.0)]
    round_ = view(gpu=[*one, *two])
    assert figure("gpu_power_w", round_) == (300.0,)
    assert figure("gpu_utilization", round_) == (0.75,)
    assert figure("gpu_temperature_c", round_) == (70.0,)
    assert figure("gpu_sm_clock_mhz", round_) == (1200.0,)


def test_memory_peaks_also_outside_the_load():
    """The weights are there before the first request; a GPU that does not tell leaves no sum."""
    readings = [gpu(0, memory_bytes=3.0 * GIB), gpu(200, memory_bytes=2.0 * GIB), gpu(200, 1, memory_bytes=1.0 * GIB)]
    assert figure("gpu_memory_peak_gib", view(gpu=readings)) == 4.0
    assert figure("gpu_memory_peak_gib", view(gpu=[*readings, gpu(200, 2)])) is None
    assert figure("gpu_memory_peak_gib", view()) is None


def test_throttling_is_a_share_of_samples():
    """One of two samples in the load was held down; what does not tell is not counted."""
    readings = [gpu(150, throttled=frozenset({"power_cap"})), gpu(160), gpu(170, throttled=None), gpu(900)]
    assert figure("gpu_throttled", view(gpu=readings)) == 0.5
    assert figure("gpu_throttled", view(gpu=[gpu(150, throttled=None)])) is None


def test_the_docs_have_every_step_as_the_table_has_it():
    """docs/metrics.md lists the metrics whose figures can be 0, in the table's order, each with its step."""
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    told = re.findall(
        r"^\| `(\w+)` \| ([\d.]+)(?: ([^|]+))? \|", text.partition("## Figures that can be 0")[2], re.MULTILINE
    )
    steps = {name: metric.zero.step for name, metric in METRICS.items() if metric.zero}
    assert [(name, float(step) / (100 if unit == "%" else 1), unit) for name, step, unit in told] == [
        (name, step, METRICS[name].unit.symbol) for name, step in steps.items()
    ]


def test_the_docs_have_every_metric_as_the_table_has_it():
    """docs/metrics.md lists each row with its unit, direction and the formula's own words."""
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    for name, metric in METRICS.items():
        better = "-" if metric.direction.value == "neutral" else metric.direction.value
        words = " ".join((metric.formula.__doc__ or "").split("\n\n")[0].split())
        cells = [f"`{name}`", metric.unit.symbol, better, words]
        assert "| " + " | ".join(cells).replace("|  |", "| |") + " |" in text
