"""The GPUs of this machine as NVIDIA's management library tells them.

Limits: the only file that imports `pynvml` (package nvidia-ml-py); no package, no driver and no GPU are all "none".
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pytest_inferbench.devices.gpu import Gpu, visible
from pytest_inferbench.devices.nvml_watch import NvmlWatch

if TYPE_CHECKING:
    from pytest_inferbench.clock import Clock

_CUDA_MAJOR, _CUDA_MINOR = 1000, 10  # 12080 is CUDA 12.8
_MILLI = 1000


class Nvml:
    """NVML, opened for each question and closed after it; a watch keeps it open."""

    def gpus(self) -> tuple[Gpu, ...]:
        """Those this process may use; empty where there are none or NVML cannot be asked."""
        with _open_library() as library:
            if library is None:
                return ()
            try:
                return visible(tuple(_read(library, index) for index in range(library.nvmlDeviceGetCount())), _wanted())
            except library.NVMLError:
                return ()

    def versions(self) -> Mapping[str, str]:
        """`driver` and `cuda`, as far as NVML tells them."""
        found: dict[str, str] = {}
        with _open_library() as library:
            if library is None:
                return found
            with suppress(library.NVMLError):
                found["driver"] = str(library.nvmlSystemGetDriverVersion())
            with suppress(library.NVMLError):
                number = int(library.nvmlSystemGetCudaDriverVersion_v2())
                found["cuda"] = f"{number // _CUDA_MAJOR}.{number % _CUDA_MAJOR // _CUDA_MINOR}"
        return found

    def watch(self, gpus: tuple[Gpu, ...], clock: Clock) -> NvmlWatch:
        """Open GPUs that `gpus()` gave for reading."""
        return NvmlWatch(_library(), gpus, clock)

    def why_none(self) -> str:
        """Where there are none: what is missing, and how to get it."""
        library = _library()
        if library is None:
            return "nvidia-ml-py, which looks for them, is not installed; pip install 'pytest-inferbench[gpu]'"
        try:
            library.nvmlInit()
        except library.NVMLError as error:
            return f"NVIDIA's driver does not answer ({error})"
        try:
            count = library.nvmlDeviceGetCount()
        except library.NVMLError as error:
            return f"NVIDIA's driver does not list them ({error})"
        finally:
            library.nvmlShutdown()
        hidden = f"CUDA_VISIBLE_DEVICES={_wanted()} hides the {count} that the driver shows"
        return hidden if count else "NVIDIA's driver shows none"


def _library() -> Any:  # noqa: ANN401 - a module without types
    try:
        import pynvml  # noqa: PLC0415 - an extra: machines without a GPU do without
    except ImportError:
        return None
    return pynvml


@contextmanager
def _open_library() -> Generator[Any]:
    """The library, ready to be asked; None where it cannot be."""
    library = _library()
    try:
        if library is not None:
            library.nvmlInit()
    except library.NVMLError:
        library = None
    try:
        yield library
    finally:
        if library is not None:
            library.nvmlShutdown()


def _read(library: Any, index: int) -> Gpu:  # noqa: ANN401 - as above
    handle = library.nvmlDeviceGetHandleByIndex(index)
    memory = limit = None
    with suppress(library.NVMLError):
        memory = int(library.nvmlDeviceGetMemoryInfo(handle).total)
    with suppress(library.NVMLError):
        limit = library.nvmlDeviceGetEnforcedPowerLimit(handle) / _MILLI
    uuid, name = str(library.nvmlDeviceGetUUID(handle)), str(library.nvmlDeviceGetName(handle))
    return Gpu(index, uuid, name, memory, limit)


def _wanted() -> str | None:
    return os.environ.get("CUDA_VISIBLE_DEVICES")


NVML = Nvml()
