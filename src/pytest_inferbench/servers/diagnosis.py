"""What known lines of a server's log mean.

Limits: a table of patterns, tried in order; advice is added to the evidence, never put in its place.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LEAST_FREE = 64 * 1024  # bytes; a log of a few hundred lines


class Trouble(StrEnum):
    """Why a server did not start."""

    ADDRESS_IN_USE = "address in use"
    GPU_MEMORY = "out of GPU memory"
    MEMORY = "out of memory"
    KILLED = "killed"
    DISK = "disk full"
    PROCESSES = "too many processes"
    NOT_A_MODEL = "not a model"
    CUT_MODEL = "cut model"
    UNKNOWN_ARGUMENT = "unknown argument"
    NO_GPU = "no usable GPU"
    MISSING_FILE = "missing file"
    FAILED_CHECK = "failed check"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One known trouble.

    Attributes:
        trouble: the kind.
        pattern: a regular expression for a log line that tells of it, in any case.
        meaning: what happened and what to do, for people.
    """

    trouble: Trouble
    pattern: str
    meaning: str


_KNOWN = (
    Diagnosis(
        Trouble.FAILED_CHECK,
        r"^.*(?:GGML_ASSERT\(.*\) failed|Assertion .* failed).*$",
        "a check of the server's own failed; see which argument it is about, or take back the one that changed",
    ),
    Diagnosis(
        Trouble.ADDRESS_IN_USE,
        r"address already in use|couldn't bind HTTP server socket|EADDRINUSE",
        "another process has the port; choose another or leave it out",
    ),
    Diagnosis(
        Trouble.GPU_MEMORY,
        r"CUDA out of memory|cudaMalloc failed|OutOfMemoryError|ErrorOutOfDeviceMemory"
        r"|No available memory for the cache blocks|larger than the maximum number of tokens that can be stored"
        r"|Free memory on device .* is less than desired",
        "the GPU's memory does not suffice; use a shorter context, a smaller model or fewer slots, "
        "or see what else is on the GPU",
    ),
    Diagnosis(
        Trouble.PROCESSES,
        r"can't start new thread|(?:fork|clone|thread).*Resource temporarily unavailable"
        r"|what\(\):\s+Resource temporarily unavailable|fork.*\n(?:.*\n){0,9}.*BlockingIOError|cannot fork",
        "it may start no further process or thread; raise `pids:` in the config if it is in a container, and see "
        "`ulimit -u` if it is not",
    ),
    Diagnosis(
        Trouble.MEMORY,
        r"std::bad_alloc|cannot allocate memory|failed to allocate|unable to allocate|MemoryError",
        "the machine's memory does not suffice; use a shorter context, a smaller model or fewer slots",
    ),
    Diagnosis(
        Trouble.DISK,
        r"No space left on device|disk quota exceeded",
        "a disk that it writes to is full; free space there",
    ),
    Diagnosis(
        Trouble.NOT_A_MODEL,
        r"invalid magic characters",
        "the model file is not a GGUF file; fetch it again",
    ),
    Diagnosis(
        Trouble.CUT_MODEL,
        r"not within the file bounds|model is corrupted or incomplete|SafetensorError",
        "the model file is incomplete; fetch it again",
    ),
    Diagnosis(
        Trouble.UNKNOWN_ARGUMENT,
        r"unrecognized arguments|error: invalid argument|unknown argument|CommonParams has no field",
        "this version of the server does not know an argument; correct `args` or the version",
    ),
    Diagnosis(
        Trouble.NO_GPU,
        r"CUDA driver version is insufficient|no CUDA-capable device|Failed to infer device type"
        r"|libcuda\.so|CUDA error",
        "the server found no GPU it can use; see `nvidia-smi` and that its build fits the driver",
    ),
    Diagnosis(
        Trouble.MISSING_FILE,
        r"failed to open GGUF file|No such file or directory|does not appear to have a file named",
        "a file the server needs is not there; correct the path",
    ),
)

_OF_A_DEBUGGER = re.compile(r"\.(?:[chS]|cc|cpp): No such file or directory")
"""A source file that a debugger would show in a backtrace and has not; no file of the server's."""

_KILLED = Diagnosis(
    Trouble.KILLED,
    r"(?!)",  # no line tells of it: the process had no time to write one
    "something killed it from outside, most often the kernel for want of memory (see dmesg); use a smaller model",
)
_LIMITED = Diagnosis(
    Trouble.MEMORY,
    r"(?!)",  # as above
    "it needs more than its memory limit; raise `memory:` in the config, or use a smaller model or a shorter context",
)


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _LEAST_FREE
    except OSError:
        return False


def diagnose(log: Iterable[str], end: str | None = None, log_path: Path | None = None) -> Diagnosis | None:
    """What is known of a server that did not start.

    Args:
        log: its log lines.
        end: how it ended, as `Life.alive` says it.
        log_path: the log's file; where its disk is full, what matters may not have got into it.

    Returns:
        The first known trouble, or None.
    """
    text = "\n".join(line for line in log if not _OF_A_DEBUGGER.search(line))
    for known in _KNOWN:
        if found := re.search(known.pattern, text, re.IGNORECASE | re.MULTILINE):
            # A backtrace follows, so the line itself is seldom among the last.
            said = f"{found[0].strip()}: " if known.trouble is Trouble.FAILED_CHECK else ""
            return replace(known, meaning=f"{said}{known.meaning}")
    if log_path is not None and _is_full(log_path.parent):
        return Diagnosis(Trouble.DISK, r"(?!)", f"the disk of {log_path.parent} is full; free space there")
    if end is None or not end.startswith("killed by signal 9"):
        return None
    return _LIMITED if "memory limit" in end else _KILLED
