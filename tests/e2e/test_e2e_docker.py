"""Servers in containers of the real engine: two real llama.cpp builds, and everything that can go wrong on the way."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

OLD, NEW = "2026.7.9873", "2026.10.11549"
LONG = """
from pytest_inferbench import Single

async def test_a_long(bench):
    await bench.run(Single(requests=5000, prompt_tokens=64, output_tokens=200))

async def test_b_after(bench):
    await bench.run(Single(requests=4, prompt_tokens=64, output_tokens=16))
"""
COLD = """
from pytest_inferbench import ColdStart

async def test_cold_start(bench):
    await bench.run(ColdStart())
"""
# Stands in for a server that loads for ever: it says so, and then nothing.
LOADING = """
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
ARG VERSION
ENTRYPOINT ["/bin/sh", "-c", "echo loading model; exec sleep 600"]
"""
# Answers as llama.cpp's server does while it loads, and never gets further.
UNHEALTHY = """
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
ARG VERSION
RUN printf '%s\\n' \\
  'from http.server import BaseHTTPRequestHandler, HTTPServer' \\
  'class Loading(BaseHTTPRequestHandler):' \\
  '    def do_GET(self):' \\
  '        self.send_error(503, "Loading model")' \\
  '    do_POST = do_GET' \\
  'HTTPServer(("0.0.0.0", 8080), Loading).serve_forever()' >/loading.py
ENTRYPOINT ["python3", "/loading.py"]
"""
# The server's own process takes memory without end, some seconds after its start.
GROWING = """
RUN cd "$(/opt/xllamacpp/bin/python -c 'import site; print(site.getsitepackages()[0])')" && \\
  echo 'import growing' >growing.pth && printf '%s\\n' \\
  'import threading, time' \\
  'def grow():' \\
  '    time.sleep(15)' \\
  '    held = b"x" * (1 << 30)' \\
  'threading.Thread(target=grow, daemon=True).start()' >growing.py
"""
CONFIG = """
models:
  - path: builtin:tiny
    backend: llama
    backends: {{llama: {{provision: docker, version: {version}, memory: {memory}}}}}
"""

CRASHING = """
import os
from pytest_inferbench import Single

async def test_a_crash(bench):
    await bench.run(Single(requests=2, prompt_tokens=32, output_tokens=8))
    os._exit(3)
