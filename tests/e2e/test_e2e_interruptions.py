"""Violence at random moments: afterwards nothing of ours is left, and nothing of anybody else's is touched.

`INFERBENCH_INTERRUPTIONS=20 pytest tests/e2e/test_e2e_interruptions.py` does it more often than the usual handful.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from e2e.faults.fault_run import MARK, VERSION, containers_of, family_of
from pytest_inferbench.servers import docker_engine as engine_module
from pytest_inferbench.servers.owner import owner_labels

pytestmark = pytest.mark.e2e

CONFIG = """
models:
  - {{path: 'builtin:tiny', name: one, backend: llama, backends: {{llama: {{provision: {way}{version}}}}}}}
  - {{path: 'builtin:tiny', name: two, backend: llama, backends: {{llama: {{provision: {way}{version}}}}}}}
"""
SUITE = """
import pytest
from pytest_inferbench import Single

@pytest.mark.parametrize("case", ["a", "b"])
async def test_it(bench, case):
    await bench.run(Single(requests=2000, prompt_tokens=32, output_tokens=100), rounds=1)
"""
KINDS = ("ctrl-c", "kill-pytest", "kill-worker", "kill-server")
_LATEST_S = 12.0  # by then everything is up, and it measures for much longer
_PATIENCE_S = 60
_ROUNDS = int(os.environ.get("INFERBENCH_INTERRUPTIONS", "0")) or len(KINDS)


class Run:
    """A pytest run with two workers on two cells, in a session of its own, as a terminal gives it."""

    def __init__(self, folder, way):
        self.folder, self.way = folder, way
        (folder / "config").mkdir()
        version = f", version: {VERSION}" if way == "docker" else ""
        (folder / "config/models.yaml").write_text(CONFIG.format(way=way, version=version))
        (folder / "test_suite.py").write_text(SUITE)
        with (folder / "output.txt").open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n2", "-v"],
                cwd=folder,
                env={**os.environ, MARK: str(folder), "PYTHONUNBUFFERED": "1"},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def family(self):
        """All processes that this run started and that are there; zombies are not."""
        return family_of(self.folder)

    def containers(self, engine):
        return containers_of(self.folder, engine)

    def hurt(self, kind, chance, engine):
        """Do what `kind` says to one of the run's processes or containers, if there is one yet."""
        if kind == "ctrl-c":
            os.killpg(self.process.pid, signal.SIGINT)
        elif kind == "kill-pytest":
            self.process.kill()
        elif kind == "kill-worker":
            _kill_one([one for one in self.family() if one.ppid() == self.process.pid], chance)
        elif self.way == "docker":
            running = [one.id for one in self.containers(engine) if one.running]
            if running:
                engine._api.kill(chance.choice(running))
        else:
            _kill_one([one for one in self.family() if "xllamacpp_server.py" in " ".join(one.cmdline())], chance)

    def end(self):
        """Let it see what happened, then end it as people do; returns when all that it started is gone."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(3)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(_PATIENCE_S)
        return psutil.wait_procs(self.family(), timeout=_PATIENCE_S / 2)[1]


def _kill_one(processes, chance):
    if processes:
        with suppress(psutil.Error):
            chance.choice(processes).kill()


@pytest.fixture
def engine(docker_api):
    return engine_module.connect()


@pytest.fixture
def foreign(engine):
    """What must not be touched: a container of nobody's, one of another run whose owner lives, and a process."""
    labels = ({"other": "1"}, owner_labels("another-run", "x", kept=False))
    api = engine._api
    containers = [
        api.create_container("debian:bookworm-slim", ["sleep", "600"], labels=each, detach=True)["Id"]
        for each in labels
    ]
    for each in containers:
        api.start(each)
    process = subprocess.Popen(["sleep", "600"])
    yield lambda: process.poll() is None and all(engine.end_of(each) is None for each in containers)
    process.kill()
    process.wait()
    for each in containers:
        engine.remove(each)


@pytest.mark.parametrize("seed", range(_ROUNDS))
@pytest.mark.parametrize("way", ["process", "docker"])
def test_nothing_is_left_and_nobody_else_is_touched(tmp_path, engine, foreign, way, seed):
    """Processes and containers end by themselves, also after a kill of their owner."""
    chance = random.Random(f"{way} {seed}")
    kind = KINDS[seed % len(KINDS)]
    run = Run(tmp_path, way)
    try:
        time.sleep(chance.uniform(0.1, _LATEST_S))
        run.hurt(kind, chance, engine)
        survivors = run.end()
        assert survivors == [], (kind, (tmp_path / "output.txt").read_text())
        assert run.containers(engine) == [], (kind, (tmp_path / "output.txt").read_text())
        assert foreign()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.process.pid, signal.SIGKILL)
        for one in run.family():
            with suppress(psutil.Error):
                one.kill()
        for one in run.containers(engine):
            engine.remove(one.id)
