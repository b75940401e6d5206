"""`inferbench baselines`: what is accepted, since when, and budgets to paste."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from baselines.baseline_made import TABLE, YAML, segment, session
from pytest_inferbench.baselines.read import read_file
from pytest_inferbench.cli.main import main
from pytest_inferbench.config.parse import parse

NAME = "qwen3-8b--vllm"


def figures(ttft, tpot):
    return {"ttft_ms.p50": [ttft], "tpot_ms.p50": [tpot]}


LINES = (
    session(1, rounds=figures(41.0, 6.1)),
    session(2, rounds=figures(43.0, 6.1)),
    session(2, "single", rounds=figures(9.0, 3.0), gates=["tpot_ms.p50", "e2e_ms.p50"]),
    segment("run-5"),
    session(5, rounds=figures(30.0, 5.0), segment="run-5", version="v0.9.0"),
)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write the program's file of a hardware."""
    monkeypatch.chdir(tmp_path)

    def write(*lines, hardware="lab"):
        path = tmp_path / f"benchmarks/baselines/{NAME}/{hardware}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line.to_text()}\n" for line in lines))
        return path

    return write


def said(capsys, *arguments, status=0):
    assert main(["baselines", *arguments]) == status
    shown = capsys.readouterr()
    return shown.out if status == 0 else shown.err


def test_show(write, capsys):
    """One table a file: a case, its sessions and of how many days they are, its gated figures, since when."""
    write(*LINES)
    write(LINES[0], hardware="other")
    assert said(capsys, "show") == (
        "qwen3-8b--vllm on lab\n"
        "case              sessions  days  ttft_ms.p50  tpot_ms.p50  e2e_ms.p50  from        version\n"
        "concurrency[c08]  1         1     30.0         5.00         -           2025-01-06  v0.9.0\n"
        "single            1         1     -            3.00         none        2025-01-03  v0.8.1\n"
        "\n"
        "qwen3-8b--vllm on other\n"
        "case              sessions  days  ttft_ms.p50  tpot_ms.p50  from        version\n"
        "concurrency[c08]  1         1     41.0         6.10         2025-01-02  v0.8.1\n"
    )


def test_show_tells_what_waits(write, capsys):
    """Its sessions are counted, and are in no figure yet."""
    waits = {"aside": {"ttft_ms.p50": "worse"}, "rounds": {"ttft_ms.p50": [60.0], "tpot_ms.p50": [6.1]}}
    write(session(1), session(2, **waits))
    row = said(capsys, "show").splitlines()[2].split()
    assert row[1:7] == ["2", "(1", "waits)", "2", "41.0", "6.10"]


@pytest.mark.parametrize("when", ["2025-01-03", "2025-01-02T12:00:00+00:00"])
def test_since_a_date(write, capsys, when):
    """What was accepted when that day began, and now."""
    write(*LINES)
    rows = said(capsys, "show", "--since", when).splitlines()
    assert rows[2].split()[3:9] == ["41.0", "->", "30.0", "6.10", "->", "5.00"]
    assert rows[3].split()[:9] == ["single", "1", "1", "-", "none", "->", "3.00", "none", "->"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_since_a_commit(write, capsys, tmp_path):
    """What was accepted in the files of that commit; a hardware that it did not have begins now."""

    def git(*arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True)

    write(*LINES[:2])
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "two nights")
    write(*LINES)
    write(LINES[0], hardware="other")
    rows = said(capsys, "show", "--since", "main").splitlines()
    assert rows[2].split()[3:9] == ["42.0", "->", "30.0", "6.10", "->", "5.00"]
    assert rows[-1].split()[3:6] == ["none", "->", "41.0"]
    message = said(capsys, "show", "--since", "nope", status=1)
    assert message.startswith("inferbench baselines: --since nope: git has no such commit in ")
    assert message.endswith("; give one of its commits, or a date like 2026-05-01\n")
    assert "no date; write one like 2026-05-01" in said(capsys, "show", "--since", "2025-13-01", status=1)


def test_since_a_commit_outside_of_git(write, capsys, monkeypatch, tmp_path):
    """It says that there is no repository, and what works without one."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    write(*LINES)
    assert "is in no git repository; give a date like 2026-05-01" in said(capsys, "show", "--since", "main", status=1)


def test_propose(write, capsys, tmp_path):
    """What is printed can be pasted: below the cases of a file that has others, or as they are where there is none."""
    path = write(*LINES)
    people = path.parent.with_name(f"{NAME}.yaml")
    people.write_text(YAML)
    shown = said(capsys, "propose")
    assert shown == (
        "# below `cases:` of benchmarks/baselines/qwen3-8b--vllm.yaml\n"
        "  single:\n"
        "    hardware:\n"
        "      lab:\n"
        "        budgets: {tpot_ms.p50: {max: 4.5}}\n"
    )
    people.write_text(YAML + shown)
    read_file(parse(people.read_text(), "q.yaml"), TABLE)
    assert said(capsys, "propose") == "nothing to propose: every case that has sessions is in its YAML file\n"


OTHER = """\
schema: 1
model: qwen3-8b
backend: vllm
cases:
  concurrency[c08]:
    hardware:
      other:
        budgets: {ttft_ms.p50: {max: 9}}
"""


def test_propose_on_new_hardware(write, capsys):
    """A case whose budgets are all of other hardware gets some for this one, to paste beside them, with the line."""
    people = write(*LINES[:2]).parent.with_name(f"{NAME}.yaml")
    people.write_text(OTHER)
    shown = said(capsys, "propose")
    assert shown == (
        "# benchmarks/baselines/qwen3-8b--vllm.yaml:5, below `hardware:` of concurrency[c08]\n"
        "      lab:\n"
        "        budgets: {ttft_ms.p50: {max: 64.5}, tpot_ms.p50: {max: 9.15}}\n"
    )
    people.write_text(OTHER + shown)
    case = read_file(parse(people.read_text(), "q.yaml"), TABLE).cases["concurrency[c08]"]
    assert [len(case.hardware[name]) for name in ("other", "lab")] == [1, 2]
    assert said(capsys, "propose").startswith("nothing to propose")


@pytest.mark.parametrize(
    "written",
    [
        OTHER.replace("    hardware:", "    budgets: {tpot_ms.p50: {max: 9}}\n    hardware:"),
        OTHER + "      lab: {budgets: {}}\n",
        OTHER.replace("{ttft_ms.p50: {max: 9}}", "{}"),
    ],
    ids=["on any hardware", "none on this one", "none anywhere"],
)
def test_nothing_is_proposed_against_people_s_word(write, capsys, written):
    """Budgets on any hardware hold on this one too, and who writes none wants none."""
    write(*LINES[:2]).parent.with_name(f"{NAME}.yaml").write_text(written)
    assert said(capsys, "propose").startswith("nothing to propose")


def test_nothing_accepted(write, capsys):
    """An empty folder is said, with what to do."""
    assert "nothing accepted in" in said(capsys, "show", status=1)


def test_a_broken_line(write, capsys):
    """One message with file and line."""
    path = write(*LINES)
    path.write_text(path.read_text() + "{\n")
    message = said(capsys, "show", status=1)
    assert "benchmarks/baselines/qwen3-8b--vllm/lab.jsonl:6: not a whole line of JSON" in message
