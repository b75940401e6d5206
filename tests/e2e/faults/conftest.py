"""What the fault tests share: a run that leaves nothing, the engine, and small disks."""

from __future__ import annotations

import os
import subprocess

import pytest

from e2e.faults.fault_run import FaultRun
from pytest_inferbench.servers import docker_engine as engine_module


@pytest.fixture
def fault_run(tmp_path, request):
    """Makes the run of a test in its folder."""
    made = []

    def make(way="process", **how):
        engine = None
        if way == "docker":
            request.getfixturevalue("docker_api")
            engine = engine_module.connect()
        made.append(FaultRun(tmp_path, way, engine, **how))
        return made[-1]

    yield make
    for one in made:
        one.clean()


@pytest.fixture
def disk(tmp_path):
    """A small disk of one's own at a path in the test's folder; needs root."""
    mounted = []

    def make(name, size="1m", *, read_only=False):
        path = tmp_path / name
        path.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}{',ro' if read_only else ''}", "none", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            if os.environ.get("INFERBENCH_REQUIRE_E2E") == "1":
                pytest.fail(f"a disk of one's own is required here: {done.stderr}")
            pytest.skip(f"cannot mount a disk here: {done.stderr.strip()}")
        mounted.append(path)
        return path

    yield make
    for path in mounted:
        subprocess.run(["umount", "-l", str(path)], check=False)


def fill(folder):
    """Fill a disk to its last byte."""
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return
