"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings

from pytest_inferbench.clock import SYSTEM_CLOCK

# A busy machine makes examples slow, and no property false.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# What the pytest runs of tests leave out: plugins that no suite of theirs uses, and that cost each run a second.
_LEFT_OUT = "-p no:hypothesispytest -p no:anyio -p no:rerunfailures -p no:timeout"


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache folder of this process: runs that share one take turns at measuring, and no test waits for another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFERBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@dataclass
class SleepClock:
    """Time passes by sleeping only.

    Attributes:
        slept: the sleeps, in seconds.
    """

    slept: list[float] = field(default_factory=list)

    def now_ns(self):
        return int(sum(self.slept) * 1e9)

    def sleep(self, seconds):
        self.slept.append(seconds)


@pytest.fixture
def sleep_clock():
    return SleepClock()


@pytest.fixture
def eventually():
    """Wait, at most `seconds`, until a condition holds; says whether it does."""

    def wait(condition, seconds=10.0):
        for _ in range(int(seconds / 0.02)):
            if condition():
                return True
            SYSTEM_CLOCK.sleep(0.02)
        return False

    return wait


@pytest.fixture(autouse=True)
def lean_runs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of pytest start without what they do not use; pytester takes the variable out, so it comes first."""
    if "pytester" in request.fixturenames:
        request.getfixturevalue("pytester")
    monkeypatch.setenv("PYTEST_ADDOPTS", _LEFT_OUT)
