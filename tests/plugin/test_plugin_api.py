"""What a test is given, as docs/api.md tells it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_of_the_docs(suite, server, document):
    """It runs, and its budget is one of the case's checks, with the test as its place."""
    suite("--server-url", server.url, "--backend=vllm", source=EXAMPLE).assert_outcomes(passed=4)
    line = 1 + EXAMPLE.splitlines().index('        budgets=[Budget("ttft_ms.p50", "max", 2000)],')
    chat, alone = document()["cases"]
    assert (chat["case"], len(chat["rounds"])) == ("chat", 3)
    assert [(check["metric"], check["limit"], check["source"]) for check in chat["checks"] if "limit" in check] == [
        ("ttft_ms.p50", 2000, f"test_suite.py:{line}")
    ]
    assert alone["case"] == "alone"


def test_every_argument_and_attribute_of_the_page_exists(suite, server):
    """What the tables name can be asked for."""
    names = re.findall(r"^\| `(?:result|backend)\.(\w+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(names) == 9
    arguments = re.findall(r"^\| `(\w+)` \| ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    source = f"""
import inspect
from pytest_inferbench import Backend, Bench, Result, Single

def test_it(bench, backend):
    assert isinstance(bench, Bench) and isinstance(backend, Backend)
    result = bench.run_sync(Single(requests=2, prompt_tokens=16, output_tokens=4))
    assert isinstance(result, Result)
    for name in {names!r}:
        assert hasattr(result, name) or hasattr(backend, name), name
    for way in (bench.run, bench.run_sync):
        assert {arguments!r} == [*inspect.signature(way).parameters][1:]
"""
    suite("--server-url", server.url, "--backend=vllm", source=source).assert_outcomes(passed=2)
