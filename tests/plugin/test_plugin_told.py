"""What is told of a benchmark that is expected to fail, and of one that asks for its server too late."""

from __future__ import annotations

XFAIL = """
import pytest
from pytest_inferbench import Budget, Single
from pytest_inferbench.errors import InvalidMeasurement

SHORT = Single(requests=4, prompt_tokens=16, output_tokens=4)
TIGHT = [Budget("ttft_ms.p50", "max", 1)]

@pytest.mark.xfail(reason="slow since 0.9")
async def test_over(bench):
    (await bench.run(SHORT, budgets=TIGHT)).check()

@pytest.mark.xfail(raises=AssertionError, strict=True)
async def test_over_without_reason(bench):
    (await bench.run(SHORT, budgets=TIGHT)).check()

@pytest.mark.xfail(raises=InvalidMeasurement)
async def test_invalid(bench):
    (await bench.run(SHORT, min_requests=1000)).check()

async def test_imperative(bench):
    await bench.run(SHORT)
    pytest.xfail("known")

@pytest.mark.xfail
async def test_foreign(bench):
    await bench.run(SHORT)
    assert {"a": bench} == {}

@pytest.mark.xfail(strict=True, reason="slow since 0.9")
async def test_passes(bench):
    (await bench.run(SHORT)).check()

@pytest.mark.xfail(raises=ValueError)
async def test_another_error(bench):
    (await bench.run(SHORT, budgets=TIGHT)).check()
"""


def test_an_expected_failure_is_readable(suite, server, document):
    """Reasons are one line in the summary and the document; what is not as expected fails as pytest says it does."""
    result = suite("--server-url", server.url, "--bench-rounds=1", "-rxXfE", source=XFAIL)
    result.assert_outcomes(xfailed=5, failed=2, passed=6, skipped=1)
    reasons = {entry["id"].split("::")[1].split("[")[0]: entry["reason"] for entry in document()["skipped"]}
    assert reasons == {
        "test_over": "expected to fail: slow since 0.9",
        "test_over_without_reason": "expected to fail: OVER BUDGET: over_without_reason of scripted/external/unknown "
        "(1 of 1 budgets)",
        "test_invalid": "expected to fail: invalid is INVALID (min_requests) and was not judged",
        "test_imperative": "expected to fail: known",
        "test_foreign": reasons["test_foreign"],
    }
    assert reasons["test_foreign"].startswith("expected to fail: AssertionError: assert {'a': ")
    assert "\n" not in reasons["test_foreign"]
    result.stdout.fnmatch_lines(["XFAIL test_suite.py::test_invalid[[]*", "FAILED *test_passes* - [[]XPASS(strict)]*"])
    result.stdout.no_fnmatch_line("*XFAIL at setup*")
    result.stdout.no_fnmatch_line("*  File *")


LATE = """
import unittest
import pytest

def test_bench(request):
    request.getfixturevalue("bench")

def test_backend(request):
    request.getfixturevalue("backend")

class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def given(self, bench):
        self.bench = bench

    def test_it(self):
        pass
"""
EARLY = """
import pytest
from pytest_inferbench import Single

SHORT = Single(requests=4, prompt_tokens=16, output_tokens=4)

@pytest.mark.usefixtures("bench")
def test_named(request):
    request.getfixturevalue("bench").run_sync(SHORT).check()

class TestOwn:
    @pytest.fixture(autouse=True)
    def measured(self, bench):
        self.result = bench.run_sync(SHORT)

    def test_it(self):
        self.result.check()

class TestWider:
    @pytest.fixture(scope="class")
    def shared(self, bench):
        return bench

    def test_it(self, shared):
        pass
"""


def test_asking_too_late_is_one_clear_error(suite, server):
    """`getfixturevalue` in a test that names no fixture of ours, and a unittest class: what to write, no traceback."""
    result = suite("--server-url", server.url, source=LATE)
    result.assert_outcomes(failed=2, errors=1)
    text = result.stdout.str()
    assert text.count("Have the test name them, `def test_it(bench)` or @pytest.mark.usefixtures") == 3
    assert "Traceback" not in text
    assert "hooks.py" not in text


def test_asking_in_time_works(suite, server, document):
    """`usefixtures`, and an autouse fixture that measures; a wider fixture is refused in pytest's own words."""
    result = suite("--server-url", server.url, source=EARLY)
    result.assert_outcomes(passed=4, errors=1, skipped=1)
    assert [case["case"] for case in document()["cases"]] == ["named", "Own.it"]
    result.stdout.fnmatch_lines(["ScopeMismatch: *function scoped fixture bench*"])


def test_another_runner_of_coroutines_may_run_a_benchmark(suite, server):
    """A benchmark that is marked for anyio is left to anyio."""
    source = """
    import pytest
    from pytest_inferbench import Single
    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    async def test_it(bench):
        (await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=4))).check()
    """
    suite("-p", "anyio", "--server-url", server.url, source=source).assert_outcomes(passed=2)


def test_a_benchmark_that_nobody_can_run_says_so(suite, server, monkeypatch):
    """Without pytest-asyncio an `async def` benchmark is one clear error, and a plain one is measured."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = suite("-p", "inferbench", "--server-url", server.url, "-k", "plain or async", "-W", "error")
    result.assert_outcomes(passed=2, errors=1, skipped=1, deselected=1)
    result.stdout.fnmatch_lines(
        ["test_async* is `async def` and pytest-asyncio is not loaded; add -p pytest_asyncio.plugin,*"]
    )
