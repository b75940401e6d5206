from __future__ import annotations

import pytest

from pytest_inferbench.devices.fake import FakeDevices
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
