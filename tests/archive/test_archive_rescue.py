"""What cannot be written where it belongs is written elsewhere, and said."""

from __future__ import annotations

import errno
import json
import tempfile
from pathlib import Path

import pytest

from made.cases import document
from pytest_inferbench.archive import rescue as rescue_module
from pytest_inferbench.archive.rescue import rescue, why_not
from pytest_inferbench.archive.run_file import RunFile


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A temporary folder and a home of the test's own."""
    for name in ("temporary", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_first_place_with_room_takes_it(places):
    """The system's temporary folder; where that takes nothing, the user's own; where none does, none."""
    path = rescue("records/x.gz", b"x", "run-1")
    assert path.read_bytes() == b"x"
    assert path.parts[-3].startswith("inferbench-run-1-")
    assert path.parent.parent.stat().st_mode & 0o077 == 0, "for its owner alone"
    (places / "temporary").rename(places / "gone")
    assert rescue("a", "b", "run-1").is_relative_to(places / "home")
    (places / "home").rename(places / "gone too")
    assert rescue("a", "b", "run-1") is None


def test_why_a_file_was_not_written(tmp_path, monkeypatch):
    """A full disk is named with what it has left; anything else with its path."""
    path = tmp_path / "none" / "run.json"
    denied = PermissionError(errno.EACCES, "Permission denied", "/x")
    assert why_not(path, denied) == "Permission denied: /x"
    monkeypatch.setattr(rescue_module.shutil, "disk_usage", Usage)
    full = OSError(errno.ENOSPC, "No space left on device")
    assert why_not(path, full) == f"No space left on device: the disk of {tmp_path} has 3 MiB left"


class Usage:
    def __init__(self, folder):
        assert Path(folder).exists()
        self.free = 3 * 2**20


def test_a_run_document_that_has_no_place_goes_on_elsewhere(places):
    """It is written anew there after each test, and in its own place as soon as that takes it."""
    folder = places / "perf" / "run"
    (places / "perf").write_text("in the way")
    file = RunFile(folder)
    file.write(document((), run_id="run"))
    assert "run.json was not written: " in file.problem
    assert file.problem.endswith(f"; what was measured is in {file.path}")
    first = file.path
    file.write(document((), run_id="other"))
    assert file.path == first
    assert json.loads(first.read_text())["run_id"] == "other"
    (places / "perf").unlink()
    file.write(document((), run_id="run"))
    assert (file.problem, file.path) == ("", folder / "run.json")
