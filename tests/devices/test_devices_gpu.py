from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest

from fakes.devices import FakeDevices
from pytest_inferbench.devices.gpu import visible
from pytest_inferbench.devices.nvml import Nvml

_FOUR = FakeDevices(4).gpus()


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (None, [0, 1, 2, 3]),
        ("", []),
        ("2,0", [2, 0]),
        ("GPU-00000003", [3]),
        ("1,7,2", [1]),
        ("-1", []),
        (" 1 , 2 ", [1, 2]),
    ],
)
def test_visible_gpus_are_those_cuda_would_see(wanted, left):
    """Numbers and UUIDs select, in their order; the first that names nothing ends the list."""
    assert [gpu.index for gpu in visible(_FOUR, wanted)] == left


def test_the_real_list_never_raises():
    """Where there is no driver there are no GPUs; where there are, each has a UUID and a name."""
    assert all(gpu.uuid.startswith("GPU-") and gpu.name for gpu in Nvml().gpus())


class _NVMLError(Exception):
    """As pynvml's."""


def _nvml(count, init=None, lists=None):
    def fail(error):
        if error is not None:
            raise _NVMLError(error)

    def listed():
        fail(lists)
        return count

    return SimpleNamespace(
        NVMLError=_NVMLError, nvmlInit=lambda: fail(init), nvmlShutdown=lambda: None, nvmlDeviceGetCount=listed
    )


@pytest.mark.parametrize(
    ("library", "hidden", "why"),
    [
        (None, None, r"nvidia-ml-py, which looks for them, is not installed; pip install 'pytest-inferbench\[gpu\]'"),
        (
            _nvml(0, init="NVML Shared Library Not Found"),
            None,
            r"driver does not answer \(NVML Shared Library Not Found",
        ),
        (_nvml(0, init="Driver Not Loaded"), None, r"driver does not answer \(Driver Not Loaded\)"),
        (_nvml(0, lists="Unknown Error"), None, r"driver does not list them \(Unknown Error\)"),
        (_nvml(0), None, "NVIDIA's driver shows none"),
        (_nvml(0), "0", "NVIDIA's driver shows none"),
        (_nvml(2), "", "CUDA_VISIBLE_DEVICES= hides the 2 that the driver shows"),
        (_nvml(2), "-1", "CUDA_VISIBLE_DEVICES=-1 hides the 2 that the driver shows"),
    ],
    ids=["package", "library", "driver", "list", "none", "none-and-hidden", "hidden", "hidden-by-number"],
)
def test_why_there_are_none(monkeypatch, library, hidden, why):
    """Each reason in its own words; what is missing with what to do."""
    monkeypatch.setitem(sys.modules, "pynvml", library)
    if hidden is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert re.search(why, Nvml().why_none())
