"""What is watched while a round runs: the server's metrics page, and its GPUs.

Limits: read once before the round and once after it, and in between by threads beside the load; a part that is not
there leaves its share empty.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain

from pytest_inferbench.clock import Clock
from pytest_inferbench.devices.gpu import GpuWatch
from pytest_inferbench.observe.prometheus import MetricsPage
from pytest_inferbench.observe.sampler import Sampler
from pytest_inferbench.records import GpuReading, ServerReading


@dataclass(slots=True)
class Seen:
    """What was seen of one round; complete once the round is over. The fields are those of `RoundRecord`."""

    before: ServerReading | None = None
    after: ServerReading | None = None
    pages: tuple[ServerReading, ...] = ()
    missed: int = 0
    gpu: tuple[GpuReading, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Watch:
    """What there is to watch.

    Attributes:
        page: the server's metrics page; None where it has none.
        gpus: its GPUs; None where it has none, or they are not ours to look at.
        interval_ms: from one reading to the next; 0: only before and after.
        clock: the clock.
    """

    page: MetricsPage | None
    gpus: GpuWatch | None
    interval_ms: float
    clock: Clock

    @contextmanager
    def round(self) -> Generator[Seen]:
        """Watch for as long as the context is open."""
        seen = Seen()
        if self.page is not None:
            seen.before = self.page.read()
        first = self.gpus.read() if self.gpus is not None else ()
        with ExitStack() as threads:
            pages = gpus = None
            # A server that shows no page before the round is not asked for it ten times a second.
            if self.page is not None and seen.before is not None:
                page = self.page
                # It has just written one: in a round that is over within an interval it writes no other.
                pages = threads.enter_context(
                    Sampler(lambda: page.read(histograms=False), self.interval_ms, self.clock, at_once=False)
                )
            if self.gpus is not None and first:
                gpus = threads.enter_context(Sampler(self.gpus.read, self.interval_ms, self.clock))
            yield seen
        if gpus is not None and self.gpus is not None:
            seen.gpu = (*first, *chain.from_iterable(gpus.taken), *self.gpus.read())
        if pages is not None and self.page is not None:
            seen.pages, seen.missed = tuple(pages.taken), pages.missed
            seen.after = self.page.read()
