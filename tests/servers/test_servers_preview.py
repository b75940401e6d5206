"""What a dry run says of a cell's server, on machines that are described and not there."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fakes.devices import FakeDevices
from pytest_inferbench.errors import CellUnavailable
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.servers import preview as preview_module
from pytest_inferbench.servers.preview import preview

MODEL = "org/model"


class Installed:
    """A machine with vLLM and nothing else."""

    def program(self, name):
        return f"/opt/{name}" if name == "vllm" else None

    def python_of(self, program):
        return "/opt/python"

    def package(self, python, name):
        return "0.8.1" if name == "vllm" else None

    def output(self, argv):
        raise AssertionError("nothing needs to be run for this")


def cell(**changes):
    usual = {"model": "m", "backend": "vllm", "version": "v0.8.1", "protocol": "openai-chat", "location": MODEL}
    return Cell(**{**usual, **changes})


@pytest.fixture
def look(monkeypatch, tmp_path):
    """The rows of a cell by their label, and its trouble; the engine has the images `here`, None is no engine."""

    def rows(there=0, here=(), **changes):
        def connect():
            if here is None:
                raise CellUnavailable("no Docker engine answers")
            return SimpleNamespace(image_id=lambda reference: reference if reference in here else None)

        monkeypatch.setattr(preview_module, "connect", connect)
        shown = preview(cell(**changes), tmp_path, FakeDevices(there).gpus(), Installed())
        return dict(shown.rows), shown.trouble

    return rows


def test_a_process_is_its_command_line(look):
    """Program, version, arguments (those for its GPUs included), and that the port is found at the start."""
    rows, trouble = look(there=2, args=(("max_num_seqs", 8),))
    assert trouble == ""
    assert rows["version"] == "0.8.1"
    assert rows["runs"].startswith("/opt/vllm serve org/model --served-model-name m --host 127.0.0.1 --port 0")
    assert "--tensor-parallel-size 2 --max-num-seqs 8" in rows["runs"]
    assert rows["port"] == "a free one of 127.0.0.1, in place of 0"
    assert rows["GPUs"] == "2 of 2"


def test_a_container_is_its_image_command_mounts_and_port(look, tmp_path, monkeypatch):
    """With the names of its variables, never their values."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    (tmp_path / "m").mkdir()
    (tmp_path / "m/config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "m/model.safetensors").write_text("")
    rows, trouble = look(there=4, provision="docker", image_type="prebuilt", location="m")
    assert trouble == ""
    assert rows["image"] == "vllm/vllm-openai:v0.8.1 (not here yet: pulled)"
    assert rows["runs"].startswith("vllm serve /models/m")
    assert f"{tmp_path}/m as /models/m (read-only)" in rows["mounts"]
    assert rows["processes"] == "at most 16,384, threads included; of root's capabilities DAC_OVERRIDE"
    assert rows["sets"] == "VLLM_NO_USAGE_STATS"
    fetches = look(provision="docker", image_type="prebuilt")[0]
    assert fetches["sets"] == "HF_TOKEN_PATH, VLLM_NO_USAGE_STATS"
    assert "hf_secret" not in str((rows, fetches))
    assert rows["port"] == "8000 in the container, a free one of 127.0.0.1 here"
    assert rows["GPUs"] == "4 of 4"


def test_an_image_that_is_here_is_said_to_be(look):
    """And a built one names its Dockerfile where it is not."""
    docker = {"provision": "docker", "image_type": "prebuilt"}
    assert look(here=("vllm/vllm-openai:v0.8.1",), **docker)[0]["image"] == "vllm/vllm-openai:v0.8.1 (is here)"
    built = look(provision="docker", image_type="build", backend="llama", location="builtin:tiny")[0]["image"]
    assert built.startswith("inferbench/llama:v0.8.1-")
    assert built.endswith("(not here yet: built here with llama.Dockerfile)")


def test_what_cannot_run_here_says_why(look):
    """Without an engine, without the program, in another version, with too few GPUs: the words of the skip."""
    assert look(here=None, provision="docker", image_type="prebuilt")[1] == "no Docker engine answers"
    assert "sglang" in look(backend="sglang")[1]
    assert look(version="v0.9.0")[1].startswith("vllm v0.9.0 is not installed, 0.8.1 is")
    assert look(there=1, gpus=2)[1] == "it needs 2 GPUs and this machine shows 1"
    assert "nobody publishes" in look(provision="docker", image_type="prebuilt", backend="ik_llama")[1]


def test_a_server_that_is_there_is_only_asked(look):
    """No command, no GPU, no port of ours."""
    assert look(url="http://gpu-box:8000") == ({"server": "http://gpu-box:8000 (not ours: only asked)"}, "")


def test_a_model_that_must_be_made_is_not_made(look, tmp_path, monkeypatch):
    """Only where it will be is said."""
    monkeypatch.setenv("INFERBENCH_CACHE", str(tmp_path / "cache"))
    rows, _ = look(backend="llama", provision="docker", image_type="build", location="builtin:small")
    assert f"{tmp_path}/cache/small-" in rows["mounts"]
    assert not (tmp_path / "cache").exists()


def test_each_setting_is_said_with_the_place_that_gave_it(look):
    """What a file, an option or a format decided; not what is built in, and no argument without its value."""
    rows, _ = look(
        args=(("max_num_seqs", 8), ("dtype", "half")),
        sources=(
            *(("backend", "config/models.yaml:4"), ("version", "command line"), ("provision", "default")),
            *(("args.max_num_seqs", "config/models.yaml:9"), ("image", "config/models.yaml:5")),
        ),
    )
    said = "backend vllm (config/models.yaml:4); version v0.8.1 (command line); max_num_seqs 8 (config/models.yaml:9)"
    assert rows["set by"] == said
    assert "set by" not in look()[0]


def test_a_repository_that_was_not_fetched_is_not_here_and_a_path_is(look, tmp_path, monkeypatch):
    """A server that fetches nothing itself is told so of a repository alone, never of a path that is there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + bytes(20))
    facts = {"backend": "llama", "program": "vllm", "version": "installed", "model": "m"}
    monkeypatch.setattr(Installed, "output", lambda *_: "version: 1234")
    assert "fetch --model m" in look(location="org/model", **facts)[1]
    assert look(location=str(tmp_path / "m.gguf"), **facts)[1] == ""
    assert look(location="m.gguf", **facts)[1] == ""
