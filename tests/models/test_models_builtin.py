from __future__ import annotations

import fcntl
import sys
import threading
from pathlib import Path

import pytest

from pytest_inferbench.errors import CellUnavailable, ConfigError
from pytest_inferbench.models import builtin
from pytest_inferbench.models.builtin import builtin_model, cache_folder
from pytest_inferbench.models.tinymodel.weights import ModelShape


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own, in which `small` is not large."""
    monkeypatch.setenv("INFERBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        builtin, "SMALL", ModelShape(dim=32, layers=1, heads=1, kv_heads=1, head_dim=16, ffn=32, vocab=300)
    )
    return tmp_path / "cache"


def test_tiny_is_in_the_package():
    """It needs no cache and no other package."""
    path = builtin_model("tiny")
    assert path.read_bytes().startswith(b"GGUF")
    assert path.parent.name == "tinymodel"


def test_small_is_made_once(cache):
    """The first use makes it and says so; the second finds it."""
    told = []
    first = builtin_model("small", told.append)
    stamp = first.stat().st_mtime_ns
    assert first.parent == cache
    assert first.read_bytes().startswith(b"GGUF")
    assert len(told) == 1
    assert builtin_model("small", told.append) == first
    assert len(told) == 1
    assert first.stat().st_mtime_ns == stamp
    assert not list(cache.glob("*.tmp"))


def test_another_recipe_is_another_file(cache, monkeypatch):
    """A change of shape or code never serves the old file."""
    before = builtin_model("small")
    monkeypatch.setattr(builtin, "_SMALL_NAME", "small-renamed")
    assert builtin_model("small") != before


def test_a_second_process_waits_for_the_first(cache, eventually):
    """While somebody holds the lock nothing is made; what he made is then taken."""
    cache.mkdir()
    path = builtin_model("small")
    made = path.read_bytes()
    path.unlink()
    told = []
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiter = threading.Thread(target=builtin_model, args=("small", told.append))
        waiter.start()
        assert eventually(lambda: told)
        path.write_bytes(made)
        stamp = path.stat().st_mtime_ns
    waiter.join()
    assert told == ["another process is making the built-in model; waiting for it"]
    assert path.stat().st_mtime_ns == stamp


def test_an_interrupted_making_leaves_nothing(cache, monkeypatch):
    """A half-written model never gets the name that is looked for."""

    def cut(path, shape, name):
        path.write_bytes(b"GGUF half")
        raise KeyboardInterrupt

    monkeypatch.setattr(builtin, "make_gguf", cut)
    with pytest.raises(KeyboardInterrupt):
        builtin_model("small")
    assert not [file for file in cache.iterdir() if file.suffix != ".lock"]


def test_without_the_gguf_package_small_is_unavailable(cache, monkeypatch):
    """The reason names the extra to install, and tiny still works."""
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(CellUnavailable, match=r"pip install 'pytest-inferbench\[embedded\]'"):
        builtin_model("small")
    assert builtin_model("tiny").exists()


def test_a_cache_that_cannot_be_written_is_a_reason(tmp_path, monkeypatch):
    """A file in the folder's place makes the model unavailable, with the setting that helps."""
    (tmp_path / "cache").write_text("in the way")
    monkeypatch.setenv("INFERBENCH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(CellUnavailable, match="INFERBENCH_CACHE"):
        builtin_model("small")


def test_an_unknown_name_gets_the_known_ones():
    """There is no third built-in model."""
    with pytest.raises(ConfigError, match=r"'huge'; use tiny .* or small"):
        builtin_model("huge")


def test_the_cache_folder_is_found_in_order(monkeypatch):
    """Our own variable, then the user's cache folder, then the home folder."""
    monkeypatch.setenv("HOME", "/home/u")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    monkeypatch.setenv("INFERBENCH_CACHE", "/own")
    assert cache_folder() == Path("/own")
    monkeypatch.delenv("INFERBENCH_CACHE")
    assert cache_folder() == Path("/cache/inferbench")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("/home/u/.cache/inferbench")
