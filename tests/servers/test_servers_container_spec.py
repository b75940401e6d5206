from __future__ import annotations

import io
import json
import tarfile
from dataclasses import asdict
from pathlib import Path

import pytest

from fakes.devices import FakeDevices
from pytest_inferbench.backends.backend import ServerPlan
from pytest_inferbench.backends.catalogue import BACKENDS, backend_named
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.servers.container_spec import container_spec, model_mounts

_GOLDEN = Path(__file__).parents[1] / "golden" / "containers"
_CONTAINED = [backend for backend in BACKENDS if backend.container is not None]
_ENVIRONMENT = {"HF_TOKEN": "hf_secret", "HOME": "/home/user", "HF_HOME": "/data/hub"}


def _spec(backend, gpus, args=None, model="org/model"):
    plan = ServerPlan(
        backend.name, model, "model", version="v1", args={**backend.gpu_args(gpus), **(args or {}), "brand_new": 3}
    )
    there = [(gpu.uuid, gpu.name) for gpu in FakeDevices(gpus).gpus()]
    return container_spec(plan, backend.container, "image:tag", gpus=there, environ=_ENVIRONMENT)


@pytest.mark.parametrize("gpus", [0, 1, 8])
@pytest.mark.parametrize("backend", _CONTAINED, ids=repr)
def test_every_backend_s_container(backend, gpus, monkeypatch):
    """Arguments, environment, mounts and devices of each backend are those of its golden file."""
    monkeypatch.setenv("HOME", "/home/user")
    text = json.dumps(asdict(_spec(backend, gpus)), indent=1, sort_keys=True) + "\n"
    path = _GOLDEN / f"{backend.name}-{gpus}gpu.json"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.with_suffix(".json.got").write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"see {path}.got"


def test_a_stated_number_of_gpus_wins_over_those_there_are():
    """What the user says of tensor parallelism is what the server is told."""
    argv = _spec(backend_named("vllm"), 8, {"tensor_parallel_size": 2}).argv
    assert argv[argv.index("--tensor-parallel-size") + 1] == "2"


@pytest.mark.parametrize("backend", _CONTAINED, ids=repr)
def test_a_token_is_in_no_text_of_a_spec(backend):
    """Files and variables stay out of what may be printed; only llama.cpp has it in a variable."""
    spec = _spec(backend, 1)
    assert ("hf_secret" in spec.env.values()) == (backend.name == "llama")
    assert "hf_secret" not in repr(spec) + " ".join(spec.argv)


def test_a_token_is_written_into_the_container():
    """As a file that the server may read, whoever it is in its image."""
    with tarfile.open(fileobj=io.BytesIO(_spec(backend_named("vllm"), 0).secret_files())) as tar:
        folder, entry = tar.getmembers()
        assert (folder.isdir(), folder.mode) == (True, 0o755)
        assert (f"/{entry.name}", entry.mode) == ("/run/secrets/hf_token", 0o444)
        assert tar.extractfile(entry).read() == b"hf_secret"


@pytest.mark.parametrize(("name", "given"), [("vllm", True), ("llama", False), ("ollama", False)])
def test_who_has_logged_in_to_the_hub_needs_no_variable(name, given, tmp_path):
    """The token of `hf auth login` is handed on where it goes into a file, and nowhere else."""
    (tmp_path / "token").write_text("hf_of_a_login\n")
    backend = backend_named(name)
    plan = ServerPlan(name, "org/model", "model")
    spec = container_spec(plan, backend.container, "i", environ={"HF_HOME": str(tmp_path)})
    assert list(spec.secrets.values()) == ["hf_of_a_login"] * given
    assert "hf_of_a_login" not in spec.env.values()


