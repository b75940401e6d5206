"""Our own benchmarks, unchanged, on a real vLLM: `INFERBENCH_VLLM_PYTHON` names an interpreter that has one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.make_hf import make_hf

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
CONFIG = """
models:
  - path: {model}
    name: tiny
    backend: vllm
    backends:
      vllm:
        python: {python}
        args: {{dtype: float32, max_model_len: 4096, max_num_seqs: 8, enforce_eager: true}}
"""
# A build for processors: little memory for its cache, and no question to a hub.
ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
_PATIENCE_S = 600


@pytest.fixture
def python():
    """The interpreter that has vLLM."""
    named = os.environ.get("INFERBENCH_VLLM_PYTHON")
    if not named:
        pytest.skip("INFERBENCH_VLLM_PYTHON names no interpreter with vLLM")
    return named


def test_the_shipped_benchmarks_run_on_vllm(tmp_path, python):
    """`-k "vllm and concurrency"` measures every case, with the tokens that were planned and nothing invalid."""
    make_hf(tmp_path / "tiny")
    (tmp_path / "models.yaml").write_text(CONFIG.format(model=tmp_path / "tiny", python=python))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "benchmarks/test_concurrency.py", "-k", "vllm and concurrency"),
            *("--provision=process", "--require-backend", "--bench-rounds=2", "-p", "no:cacheprovider"),
            *(f"--bench-config={tmp_path / 'models.yaml'}", f"--bench-results={tmp_path / 'perf'}"),
        ],
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run = json.loads(next(tmp_path.glob("perf/*/run.json")).read_text(encoding="utf-8"))
    assert [case["case"] for case in run["cases"]] == [f"concurrency[c{streams:02d}]" for streams in (1, 4, 8)]
    for streams, case in zip((1, 4, 8), run["cases"], strict=True):
        assert case["backend"] == "vllm"
        assert case["metrics"]["generated_tokens"]["value"] == 2 * 3 * streams * 32
        assert case["metrics"]["prompt_tokens"]["value"] == 2 * 3 * streams * 64
        assert not [finding for finding in case["validity"] if finding["invalid"]]
