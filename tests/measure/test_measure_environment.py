"""The environment: read without ever failing, and named without naming a host."""

import json
import platform
import shutil
import subprocess
from dataclasses import replace

import pytest

from fakes.devices import FakeDevices
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.document.codec import from_json, to_json
from pytest_inferbench.document.environment import Cpu, Environment, GpuModel
from pytest_inferbench.measure import environment
from pytest_inferbench.measure.environment import (
    cpu_model,
    cpu_revision,
    hardware_name,
    is_virtual,
    machine_parts,
    read_environment,
)

CPUINFO = "processor\t: 0\nmodel name\t: AMD EPYC 7763 64-Core Processor\nflags\t\t: fpu hypervisor lm\n"
H200 = GpuModel("NVIDIA H200")

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *arguments):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def test_environment_is_json_and_names_no_host(tmp_path):
    """What is read crosses processes as JSON, has no absent values, and holds no host name."""
    environment = read_environment(SYSTEM_CLOCK, tmp_path, FakeDevices(0))
    found = to_json(environment)
    assert from_json(Environment, json.loads(json.dumps(found))) == environment
    assert None not in found.values()
    assert {"cpu", "memory_bytes", "kernel", "python", "packages"} <= set(found)
    assert found["packages"]["pytest"] == pytest.__version__
    assert found["memory_bytes"] > 0
    assert platform.node() not in found.values()


def test_gpus_are_named_with_their_driver(tmp_path):
    """Product name, memory and power limit of each, the driver and its CUDA; no serial number, no UUID."""
    found = read_environment(SYSTEM_CLOCK, tmp_path, FakeDevices(2))
    assert found.gpus == (GpuModel("NVIDIA H200", memory_bytes=150_754_820_096, power_limit_w=700.0),) * 2
    assert (found.driver, found.cuda) == ("570.86.15", "12.8")
    assert hardware_name(found) == "2x-nvidia-h200"
    none = read_environment(SYSTEM_CLOCK, tmp_path, FakeDevices(0))
    assert (none.gpus, none.driver, none.cuda) == (None, None, None)


@needs_git
def test_git_state(tmp_path):
    """The commit, and whether tracked files changed; a new file is no change."""
    git(tmp_path, "init", "-q")
    tracked = tmp_path / "suite.py"
    tracked.write_text("1")
    git(tmp_path, "add", "suite.py")
    git(tmp_path, "commit", "-qm", "one")
    (tmp_path / "results.json").write_text("{}")
    clean = read_environment(SYSTEM_CLOCK, tmp_path, FakeDevices(0)).git
    assert clean.dirty is False
    assert len(clean.commit) == 40
    tracked.write_text("2")
    assert read_environment(SYSTEM_CLOCK, tmp_path, FakeDevices(0)).git == replace(clean, dirty=True)


@needs_git
def test_a_hooks_git_variables_do_not_mislead(tmp_path, monkeypatch):
    """Inside a git hook GIT_DIR names the hook's repository, not the one asked about."""
    git(tmp_path, "init", "-q", "hooked")
    git(tmp_path / "hooked", "commit", "-qm", "one", "--allow-empty")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "hooked" / ".git"))
    assert read_environment(SYSTEM_CLOCK, tmp_path, FakeDevices(0)).git is None


def test_no_repository_is_absent(tmp_path, monkeypatch):
    """A folder outside any repository has no git state."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert read_environment(SYSTEM_CLOCK, tmp_path, FakeDevices(0)).git is None


def test_no_git_is_absent(tmp_path, monkeypatch):
    """Without the program there is no git state, and no error."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_environment(SYSTEM_CLOCK, tmp_path, FakeDevices(0)).git is None


def test_a_git_that_hangs_is_absent(tmp_path, monkeypatch):
    """A git that does not answer within the limit is given up."""
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(environment, "_COMMAND_TIMEOUT_S", 0.05)
    assert read_environment(SYSTEM_CLOCK, tmp_path, FakeDevices(0)).git is None


def test_an_unnamed_system_has_a_name(tmp_path, monkeypatch):
    """Where there is no os-release file, the kernel's name stands in."""

    def missing():
        raise OSError

    monkeypatch.setattr(platform, "freedesktop_os_release", missing)
    assert read_environment(SYSTEM_CLOCK, tmp_path, FakeDevices(0)).os == platform.system()


def test_cpuinfo():
    """Model and hypervisor flag come from /proc/cpuinfo, and are unknown where it lacks them (ARM)."""
    assert cpu_model(CPUINFO) == "AMD EPYC 7763 64-Core Processor"
    assert is_virtual(CPUINFO) is True
    assert is_virtual(CPUINFO.replace("hypervisor ", "")) is False
    assert (cpu_model("processor\t: 0\n"), is_virtual("processor\t: 0\n")) == (None, None)


def test_the_revision_of_a_processor():
    """Stepping and microcode are the first processor's; what a hypervisor hides is absent."""
    one = "model\t\t: 143\nstepping\t: 8\nmicrocode\t: 0x2b000603\n"
    assert cpu_revision(one + one.replace("8", "7")) == {"stepping": "8", "microcode": "0x2b000603"}
    assert cpu_revision("stepping\t: unknown\nmicrocode\t: 0xffffffff\n") == {}
    assert cpu_revision(CPUINFO) == {}


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (Environment(gpus=(H200,), cpu=Cpu("x")), "1x-nvidia-h200"),
        (Environment(gpus=(H200,) * 8), "8x-nvidia-h200"),
        (Environment(gpus=(GpuModel("B"), GpuModel("A"), GpuModel("B"))), "1x-a-2x-b"),
        (Environment(gpus=(), cpu=Cpu("AMD EPYC 7763 64-Core Processor", logical=2)), "2x-amd-epyc-7763"),
        (Environment(cpu=Cpu("Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", logical=4)), "4x-intel-xeon-e5-2686-v4"),
        (Environment(cpu=Cpu(logical=4), machine="aarch64"), "4x-aarch64"),
        (Environment(cpu=Cpu("../../etc/passwd\n", logical=1)), "1x-etc-passwd"),
        (Environment(), "unknown"),
    ],
)
def test_hardware_name(found, name):
    """GPUs name the hardware, else processor and cores; the name is safe as a file name."""
    assert hardware_name(found) == name


def test_hardware_name_is_short():
    """However long the parts, the name fits a file system."""
    assert len(hardware_name(Environment(gpus=tuple(GpuModel(f"GPU {n}") for n in range(100))))) <= 80


def test_machine_parts_are_text_and_name_what_is_there(tmp_path):
    """The parts that may change under one hardware name are text by name; what could not be read is left out."""
    here = machine_parts(read_environment(SYSTEM_CLOCK, tmp_path, FakeDevices(0)))
    assert here["kernel"] == platform.release()
    assert all(isinstance(value, str) for value in here.values())
    gpus = Environment(gpus=(H200, H200), driver="570.1")
    assert machine_parts(gpus) == {"GPUs": "2x NVIDIA H200", "GPU driver": "570.1"}
    limits = tuple(replace(H200, power_limit_w=watts) for watts in (700.0, 600.0, 700.0))
    assert machine_parts(Environment(gpus=limits))["GPU power limit"] == "1x 600 W, 2x 700 W"
    cpu = Cpu("Intel Xeon", stepping="8", microcode="0x2b000603")
    parts = {"processor": "Intel Xeon", "stepping": "8", "microcode": "0x2b000603"}
    assert machine_parts(Environment(cpu=cpu)) == parts
    assert machine_parts(Environment()) == {}