@pytest.mark.parametrize("backend", _CONTAINED, ids=repr)
def test_who_fetches_nothing_gets_no_token_and_only_reads_the_hub_s_cache(backend, tmp_path):
    """A model that is here is served without the hub: its cache is shown where there is one, and cannot be changed."""
    (tmp_path / "m.gguf").touch()
    environ = {**_ENVIRONMENT, "HF_HOME": str(tmp_path)}

    def spec():
        return container_spec(
            ServerPlan(backend.name, str(tmp_path / "m.gguf"), "m"), backend.container, "i", environ=environ
        )

    hub = "/root/.cache/huggingface/hub"
    assert hub not in [mount.target for mount in spec().mounts]
    (tmp_path / "hub").mkdir()
    assert [mount.read_only for mount in spec().mounts if mount.target == hub] in ([], [True])
    assert not spec().secrets
    assert "hf_secret" not in spec().env.values()


def test_how_many_processes_a_container_may_have_goes_by_its_gpus():
    """Each GPU has a process of its own; what the config says goes before."""
    vllm = backend_named("vllm")
    assert [_spec(vllm, gpus).pids for gpus in (0, 1, 8)] == [4096, 4096, 32768]
    plan = ServerPlan("vllm", "org/model", "model")
    assert container_spec(plan, vllm.container, "i", pids=100).pids == 100


def test_the_digest_tells_servers_apart_and_not_gpus():
    """Another argument is another server; another GPU of the same kind is not."""
    vllm = backend_named("vllm")
    plan = ServerPlan("vllm", "org/model", "model")
    one, two = (
        container_spec(plan, vllm.container, "image:tag", gpus=[(gpu.uuid, gpu.name)]) for gpu in FakeDevices(2).gpus()
    )
    assert one.digest == two.digest
    assert one.digest != container_spec(plan, vllm.container, "image:tag").digest
    assert _spec(vllm, 1).digest != _spec(vllm, 1, {"max_num_seqs": 8}).digest


def test_an_engine_cache_is_separate_for_each_gpu_version_and_argument():
    """TensorRT-LLM's built engines never meet those of another model, GPU, version or argument."""
    trtllm = backend_named("trtllm")

    def folder(version="v1", gpu="H200", **args):
        plan = ServerPlan("trtllm", "org/model", "model", version=version, args=args)
        return container_spec(plan, trtllm.container, "i", gpus=[("GPU-1", gpu)]).mounts[-1].source

    others = [folder(version="v2"), folder(gpu="H100"), folder(max_batch_size=8)]
    assert folder() == folder()
    assert len({folder(), *others}) == 4


def test_a_file_is_shown_read_only_under_its_name(tmp_path):
    """A model file is mounted alone, from where its link leads."""
    (tmp_path / "blob").write_bytes(b"GGUF")
    link = tmp_path / "model.gguf"
    link.symlink_to("blob")
    inside, mounts = model_mounts(str(link))
    assert inside == "/models/model.gguf"
    assert [(mount.source, mount.target, mount.read_only) for mount in mounts] == [
        (str(tmp_path / "blob"), "/models/model.gguf", True)
    ]


def test_a_split_model_is_shown_with_all_its_parts(tmp_path):
    """The parts of a split model lie beside each other in the container too."""
    for number in (1, 2):
        (tmp_path / f"m-0000{number}-of-00002.gguf").touch()
    inside, (mount,) = model_mounts(str(tmp_path / "m-00001-of-00002.gguf"))
    assert inside == f"/models/{tmp_path.name}/m-00001-of-00002.gguf"
    assert (mount.source, mount.read_only) == (str(tmp_path), True)


def test_a_hub_s_snapshot_is_shown_with_the_files_it_links_to(tmp_path):
    """A snapshot's links lead somewhere inside the container as well."""
    snapshot = tmp_path / "models--o--m" / "snapshots" / "abc"
    blobs = tmp_path / "models--o--m" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (blobs / "1").touch()
    (snapshot / "config.json").symlink_to("../../blobs/1")
    inside, (mount,) = model_mounts(str(snapshot))
    assert (inside, mount.source) == ("/models/snapshots/abc", str(tmp_path / "models--o--m"))


def test_links_to_all_over_the_disk_are_refused(tmp_path):
    """Nobody's whole disk is shown to a container."""
    (tmp_path / "config.json").symlink_to("/etc/hostname")
    with pytest.raises(ConfigError, match="copy the model's files into one folder"):
        model_mounts(str(tmp_path))
