"""What is watched beside a load on the real llama.cpp server agrees with what the load itself saw."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e

SUITE = """
from pytest_inferbench import Concurrency

def test_concurrency(bench):
    result = bench.run_sync(
        Concurrency(streams=2, requests=16, prompt_tokens=64, output_tokens=200), sample_interval_ms=20
    )
    result.check()
"""


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A case measured on the embedded server."""
    folder = tmp_path_factory.mktemp("watched")
    (folder / "test_it.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "--rootdir=.", "--model=builtin:tiny", "--bench-rounds=2", "-q"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    (document,) = folder.glob("perf/*/run.json")
    return json.loads(document.read_text())["cases"][0]


def test_the_server_s_series_are_there(case):
    """Two streams were seen in its batch, on the axis of the rounds; no page was lost to the load."""
    observed, rounds = case["server"]["observed"], case["timeline"]["rounds"]
    lines = observed["series"]["lines"]
    assert set(lines) == {"requests_running", "requests_waiting", "generated_tok_per_s"}
    assert max(lines["requests_running"]["values"]) == 2
    at = observed["series"]["at_s"]
    assert at == sorted(at)
    assert -1 < at[0] < rounds[0]["end_s"] <= rounds[1]["start_s"] < at[-1]
    assert case["metrics"]["server_running"]["n"] > 0


def test_the_server_counts_the_tokens_that_we_count(case):
    """2 rounds of 16 requests of 200 tokens, by its counter and by ours."""
    assert case["metrics"]["generated_tokens"]["value"] == 2 * 16 * 200
    assert case["metrics"]["server_generated_tokens"]["value"] == 2 * 16 * 200


def test_a_cold_case_hits_no_prefix(case):
    """Prompts of their own and `cache_prompt: false`: nothing came from the cache."""
    assert case["metrics"]["server_prefix_hit_rate"]["value"] == 0


def test_what_it_does_not_publish_is_absent(case):
    """llama.cpp's page has neither histograms nor a KV gauge, and this server no GPU."""
    absent = ("server_ttft_ms", "server_kv_cache_use", "server_preemptions", "joule_per_token", "gpu_power_w")
    assert not set(absent) & set(case["metrics"])
    assert case["server"]["model_hash_of"] == "contents"