"""

pytestmark = pytest.mark.e2e


def test_two_real_versions_in_containers(project):
    """Both builds are measured, ids and results say which, digests are recorded, and nothing is left."""
    status, said = project.run(f"--backend-version={OLD}", f"--backend-version={NEW}")
    assert status == 0, said
    cases = project.document()["cases"]
    assert [case["id"] for case in cases] == [
        f"test_it.py::test_concurrency[llama-{version}-tiny]" for version in (OLD, NEW)
    ]
    assert [case["version"] for case in cases] == [OLD, NEW]
    digests = {case["server"]["image_digest"] for case in cases}
    assert len(digests) == 2
    assert all(digest.startswith("sha256:") for digest in digests)
    assert {case["server"]["provision"] for case in cases} == {"docker"}
    assert project.containers() == []


def test_a_kept_server_is_used_again_and_says_so(project):
    """With --keep-server the container stays, and the next run of the same cell uses it."""
    assert project.run(f"--backend-version={NEW}", "--keep-server")[0] == 0
    (kept,) = project.containers()
    assert project.run(f"--backend-version={NEW}", "--keep-server")[0] == 0
    assert project.document()["cases"][0]["server"]["reused"] is True
    assert [one["Id"] for one in project.containers()] == [kept["Id"]]


def test_a_fresh_server_takes_the_place_of_a_kept_one(project):
    """A case that wants fresh servers gets them with --keep-server too, and the last of them stays."""
    assert project.run(f"--backend-version={NEW}", "--keep-server")[0] == 0
    (kept,) = project.containers()
    project.write("test_it.py", COLD)
    status, said = project.run(f"--backend-version={NEW}", "--keep-server")
    assert status == 0, said
    (case,) = project.document()["cases"]
    assert "reused" not in case["server"]
    assert len(case["rounds"]) == 2
    (last,) = project.containers()
    assert last["Id"] != kept["Id"]
    assert last["State"] == "running"


def test_images_only(project):
    """--build-only makes the image, runs no test and succeeds."""
    status, said = project.run(f"--backend-version={NEW}", "--build-only")
    assert status == 0, said
    assert f"inferbench/llama:{NEW}-" in said
    assert "sha256:" in said
    assert not list(project.folder.glob("perf/*/run.json"))


def test_rebuild_makes_a_new_image(project, docker_api):
    """--rebuild builds what is there again: a new image under the same name."""
    project.write("docker/xllamacpp.Dockerfile", "FROM debian:bookworm-slim\nRUN date +%N >/made\n")
    arguments = ("--backend-version=2026.1.1", "--build-only")
    said = [project.run(*arguments, *more)[1] for more in ((), (), ("--rebuild",))]
    first, second, third = (text.partition("sha256:")[2].split()[0] for text in said)
    assert first == second != third
    for digest in (first, third):
        docker_api.remove_image(f"sha256:{digest}", force=True)


def test_a_build_that_fails_is_an_error_with_its_log(project):
    """The message has the step that failed and where the whole log is."""
    project.write("docker/xllamacpp.Dockerfile", "FROM debian:bookworm-slim\nRUN echo not today && exit 7\n")
    status, said = project.run(f"--backend-version={NEW}")
    assert status == 1
    assert "1 error" in said
    assert "could not be built with xllamacpp.Dockerfile" in said
    assert "not today" in said
    (log,) = project.folder.glob("perf/*/servers/build-*.log")
    assert "returned a non-zero code: 7" in log.read_text()


def test_a_version_that_does_not_exist_is_an_error(project):
    """The words of pip for a wheel version that nobody made are in the error."""
    status, said = project.run("--backend-version=2026.1.99999")
    assert status == 1
    assert "No matching distribution found for xllamacpp==2026.1.99999" in said


def test_an_engine_that_is_not_running_is_a_skip(project, tmp_path):
    """Without an engine all tests are skipped, which is no success; --require-backend makes that an error."""
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/nowhere.sock"}
    status, said = project.run(f"--backend-version={NEW}", "-rs", **nowhere)
    assert (status, "no Docker engine answers" in said) == (5, True), said
    assert "2 skipped" in said
    status, said = project.run(f"--backend-version={NEW}", "--require-backend", **nowhere)
    assert (status, "no Docker engine answers" in said) == (1, True), said


def test_a_container_killed_while_it_is_measured(project, docker_api):
    """The case is an error that says how the server ended; the next test gets a new server."""
    project.write("test_it.py", LONG)
    with project.start("--model=builtin:tiny", "--provision=docker", f"--backend-version={NEW}") as run:
        docker_api.kill(project.wait_for_load()["Id"])
        said = run.communicate(timeout=60)[0]
    # The engine removes a container that has ended, and whoever looks later finds none.
    assert "the server died (killed by signal 9" in said or "the server died (was removed" in said, said
    assert "2 passed" in said
    assert project.document()["cases"][-1]["server"]["restarts"] == 1
    assert project.containers() == []


def test_a_container_killed_while_it_loads(project, docker_api):
    """Its death is told at once, with its last words, long before the time is over."""
    project.write("docker/xllamacpp.Dockerfile", LOADING)
    with project.start("--model=builtin:tiny", "--provision=docker", f"--backend-version={NEW}") as run:
        docker_api.kill(project.wait_for_container()["Id"])
        said = run.communicate(timeout=60)[0]
    assert run.returncode == 1
    assert "killed by signal 9" in said
    assert "before it was ready" in said
    assert "    loading model" in said
    assert project.containers() == []


def test_a_container_that_never_listens(project):
    """At the timeout the error has what was last seen and the log; no container stays."""
    project.write("docker/xllamacpp.Dockerfile", LOADING)
    status, said = project.run(f"--backend-version={NEW}", "--server-timeout=2")
    assert status == 1
    assert "was not ready within 2 s" in said
    assert "    loading model" in said
    assert project.containers() == []


def test_a_container_that_meets_its_memory_limit(project):
    """A real limit, really met while it loads: the error says so at once, and what to do."""
    project.write("config/models.yaml", CONFIG.format(version=NEW, memory="8m"))
    with project.start("--model=tiny") as run:
        said = run.communicate(timeout=60)[0]
    assert run.returncode == 1
    assert "killed by signal 9: it met its memory limit" in said
    assert "raise `memory:` in the config" in said
    assert project.containers() == []


def test_a_container_that_never_becomes_healthy(project):
    """It answers that it loads, for ever: at the timeout the error says what it answered last."""
    project.write("docker/xllamacpp.Dockerfile", UNHEALTHY)
    status, said = project.run(f"--backend-version={NEW}", "--server-timeout=4")
    assert status == 1
    assert "was not ready within 4 s" in said
    assert "503" in said
    assert "Loading model" in said
    assert project.containers() == []


def test_other_cells_go_on(project):
    """One cell meets its memory limit while it loads: the cells before and after it are measured."""
    models = [("before", "1g"), ("small", "8m"), ("after", "1g")]
    rows = [
        f"  - {{path: 'builtin:tiny', name: {name}, backend: llama, "
        f"backends: {{llama: {{provision: docker, version: {NEW}, memory: {memory}}}}}}}\n"
        for name, memory in models
    ]
    project.write("config/models.yaml", "models:\n" + "".join(rows))
    with project.start() as run:
        said = run.communicate(timeout=120)[0]
    assert "4 passed, 1 skipped, 1 error" in said
    assert "it met its memory limit" in said
    assert [case["model"] for case in project.document()["cases"]] == ["before", "after"]
    assert [error["id"].rpartition("-")[2] for error in project.document()["errors"]] == ["small]"]
    assert project.containers() == []


def test_a_container_that_meets_its_memory_limit_while_it_is_measured(project):
    """The real server's process grows under load: the case is an error that says so, and the run goes on."""
    shipped = Path(__file__).parents[2] / "docker/xllamacpp.Dockerfile"
    project.write("docker/xllamacpp.Dockerfile", shipped.read_text(encoding="utf-8") + GROWING)
    project.write("test_it.py", LONG)
    project.write("config/models.yaml", CONFIG.format(version=NEW, memory="300m"))
    with project.start("--model=tiny") as run:
        said = run.communicate(timeout=150)[0]
    assert run.returncode == 1
    assert "the server died (killed by signal 9: it met its memory limit" in said
    assert "raise `memory:` in the config" in said
    assert "2 passed" in said
    assert project.containers() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_an_interrupted_run_leaves_nothing_behind(project, number):
    """Ctrl+C removes the container; after a kill the next run does, and touches nobody else's."""
    project.write("test_it.py", LONG)
    with project.start("--model=builtin:tiny", "--provision=docker", f"--backend-version={NEW}") as run:
        project.wait_for_container()
        run.send_signal(number)
        run.communicate(timeout=60)
    if number == signal.SIGKILL:
        project.run(f"--backend-version={NEW}", "-k", "after")
    assert project.containers() == []


