from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.devices import FakeDevices
from pytest_inferbench.backends.backend import Command
from pytest_inferbench.errors import CellUnavailable, ProvisionError
from pytest_inferbench.servers.gpu_leases import Leased, lease_gpus
from pytest_inferbench.servers.process import ServerProcess

_HOLD = """
import sys
from pathlib import Path
from pytest_inferbench.clock import SYSTEM_CLOCK
from fakes.devices import FakeDevices
from pytest_inferbench.servers.gpu_leases import lease_gpus
lease = lease_gpus(3, FakeDevices(4), Path(sys.argv[1]), timeout_s=1, clock=SYSTEM_CLOCK)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lease(tmp_path, sleep_clock):
    held = []

    def take(wanted, there=8):
        held.append(lease_gpus(wanted, FakeDevices(there), tmp_path, timeout_s=1, clock=sleep_clock))
        return held[-1]

    yield take
    for one in held:
        one.release()


def test_four_cells_of_two_share_eight_gpus(lease):
    """No GPU is given twice, and a fifth cell waits until one is given back."""
    held = [lease(2) for _ in range(4)]
    assert len({gpu.uuid for one in held for gpu in one.gpus}) == 8
    with pytest.raises(ProvisionError, match="2 of 8 GPUs were not free within 1 s"):
        lease(2)
    held[1].release()
    assert lease(2).gpus == held[1].gpus


def test_who_cannot_have_all_takes_none(lease):
    """A cell that waits for many holds nothing meanwhile."""
    first = lease(6)
    with pytest.raises(ProvisionError):
        lease(4)
    assert len(lease(2).gpus) == 2
    first.release()


def test_without_a_number_it_is_all_of_them(lease):
    """All that are visible are taken; where there are none, that is no lease and no trouble."""
    assert len(lease(None, there=4).gpus) == 4
    assert lease(None, there=0).gpus == ()
    assert lease(0).gpus == ()


def test_more_than_there_are_is_a_reason_to_skip(lease):
    """The message says what is there."""
    with pytest.raises(CellUnavailable, match="needs 4 GPUs and this machine shows 2"):
        lease(4, there=2)
    with pytest.raises(CellUnavailable, match="needs 1 GPUs and this machine shows 0; no NVIDIA driver is loaded"):
        lease(1, there=0)


def test_a_killed_holder_s_gpus_are_free(tmp_path, sleep_clock):
    """The system gives back what a killed process held."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ProvisionError):
            lease_gpus(2, FakeDevices(4), tmp_path, timeout_s=1, clock=sleep_clock)
        holder.kill()
    lease_gpus(4, FakeDevices(4), tmp_path, timeout_s=1, clock=sleep_clock).release()


def test_gpus_are_held_as_long_as_the_server_lives(lease, tmp_path):
    """Whoever leased them may be killed: the server takes a while to end, and nobody else gets its GPUs meanwhile."""
    held = lease(8)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    process = ServerProcess.start(Command((sys.executable, "-c", stubborn)), tmp_path / "log", held.held)
    held.release()  # as the system does for a killed holder
    with pytest.raises(ProvisionError):
        lease(1)
    process.stop()
    lease(8)


def test_a_server_gives_its_gpus_back_when_it_ends(lease):
    """Also when its end goes wrong."""

    class Stuck:
        def stop(self):
            raise ProvisionError("stuck")

    held = lease(8)
    with pytest.raises(ProvisionError, match="stuck"):
        Leased(Stuck(), held).stop()
    lease(8).release()
