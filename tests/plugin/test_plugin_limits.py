"""A time limit ends the test that it is for: its load is stopped, and the next test of the cell is measured."""

from __future__ import annotations

import threading
from itertools import pairwise

from pytest_inferbench.bench.cancel import Cancel

SUITE = """
import asyncio
import threading

import pytest

from pytest_inferbench import Single

SHORT = Single(requests=4, prompt_tokens=16, output_tokens=4)
LONG = Single(requests=5000, prompt_tokens=16, output_tokens=4)


@pytest.mark.timeout(2, func_only=True)
async def test_a_signal(bench):
    await bench.run(LONG)

async def test_b(bench):
    (await bench.run(SHORT)).check()

@pytest.mark.timeout(2, func_only=True)
def test_c_signal_in_a_plain_test(bench):
    bench.run_sync(LONG)

def test_d(bench):
    bench.run_sync(SHORT).check()

async def test_e_timeout(bench):
    async with asyncio.timeout(1):
        await bench.run(LONG)

async def test_f(bench):
    (await bench.run(SHORT)).check()

async def test_g_again_in_the_same_test(bench):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bench.run(LONG), 1)
    (await bench.run(SHORT)).check()

async def test_h_left_running(bench):
    test_h_left_running.task = asyncio.create_task(bench.run(LONG))
    await asyncio.sleep(1)

async def test_i_a_thread_of_its_own(bench):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.to_thread(bench.run_sync, LONG), 1)

async def test_j(bench):
    assert "inferbench" not in [thread.name for thread in threading.enumerate()]
    (await bench.run(SHORT)).check()
"""
ENDED = {"test_a_signal", "test_c_signal_in_a_plain_test", "test_e_timeout"}


def test_a_time_limit_stops_its_own_test_alone(suite, server, document):
    """Whatever ends a test early, those after it are measured; no two loads are under way at once."""
    result = suite(
        *("-p", "pytest_timeout", "--server-url", server.url, "--bench-rounds=1", "-rA"),
        source=SUITE,
    )
    failed = {line.split("::")[1].split("[")[0] for line in result.outlines if line.startswith("FAILED ")}
    assert failed == ENDED
    result.assert_outcomes(passed=12, failed=3, skipped=5)
    result.stdout.fnmatch_lines(["*Failed: Timeout (>2.0s) from pytest-timeout."])
    measured = {case["case"]: case["verdict"] for case in document()["cases"]}
    assert measured == {"b": "new", "d": "new", "f": "new", "g_again_in_the_same_test#2": "new", "j": "new"}
    sent = sorted(server.sent_log(), key=lambda each: each.received_ns)
    changes = [(one, two) for one, two in pairwise(sent) if one.connection != two.connection]
    assert len(changes) > len(ENDED)
    assert all(max(one.begun_ns, default=0) <= two.received_ns for one, two in changes)


def test_what_is_stopped_is_one_thread_s():
    """A stop is seen by the thread that it is for, until that has ended; a set event by all."""
    cancel, seen = Cancel(), []
    stopped, told = threading.Event(), threading.Event()

    def measure():
        stopped.wait(5)
        seen.append(cancel.is_set())
        cancel.forget(threading.current_thread())
        seen.append(cancel.is_set())
        told.set()

    thread = threading.Thread(target=measure)
    thread.start()
    cancel.stop(thread)
    assert not cancel.is_set()
    stopped.set()
    thread.join(5)
    assert told.is_set()
    assert seen == [True, False]
    cancel.set()
    assert cancel.is_set()


NESTED = """
import asyncio
from pytest_inferbench import Single

async def test_nested(bench):
    with bench.record({"prompt": "x"}) as case, case.round():
        await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=4))

async def test_at_once(bench):
    sizes = dict(requests=4, prompt_tokens=16)
    await asyncio.gather(bench.run(Single(output_tokens=4, **sizes)), bench.run(Single(output_tokens=5, **sizes)))
"""


def test_measurements_of_one_test_have_names_and_turns(suite, server, document):
    """One within another's round is refused at once; two at once take turns, named in the order they were asked for."""
    result = suite("--server-url", server.url, source=NESTED)
    result.assert_outcomes(errors=1, passed=2, skipped=1)
    result.stdout.fnmatch_lines(["bench.run() in a round of bench.record(); measure one after the other"])
    tokens = {case["case"]: case["metrics"]["generated_tokens"]["value"] for case in document()["cases"]}
    assert tokens == {"at_once": 32, "at_once#2": 40}
