"""`inferbench serve` and `inferbench server` on a real Docker Engine: published, listed, and gone."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import psutil
import pytest

from pytest_inferbench.servers.owner import RUN
from pytest_inferbench.servers.ports import free_port

pytestmark = pytest.mark.e2e

_COMMAND = (sys.executable, "-c", "from pytest_inferbench.cli.main import main; raise SystemExit(main())")


@pytest.fixture
def serving(tmp_path, docker_api):
    """`inferbench serve` in a container, ready: the command, its port and its container's name."""
    port = free_port()
    words = ("--model", "builtin:tiny", "--provision", "docker", "--image-type", "build", "--host-port", str(port))
    with subprocess.Popen(
        (*_COMMAND, "serve", *words, "--backend-version", "2026.10.11549"),
        cwd=tmp_path,
        env={**os.environ, "INFERBENCH_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline().startswith(f"http://127.0.0.1:{port} serves tiny"), process.stderr.read()
        ours = docker_api.containers(filters={"label": RUN})
        (name,) = [one["Names"][0][1:] for one in ours if any(port == at.get("PublicPort") for at in one["Ports"])]
        yield process, port, name
        process.kill()
    for one in docker_api.containers(all=True, filters={"name": name}):
        docker_api.remove_container(one["Id"], force=True)


def server(*arguments):
    done = subprocess.run((*_COMMAND, "server", *arguments), capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


def block(lines, name):
    """The lines of one server: whose it is and its name, where it is, what it is."""
    at = next(number for number, line in enumerate(lines) if line.endswith(name))
    return [" ".join(line.split()) for line in lines[at : at + 3]]


def test_a_served_container_is_listed_and_gone_after_ctrl_c(serving, docker_api):
    """It answers at the port that was asked for, is in use, and leaves no container."""
    process, port, name = serving
    assert httpx.get(f"http://127.0.0.1:{port}/v1/models").json()["data"][0]["id"] == "tiny"
    assert block(server("status"), name)[:2] == [f"in use {name}", f"http://127.0.0.1:{port} serves tiny"]
    process.send_signal(2)
    assert process.wait(60) == 0
    assert docker_api.containers(all=True, filters={"name": name}) == []


def test_what_a_killed_command_leaves_is_an_orphan_that_can_be_ended(serving, docker_api):
    """Killed with what watches over it, it cleans nothing up: its container is an orphan, which `--orphans` removes."""
    process, _, name = serving
    assert name not in " ".join(server("stop"))
    (guard,) = [one for one in psutil.Process(process.pid).children() if "container_guard" in " ".join(one.cmdline())]
    guard.kill()
    process.kill()
    process.wait()
    assert block(server("list"), name)[0] == f"orphan {name}"
    assert f"ended {name}" in server("stop", "--orphans")
    assert docker_api.containers(all=True, filters={"name": name}) == []
