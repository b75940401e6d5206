"""The counts of a starter: about two minutes a session on the server that was asked, written as fixed numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from fakes.scripted.process import ScriptedServer
from fakes.scripted.script import Script
from pytest_inferbench.cli.main import main
from pytest_inferbench.cli.sizing import Pace, counts_for, length, requests_for

RATES = st.floats(min_value=0.01, max_value=10_000)


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A folder to be in, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INFERBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path


@given(alone=RATES, together=RATES, start_s=st.floats(min_value=0, max_value=60))
def test_a_session_takes_two_minutes_where_the_bounds_allow(alone, together, start_s):
    """One request more would exceed them, unless no statistic wants it; fewer than three are never sent."""
    pace = Pace(alone, together, start_s)
    requests = requests_for(pace)
    assert 3 <= requests <= 133
    assert requests == 3 or pace.session_s(requests) <= 120.001
    assert requests == 133 or pace.session_s(requests + 1) > 119.999


@pytest.mark.parametrize(
    ("alone", "together", "requests", "tails"), [(200, 300, 133, True), (8, 9, 28, True), (1.6, 2.1, 6, False)]
)
def test_the_counts_of_some_servers(alone, together, requests, tails):
    """A quick, a usual and a slow server; where p95 has too few requests the file says so."""
    counts = counts_for("m", Pace(alone, together, 8))
    assert (counts.single, counts.each) == (requests, requests)
    assert ("not for p95, which needs 100" in counts.about) is not tails


def test_lengths_are_told_in_words():
    """Seconds up to a minute and a half, then minutes."""
    assert [length(seconds) for seconds in (3, 44, 89, 119, 600)] == [
        *("about 10 seconds", "about 40 seconds", "about 90 seconds", "about 2 minutes", "about 10 minutes")
    ]


def test_a_server_that_runs_is_asked(empty, capsys):
    """Its address and its own model's name are written, and the counts with what they are for."""
    with ScriptedServer(Script(first_ms=30, gap_ms=1)) as server:
        assert main(["init", "--server-url", server.url, "--backend", "vllm"]) == 0
    said = capsys.readouterr()
    (model,) = YAML(typ="safe").load(Path("config/models.yaml"))["models"]
    name = model["repo_id"]
    assert model["backends"] == {"vllm": {"url": server.url}}
    answers = rf"^{name} answers [\d.]+ requests/s one at a time, [\d.]+/s to 4 users: (\d+) requests"
    found = re.search(answers, said.err, re.MULTILINE)
    assert found
    text = Path("benchmarks/test_speed.py").read_text()
    assert f"Single(requests={found[1]}, " in text
    assert f"requests={found[1]} * streams" in text
    assert f"The counts suit {name} where it was measured" in text


def test_a_model_whose_engine_is_not_here_gets_small_counts(empty, capsys):
    """It is said why nobody asked; the project is written all the same, with the model in it."""
    assert main(["init", "new", "--model", "org/big", "--backend", "vllm"]) == 0
    assert "not measured: " in capsys.readouterr().err
    assert YAML(typ="safe").load(Path("new/config/models.yaml"))["models"] == [
        {"repo_id": "org/big", "backend": "vllm"}
    ]
    assert "Single(requests=8, " in Path("new/benchmarks/test_speed.py").read_text()


def test_what_is_kept_is_told_what_it_would_have_been(empty, capsys):
    """The counts and the model's entry are printed for files that are there."""
    assert main(["init"]) == 0
    assert main(["init", "--model", "org/big", "--backend", "vllm"]) == 0
    shown = capsys.readouterr().out
    assert "for this: Single(requests=8), Concurrency(requests=8 * streams)" in shown
    assert '- repo_id: "org/big"' in shown
    assert "Single(requests=64, " in Path("benchmarks/test_speed.py").read_text()


def test_several_models_are_a_mistake_and_nothing_is_written(empty, capsys):
    """One message that says how to name one; the folder is as it was."""
    assert main(["init", "new", "--server-url", "http://127.0.0.1:9", "--model", "a", "--model", "b"]) == 2
    assert "name one, with --model and --backend" in capsys.readouterr().err
    assert not Path("new").exists()


@pytest.mark.e2e
def test_a_real_server_is_started_asked_and_ended(empty, capsys):
    """The model in the wheel's llama.cpp, from a folder beside the project."""
    pytest.importorskip("xllamacpp")
    assert main(["init", "new", "--model", "builtin:tiny"]) == 0
    assert "tiny answers " in capsys.readouterr().err
    models = YAML(typ="safe").load(Path("new/config/models.yaml"))["models"]
    assert models == [{"path": "builtin:tiny", "backend": "llama"}]
