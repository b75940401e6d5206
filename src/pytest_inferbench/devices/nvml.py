"""The GPUs of this machine as NVIDIA's management library tells them.

Law: the only file that touches `pynvml` (package nvidia-ml-py); no package, no driver and no GPU are all "none".
"""

from __future__ import annotations

import os

from pytest_inferbench.devices.gpu import Gpu, visible


class Nvml:
    """NVML, opened for each question and closed after it."""

    def gpus(self) -> tuple[Gpu, ...]:
        """Those this process may use; empty where there are none or NVML cannot be asked."""
        try:
            import pynvml  # noqa: PLC0415 - an extra: machines without a GPU do without
        except ImportError:
            return ()
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError:
            return ()
        try:
            return visible(tuple(_read(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount())), _wanted())
        except pynvml.NVMLError:
            return ()
        finally:
            pynvml.nvmlShutdown()

    def why_none(self) -> str:
        """Where there are none: what is missing, and how to get it."""
        try:
            import pynvml  # noqa: PLC0415 - as above
        except ImportError:
            return "they cannot be looked for without nvidia-ml-py; pip install 'pytest-inferbench[gpu]'"
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            return f"NVIDIA's driver does not answer ({error})"
        pynvml.nvmlShutdown()
        hidden = _wanted() is not None
        return "CUDA_VISIBLE_DEVICES leaves none of those that are there" if hidden else "the driver shows none"


def _read(pynvml, index: int) -> Gpu:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a module without types
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    try:
        memory = int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
    except pynvml.NVMLError:
        memory = None
    return Gpu(index, str(pynvml.nvmlDeviceGetUUID(handle)), str(pynvml.nvmlDeviceGetName(handle)), memory)


def _wanted() -> str | None:
    return os.environ.get("CUDA_VISIBLE_DEVICES")


NVML = Nvml()
