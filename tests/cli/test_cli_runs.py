"""`inferbench runs`: over the results folder."""

from __future__ import annotations

import json

import pytest

from made.cases import case, document, summary
from pytest_inferbench.cli.main import main
from pytest_inferbench.report.json_report import to_text


def single(ttft, backend="vllm"):
    """A case that measured nothing but a TTFT."""
    return case(
        "single",
        id="t.py::single",
        model="m",
        backend=backend,
        version="v1",
        hardware="box",
        metrics={"ttft_ms": summary("ms", n=24, p50=ttft)},
        rounds=({"ttft_ms.p50": ttft},),
    )


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder of three runs, as pytest leaves it in the folder it ran in."""
    monkeypatch.chdir(tmp_path)
    for run_id, ttft in (("20250301-a1", 40.0), ("20250302-b2", 80.0), ("20250302-c3", 41.0)):
        made = document((single(ttft), single(ttft / 2, "sglang")), run_id=run_id, finished=None)
        folder = tmp_path / "perf" / run_id
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(to_text(made))
    return tmp_path / "perf"


def test_list_names_every_run_with_its_verdicts(results, capsys):
    """A line a run, the oldest first: its id, what was found, of what."""
    assert main(["runs", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["run", "20250301-a1", "20250302-b2", "20250302-c3"]
    assert "2 new" in lines[1]
    assert "m/v1 on box" in lines[1]


def test_list_says_which_file_is_broken_and_lists_the_others(results, capsys):
    """A damaged run is one line on standard error and status 1; the rest is listed."""
    (results / "20250302-b2" / "run.json").write_text('{"schema": 1')
    assert main(["runs", "list"]) == 1
    said = capsys.readouterr()
    assert "20250302-c3" in said.out
    assert said.err.count("\n") == 1
    assert "20250302-b2/run.json: not a run document" in said.err


def test_an_empty_folder_says_what_to_do(tmp_path, monkeypatch, capsys):
    """Without runs the message names the folder and how to get one."""
    monkeypatch.chdir(tmp_path)
    assert main(["runs", "list"]) == 1
    assert f"no runs in {tmp_path / 'perf'}. Run `pytest benchmarks`" in capsys.readouterr().err


def test_show_prints_the_summary_of_a_run(results, capsys):
    """One run as its terminal showed it; without a name the latest."""
    assert main(["runs", "show", "20250301"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("20250301-a1, started 2025-03-01")
    assert "2 new" in shown
    assert main(["runs", "show"]) == 0
    assert capsys.readouterr().out.startswith("20250302-c3")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("20250302", "is not one run in"),
        ("2025031", "no run '2025031' in"),
        ("gone.json", "gone.json: cannot be read"),
    ],
)
def test_a_name_that_means_no_run_is_one_clear_error(results, capsys, name, words):
    """An ambiguous, unknown or unreadable run is told with what there is."""
    assert main(["runs", "show", name]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_compare_puts_runs_side_by_side(results, capsys):
    """Letters stand for the runs; each figure has its ratio, and the last run its verdict."""
    assert main(["runs", "compare", "20250301", "20250302-b2", "--metric", "ttft_ms.p50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["A  20250301-a1", "B  20250302-b2"]
    assert "single of vllm" in lines
    assert any("ttft_ms.p50" in line and "80.0 (2.00x)" in line and "REGRESSED" in line for line in lines)


def test_many_runs_side_by_side_are_told_briefly_and_whole(results, capsys, monkeypatch):
    """Where there is no room for all words, no figure is cut: one ratio, the verdict as a word, a longer line."""
    monkeypatch.setenv("COLUMNS", "60")
    names = ["20250301", "20250302-b2"] * 3
    assert main(["runs", "compare", *names, "--metric", "ttft_ms.p50"]) == 0
    (line,) = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("  ttft_ms.p50") and "80" in line
    ]
    assert line.split() == ["ttft_ms.p50", "40.0", "80.0", "40.0", "80.0", "40.0", "80.0", "(2.00x)", "inconclusive"]


def test_compare_by_cell_needs_one_run_only(results, capsys):
    """The backends of one run stand beside each other."""
    assert main(["runs", "compare", "latest", "--by", "cell", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["columns"] == ["vllm", "sglang"]
    assert found["rows"][0]["ratios"] == [1.0, 0.5]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["compare", "latest"], 2, "compare needs two runs or more"),
        (
            ["compare", "latest", "20250301", "--metric", "ttft_s.p50"],
            2,
            "no case has 'ttft_s.p50'; did you mean 'ttft_ms.p50'?",
        ),
        (["export", "--format", "pdf"], 2, "--format pdf: expected one of json, csv, markdown"),
        (["export", "--format", "github-action"], 2, "name a folder with --output"),
        (["export", "--format", "csv", "--output", "perf/20250301-a1/run.json/x"], 1, "cannot be written"),
    ],
)
def test_mistakes_are_told_in_one_line(results, capsys, arguments, status, words):
    """What cannot be done says why and what to do, without a traceback."""
    assert main(["runs", *arguments]) == status
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("form", "start"), [("markdown", "| case"), ("html", "<!doctype html>"), ("csv", "case,figure")]
)
def test_compare_writes_other_formats(results, tmp_path, form, start):
    """`--format` and `--output` write the comparison to a file."""
    assert main(["runs", "compare", "20250301", "latest", "--format", form, "--output", "out/it"]) == 0
    assert (tmp_path / "out/it").read_text().startswith(start)


def test_export_writes_any_format_of_an_earlier_run(results, tmp_path, capsys):
    """To standard output, to a file, or two files to a folder."""
    assert main(["runs", "export", "20250301", "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("run_id,started")
    assert main(["runs", "export", "20250301", "--format", "html", "--output", "page.html"]) == 0
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    assert main(["runs", "export", "--format", "github-action", "--output", "out"]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"smaller-is-better.json", "bigger-is-better.json"}


def test_another_results_folder_is_named_by_option(results, tmp_path, monkeypatch, capsys):
    """`--bench-results` is the same option as pytest's."""
    monkeypatch.chdir(results)
    assert main(["runs", "show", "--bench-results", str(results)]) == 0
    assert "20250302-c3" in capsys.readouterr().out
