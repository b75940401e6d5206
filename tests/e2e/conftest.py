"""What the tests in containers share: the engine, a project folder, a run of pytest in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

import pytest

from pytest_inferbench.errors import CellUnavailable
from pytest_inferbench.servers import docker_engine as engine_module
from pytest_inferbench.servers.owner import RUN

SHORT = """
from pytest_inferbench import Concurrency

async def test_concurrency(bench):
    await bench.run(Concurrency(streams=2, requests=8, prompt_tokens=32, output_tokens=16))
"""
_PATIENCE_S = 120
_WARM_UPS = 8  # answers of a whole length that come before a round; those that learn prompt lengths have one token
_ANSWERED = re.compile(rb"\| +eval time = .*/ +(?!1 )\d+ tokens")


@pytest.fixture(scope="session")
def docker_api():
    """docker-py's client of the real engine; without one the tests are skipped, or fail where it is required."""
    try:
        return engine_module.connect()._api
    except CellUnavailable as reason:
        if os.environ.get("INFERBENCH_REQUIRE_E2E") == "1":
            pytest.fail(f"the Docker engine is required here: {reason}")
        pytest.skip(str(reason))


class Started(subprocess.Popen):
    """A pytest run; a test that fails meanwhile does not wait for its end."""

    def __exit__(self, kind, value, traceback):
        if kind is not None:
            self.kill()
        super().__exit__(kind, value, traceback)


class Project:
    """A user's folder.

    Attributes:
        folder: where it is.
    """

    def __init__(self, folder, docker_api):
        self.folder = folder
        self._api = docker_api
        self.write("test_it.py", SHORT)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def start(self, *arguments, **environ):
        """A pytest run that is on its way."""
        return Started(
            [
                *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v"),
                *("--backend=llama", "--bench-rounds=2", "--bench-results=perf", *arguments),
            ],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200", **environ},
        )

    def run(self, *arguments, **environ):
        """Exit status and output of a run on the tiny model in containers."""
        with self.start("--model=builtin:tiny", "--provision=docker", *arguments, **environ) as process:
            said = process.communicate(timeout=_PATIENCE_S)[0]
        return process.returncode, said

    def document(self):
        """The newest run's document."""
        return json.loads(max(self.folder.glob("perf/*/run.json")).read_text(encoding="utf-8"))

    def containers(self):
        """Containers of this folder's runs, whatever their state."""
        runs = {path.name for path in self.folder.glob("perf/*")}
        return [one for one in self._api.containers(all=True, filters={"label": RUN}) if one["Labels"][RUN] in runs]

    def wait_for_container(self):
        """The first running container of this folder's runs."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            running = [one for one in self.containers() if one["State"] == "running"]
            if running:
                return running[0]
            time.sleep(0.05)
        raise AssertionError("no container was started")

    def wait_for_load(self):
        """The first running container, once it has answered more than the warm-up."""
        container = self.wait_for_container()
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if len(_ANSWERED.findall(self._api.logs(container["Id"]))) > _WARM_UPS:
                return container
            time.sleep(0.2)
        raise AssertionError("no load came")


@pytest.fixture
def project(tmp_path, docker_api):
    made = Project(tmp_path, docker_api)
    yield made
    for left in made.containers():
        docker_api.remove_container(left["Id"], force=True)
