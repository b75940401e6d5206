"""The sampler: even intervals, nothing queued, nothing lost."""

from __future__ import annotations

import threading

import pytest

from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.observe.sampler import Sampler


class Reader:
    """Hands out numbers and tells when it has handed out enough."""

    def __init__(self, enough=3, answers=None):
        self.calls = 0
        self.done = threading.Event()
        self._enough = enough
        self._answers = answers

    def __call__(self):
        self.calls += 1
        if self.calls >= self._enough:
            self.done.set()
        return self.calls if self._answers is None else self._answers(self.calls)


def test_samples_are_taken_until_it_is_left():
    """Between entering and leaving it reads again and again, and not once after."""
    read = Reader()
    with Sampler(read, 1, SYSTEM_CLOCK) as sampler:
        assert read.done.wait(10)
    taken = list(sampler.taken)
    assert taken == list(range(1, read.calls + 1))
    assert not [thread for thread in threading.enumerate() if thread.name == "inferbench-sampler"]


def test_the_first_sample_can_wait_for_an_interval():
    """What is over sooner has none, and nothing is missed."""
    read = Reader(1)
    with Sampler(read, 60_000, SYSTEM_CLOCK, at_once=False) as sampler:
        assert not read.done.wait(0.05)
    assert (sampler.taken, sampler.missed) == ([], 0)


def test_an_interval_of_nothing_takes_nothing():
    """With 0 there is no thread and no sample."""
    read = Reader()
    with Sampler(read, 0, SYSTEM_CLOCK) as sampler:
        pass
    assert (sampler.taken, sampler.missed, read.calls) == ([], 0, 0)


def test_what_could_not_be_read_is_counted():
    """A sample that is none is missed, and the next is taken all the same."""
    read = Reader(4, lambda call: None if call % 2 else call)
    with Sampler(read, 1, SYSTEM_CLOCK) as sampler:
        assert read.done.wait(10)
    assert sampler.missed >= 2
    assert sampler.taken[:2] == [2, 4]


def test_a_slow_reader_makes_samples_rarer():
    """A read that takes five intervals counts the moments it slept through; they are not caught up with."""
    read = Reader(3, lambda call: SYSTEM_CLOCK.sleep(0.05) or call)
    with Sampler(read, 10, SYSTEM_CLOCK) as sampler:
        assert read.done.wait(10)
    assert sampler.missed >= 4 * 2
    assert len(sampler.taken) <= read.calls


def test_an_error_of_the_reader_comes_out():
    """What the reader raises is raised where the sampling ends, and not instead of another error."""
    broken = Reader(1, lambda _: 1 // 0)
    with pytest.raises(ZeroDivisionError), Sampler(broken, 1, SYSTEM_CLOCK):  # noqa: PT012 - waits for the thread
        assert broken.done.wait(10)
        SYSTEM_CLOCK.sleep(0.05)
    with pytest.raises(KeyError), Sampler(Reader(1, lambda _: 1 // 0), 1, SYSTEM_CLOCK):
        raise KeyError
