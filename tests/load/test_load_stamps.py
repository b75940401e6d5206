"""The offset between the two clocks: a pause between two reads is no step, and a step is one."""

from __future__ import annotations

from pytest_inferbench.load.stamps import realtime_offset, step_since

MS = 1_000_000


class Clocks:
    """Both clocks of a machine; each read takes 100 ns, and after some of them the reader is paused.

    Args:
        pauses: number of the read -> ns that it is paused behind it.
    """

    def __init__(self, pauses=()):
        self.now, self.reads, self.offset, self.pauses = 0, 0, 5_000 * MS, dict(pauses)

    def _read(self):
        self.now += 100 + self.pauses.get(self.reads, 0)
        self.reads += 1
        return self.now

    def monotonic(self):
        return self._read()

    def realtime(self):
        return self._read() + self.offset


def test_a_pause_between_two_reads_is_no_step():
    """Neither in the first look, nor in a later one, nor where every look is paused."""
    always = Clocks(dict.fromkeys(range(100), 3 * MS))
    for clocks in (Clocks({0: 2 * MS, 1: 2 * MS}), Clocks({16: 2 * MS, 20: 9 * MS}), always):
        first = realtime_offset(clocks.realtime, clocks.monotonic)
        assert step_since(first, clocks.realtime, clocks.monotonic) == 0


def test_a_step_is_seen():
    """To within what the looks were off by."""
    clocks = Clocks({1: 2 * MS})
    first = realtime_offset(clocks.realtime, clocks.monotonic)
    clocks.offset += 2 * MS
    step = step_since(first, clocks.realtime, clocks.monotonic)
    assert 2 * MS - 1_000 < step <= 2 * MS
