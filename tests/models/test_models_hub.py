"""What an earlier fetch noted of a model."""

from __future__ import annotations

import json

import pytest

from pytest_inferbench.backends.backend import ModelFormat
from pytest_inferbench.models import hub


@pytest.mark.parametrize(
    "note",
    ["", "[]", "3", "[" * 100_000, '{"sizes": []}', '{"sizes": {"%s": 4}}', '{"sizes": {"%s": 4}, "path": 3}', "\x00"],
)
def test_a_damaged_note_is_none(note, tmp_path, monkeypatch):
    """The model is then fetched again; nothing else happens."""
    monkeypatch.setenv("INFERBENCH_CACHE", str(tmp_path))
    model = tmp_path / "x.gguf"
    model.write_bytes(b"GGUF")
    path = hub._note_path("org/m", ModelFormat.GGUF)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"path": str(model), "sizes": {str(model): 4}}))
    assert hub.find_fetched("org/m", ModelFormat.GGUF) == hub.Fetched(model, 1, 4)
    path.write_text(note.replace("%s", str(model)))
    assert hub.find_fetched("org/m", ModelFormat.GGUF) is None
