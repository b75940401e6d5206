"""The example of `bench.record()` in docs/workloads.md, as it stands, on a real server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "workloads.md"

pytestmark = pytest.mark.e2e


def test_the_example_of_the_docs_is_valid(tmp_path):
    """Its process keeps up with the fastest model there is, and every token that the server counts is recorded."""
    pytest.importorskip("xllamacpp")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (example,) = (block for block in blocks if "bench.record" in block)
    (tmp_path / "test_own.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--model=builtin:tiny", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = tmp_path.glob("perf/*/run.json")
    (case,) = json.loads(run.read_text(encoding="utf-8"))["cases"]
    assert [finding["code"] for finding in case["validity"] if finding["invalid"]] == []
    recorded, counted = (case["metrics"][name]["value"] for name in ("generated_tokens", "server_generated_tokens"))
    assert recorded == counted > 5 * 3
