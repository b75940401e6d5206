"""What a container may do, asked of the real engine and from inside."""

from __future__ import annotations

import json
import os

import pytest

from pytest_inferbench.backends.backend import ServerPlan
from pytest_inferbench.backends.vllm import VLLM
from pytest_inferbench.servers import docker_engine as engine_module
from pytest_inferbench.servers.container_spec import container_spec
from pytest_inferbench.servers.owner import owner_labels

VERSION = "2026.10.11549"
TOKEN = "hf_" + "x" * 34
BASE = "debian:bookworm-slim"
DAC_OVERRIDE = 0b10
WAITS = ("sleep", "600")
LONG = """
from pytest_inferbench import Single

async def test_long(bench):
    await bench.run(Single(requests=300, prompt_tokens=64, output_tokens=200))
"""
# Stands in for a server with more threads than it may have.
THREADS = """
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
ARG VERSION
RUN printf '%s\\n' \\
  'import threading, time' \\
  'for _ in range(200):' \\
  '    threading.Thread(target=time.sleep, args=(2,), daemon=True).start()' >/threads.py
ENTRYPOINT ["python3", "/threads.py"]
"""
CONFIG = """
models:
  - path: builtin:tiny
    backend: llama
    backends: {{llama: {{provision: docker, version: {version}, pids: {pids}}}}}
"""

pytestmark = pytest.mark.e2e


@pytest.fixture
def inside(docker_api):
    """What a command in a container says, with its errors."""

    def run(container, *command, user=""):
        made = docker_api.exec_create(container, list(command), user=user)
        return docker_api.exec_start(made["Id"]).decode()

    return run


@pytest.fixture
def waiting(docker_api, tmp_path):
    """Start the container of a plan of vLLM's in an image that only waits; what was started is removed."""
    started = []

    def start(model, **environ):
        home = {"HF_HOME": str(tmp_path / "hub-home"), "INFERBENCH_CACHE": str(tmp_path / "made")}
        spec = container_spec(ServerPlan("vllm", model, "m"), VLLM.container, BASE, environ={**home, **environ})
        for mount in spec.mounts:
            os.makedirs(mount.source, exist_ok=True)  # noqa: PTH103 - as a start does
        waits = type(spec)(
            **{**{name: getattr(spec, name) for name in spec.__slots__}, "entrypoint": WAITS, "argv": ()}
        )
        started.append(
            engine_module.connect().start(waits, owner_labels("boxes", "", kept=False), f"inferbench-{tmp_path.name}")
        )
        return started[-1]

    yield start
    for container in started:
        docker_api.remove_container(container, force=True)


def test_a_container_that_is_measured(project, docker_api, inside, tmp_path):
    """One capability and no way to more, a limit on processes, no token, model and hub's cache read-only."""
    (tmp_path / "home/hub").mkdir(parents=True)
    (tmp_path / "home/token").write_text(TOKEN)
    project.write("test_it.py", LONG)
    environ = {"HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "home")}
    options = ("--model=builtin:tiny", "--provision=docker", f"--backend-version={VERSION}")
    with project.start(*options, **environ) as run:
        container = project.wait_for_load()["Id"]
        known = docker_api.inspect_container(container)
        status = dict(line.split(":", 1) for line in inside(container, "cat", "/proc/1/status").splitlines())
        written = inside(container, "touch", "/root/.cache/huggingface/hub/x")
        model = inside(container, "sh", "-c", "touch /models/*")
        beside = inside(container, "ls", "/root/.cache/huggingface")
        said = run.communicate(timeout=120)[0]
    assert run.returncode == 0, said
    host = known["HostConfig"]
    assert (host["Privileged"], host["CapDrop"], host["CapAdd"]) == (False, ["ALL"], ["DAC_OVERRIDE"])
    assert (host["SecurityOpt"], host["PidsLimit"]) == (["no-new-privileges"], 4096)
    assert TOKEN not in json.dumps(known)
    assert status["NoNewPrivs"].strip() == "1"
    assert [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")] == [DAC_OVERRIDE] * 3
    assert "Read-only file system" in written
    assert "Read-only file system" in model
    assert beside.split() == ["hub"]


def test_a_server_that_fetches_its_model(docker_api, inside, waiting):
    """The token is in a file of the container, in nothing that is said of it; the hub's cache can be written to."""
    container = waiting("org/model", HF_TOKEN=TOKEN)
    assert TOKEN not in json.dumps(docker_api.inspect_container(container))
    assert TOKEN not in inside(container, "env") + inside(container, "cat", "/proc/1/environ")
    assert inside(container, "sh", "-c", 'cat "$HF_TOKEN_PATH"') == TOKEN
    assert inside(container, "sh", "-c", 'cat "$HF_TOKEN_PATH"', user="nobody") == TOKEN
    assert inside(container, "touch", "/root/.cache/huggingface/hub/x") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
def test_what_belongs_to_another_user(inside, waiting, tmp_path):
    """A model that only its owner may read is read, a cache that only its owner may write is written."""
    model, cache = tmp_path / "m", tmp_path / "made/vllm"
    model.mkdir(mode=0o700)
    cache.mkdir(mode=0o700, parents=True)
    (model / "config.json").write_text("{}")
    (model / "config.json").chmod(0o600)
    for path in (model, cache, model / "config.json"):
        os.chown(path, 12345, 12345)
    container = waiting(str(model))
    assert inside(container, "cat", "/models/m/config.json") == "{}"
    assert inside(container, "touch", "/root/.cache/vllm/x") == ""
    assert "Operation not permitted" in inside(container, "chown", "1:1", "/root/.cache/vllm/x")


def test_a_container_that_meets_its_limit_on_processes(project):
    """The real limit, really met: the error says so, and what to do."""
    project.write("docker/xllamacpp.Dockerfile", THREADS)
    project.write("config/models.yaml", CONFIG.format(version=VERSION, pids=50))
    with project.start("--model=tiny") as run:
        said = run.communicate(timeout=120)[0]
    assert run.returncode == 1
    assert "can't start new thread" in said
    assert "raise `pids:` in the config" in said
    assert project.containers() == []
