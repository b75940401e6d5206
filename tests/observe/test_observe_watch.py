"""A watched round: read before it, after it and in between, as far as there is anything to read."""

from __future__ import annotations

import threading

from fakes.devices import FakeDevices
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.observe.watch import Watch
from pytest_inferbench.records import ServerReading


class FakePage:
    """A page whose counter goes up with each reading."""

    def __init__(self, first=True):
        self.reads = []
        self.enough = threading.Event()
        self._first = first

    def read(self, *, histograms=True):
        self.reads.append(histograms)
        if len(self.reads) >= 3:
            self.enough.set()
        return ServerReading(SYSTEM_CLOCK.now_ns(), {"generated_tokens": len(self.reads)}) if self._first else None


def test_a_round_is_read_around_and_within():
    """Histograms before and after, only gauges and counters within; GPUs likewise."""
    page, devices = FakePage(), FakeDevices(2)
    with Watch(page, devices.watch(devices.gpus(), SYSTEM_CLOCK), 1, SYSTEM_CLOCK).round() as seen:
        assert page.enough.wait(10)
    assert (page.reads[0], page.reads[-1], set(page.reads[1:-1])) == (True, True, {False})
    counts = [reading.values["generated_tokens"] for reading in (seen.before, *seen.pages, seen.after)]
    assert counts == list(range(1, len(page.reads) + 1))
    assert {reading.index for reading in seen.gpu} == {0, 1}
    assert len(seen.gpu) >= 4


def test_without_samples_the_round_is_read_around():
    """An interval of 0 leaves the readings that counters need."""
    page, devices = FakePage(), FakeDevices(1)
    with Watch(page, devices.watch(devices.gpus(), SYSTEM_CLOCK), 0, SYSTEM_CLOCK).round() as seen:
        pass
    assert (page.reads, seen.pages, len(seen.gpu)) == ([True, True], (), 2)


def test_a_short_round_costs_the_server_no_page():
    """A round that is over within an interval is read around, and not within."""
    page = FakePage()
    with Watch(page, None, 60_000, SYSTEM_CLOCK).round() as seen:
        SYSTEM_CLOCK.sleep(0.02)
    assert (page.reads, seen.pages, seen.missed) == ([True, True], (), 0)


def test_a_server_without_a_page_is_asked_once():
    """No page before the round: nothing is asked for while it runs."""
    page = FakePage(first=False)
    with Watch(page, None, 1, SYSTEM_CLOCK).round() as seen:
        SYSTEM_CLOCK.sleep(0.02)
    assert (page.reads, seen.before, seen.after, seen.gpu) == ([True], None, None, ())


def test_nothing_to_watch():
    """Neither page nor GPUs: an empty account."""
    with Watch(None, None, 1, SYSTEM_CLOCK).round() as seen:
        pass
    assert (seen.before, seen.after, seen.pages, seen.missed, seen.gpu) == (None, None, (), 0, ())
