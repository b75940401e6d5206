"""Published images: pulled from a real registry on loopback, or not to be had."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time

import pytest

from pytest_inferbench.servers.ports import free_port

NEW = "2026.10.11549"
_PATIENCE_S = 20
_CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdir: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
log: {{level: error}}
"""

pytestmark = pytest.mark.e2e


@pytest.fixture
def registry(tmp_path):
    """A registry's address."""
    program = shutil.which("docker-registry")
    if program is None:
        if os.environ.get("INFERBENCH_REQUIRE_E2E") == "1":
            pytest.fail("docker-registry is required here (Debian's package of that name)")
        pytest.skip("docker-registry is not installed")
    port = free_port()
    config = tmp_path / "registry.yml"
    config.write_text(_CONFIG.format(folder=tmp_path / "registry", port=port), encoding="utf-8")
    with subprocess.Popen([program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
        run.terminate()


def test_a_published_image_is_pulled_and_measured(project, docker_api, registry):
    """What is not here is pulled; the id has its tag and the result the registry's digest."""
    status, said = project.run(f"--backend-version={NEW}", "--build-only")
    assert status == 0, said
    local = next(word for word in said.split() if word.startswith(f"inferbench/llama:{NEW}-"))
    docker_api.tag(local, f"{registry}/llama", "b11549")
    pushed = list(docker_api.push(f"{registry}/llama", tag="b11549", stream=True, decode=True))
    digest = next(one["aux"]["Digest"] for one in pushed if "aux" in one)
    docker_api.remove_image(f"{registry}/llama:b11549")

    status, said = project.run(f"--image={registry}/llama:b11549")
    assert status == 0, said
    (case,) = project.document()["cases"]
    assert case["id"].endswith("[llama-b11549-tiny]")
    assert case["server"]["image_digest"] == digest
    assert case["server"]["image"] == f"{registry}/llama:b11549"
    docker_api.remove_image(f"{registry}/llama:b11549")


def test_a_tag_that_does_not_exist_is_an_error(project, registry):
    """The registry's words, and what to do."""
    status, said = project.run(f"--image={registry}/llama:nope")
    assert status == 1
    assert f"image {registry}/llama:nope cannot be had" in said
    assert "correct the version or --image" in said


def test_a_registry_that_cannot_be_reached_is_a_skip(project):
    """An image that is not here and cannot be fetched means that the cell cannot run here."""
    address = f"127.0.0.1:{free_port()}"
    status, said = project.run(f"--image={address}/llama:b1", "-rs")
    assert status == 5, said
    assert "1 skipped" in said
    assert f"image {address}/llama:b1 is not on this machine and its registry cannot be reached" in said


def test_no_published_image_where_nobody_publishes_one(project):
    """ik_llama has no image of its makers: the error says what to use instead."""
    status, said = project.run("--backend=ik_llama", "--image-type=prebuilt", "-k", "ik_llama")
    assert status == 4
    assert "nobody publishes an image of ik_llama; use --image-type build, or --image" in said