def test_a_crashed_worker_leaves_no_container(project):
    """The controller removes what a worker left that could not clean up."""
    project.write("test_it.py", CRASHING)
    status, said = project.run(f"--backend-version={NEW}", "-n2")
    assert status == 1
    assert "crashed" in said
    assert project.containers() == []


class Gateway:
    """A socket that leads to the engine until it is closed: an engine that can be lost without ending the real one."""

    def __init__(self, path):
        self.path = path
        self._open = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.path.unlink()
        for one in [self._listener, *self._open]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve(self):
        with suppress(OSError):
            while True:
                near, far = self._listener.accept()[0], socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                self._open += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=ends, daemon=True).start()

    def _copy(self, source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def test_an_engine_lost_while_it_is_measured(project, tmp_path):
    """The run ends and says so; what could not be removed is removed by the next run."""
    project.write("test_it.py", LONG.replace("5000", "300"))
    gateway = Gateway(tmp_path / "engine.sock")
    host = {"DOCKER_HOST": f"unix://{gateway.path}"}
    with project.start("--model=builtin:tiny", "--provision=docker", f"--backend-version={NEW}", **host) as run:
        project.wait_for_load()
        gateway.close()
        said = run.communicate(timeout=60)[0]
    assert run.returncode == 1
    assert "the Docker engine does not answer" in said
    assert len(project.containers()) == 1
    project.run(f"--backend-version={NEW}", "-k", "after")
    assert project.containers() == []
