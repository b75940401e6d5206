"""Which weights they were: revision and hash, from files as they lie on a disk."""

from __future__ import annotations

import hashlib

import pytest

from pytest_inferbench.models import facts as module
from pytest_inferbench.models.facts import model_facts

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_file_s_contents_make_its_hash(tmp_path):
    """Another byte is another model; a path elsewhere is the same one."""
    first, second = tmp_path / "a" / "m.gguf", tmp_path / "b" / "m.gguf"
    for path in (first, second):
        path.parent.mkdir()
        path.write_bytes(b"GGUF" + bytes(100))
    known = model_facts(str(first))
    assert set(known) == {"model_hash", "model_hash_of"}
    assert known["model_hash_of"] == "contents"
    assert model_facts(str(second)) == known
    second.write_bytes(b"GGUF" + bytes(99) + b"x")
    assert model_facts(str(second))["model_hash"] != known["model_hash"]


def test_a_folder_is_all_of_its_weights_and_its_config(tmp_path):
    """A changed config is another model; a README is not part of it."""
    for name in ("model-1.safetensors", "model-2.safetensors", "config.json", "README.md"):
        (tmp_path / name).write_text(name)
    known = model_facts(str(tmp_path))
    (tmp_path / "README.md").write_text("more")
    assert model_facts(str(tmp_path)) == known
    (tmp_path / "config.json").write_text("{}")
    assert model_facts(str(tmp_path)) != known


def test_a_large_file_is_sampled_and_says_so(tmp_path, monkeypatch):
    """Beginning, end and places between; its size counts too."""
    monkeypatch.setattr(module, "_WHOLE_BYTES", 1000)
    monkeypatch.setattr(module, "_SAMPLE_BYTES", 10)
    path = tmp_path / "m.gguf"
    seen = set()
    for change in (0, 1, 1999, None):
        content = bytearray(2000)
        if change is not None:
            content[change] = 1
        path.write_bytes(content if change is not None else bytes(2001))
        facts = model_facts(str(path))
        assert facts["model_hash_of"] == "samples"
        seen.add(facts["model_hash"])
    assert len(seen) == 4


def test_the_hub_s_cache_knows_revision_and_hashes(tmp_path):
    """A snapshot's folder names its commit, and its links the SHA-256 of what they point to: nothing is read."""
    digest = hashlib.sha256(b"weights").hexdigest()
    blob = tmp_path / "models--org--m" / "blobs" / digest
    snapshot = tmp_path / "models--org--m" / "snapshots" / COMMIT
    for folder in (blob.parent, snapshot):
        folder.mkdir(parents=True)
    blob.write_bytes(b"weights")
    (snapshot / "model.safetensors").symlink_to(blob)
    facts = model_facts(str(snapshot))
    assert (facts["model_revision"], facts["model_hash_of"]) == (COMMIT, "contents")
    blob.write_bytes(b"WEIGHTS")  # not read: the name is what the hub checked
    assert model_facts(str(snapshot)) == facts


@pytest.mark.parametrize("location", ["org/model", "builtin:none", "/nowhere/m.gguf"])
def test_what_is_no_path_here_has_no_facts(location):
    """A repository id that the server itself fetches."""
    assert model_facts(location) == {}
