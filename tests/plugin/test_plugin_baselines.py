"""`--update-baselines` and its modes through pytest: what is written and what is refused."""

import json

import pytest

LAB = "--hardware=lab"


class Files:
    """The baseline files of a pytester run against one server."""

    def __init__(self, root):
        self.yaml = root / "benchmarks/baselines/scripted--external.yaml"
        self.jsonl = root / "benchmarks/baselines/scripted--external/lab.jsonl"

    def lines(self):
        return [json.loads(line) for line in self.jsonl.read_text().splitlines()]

    def sessions(self):
        return [line for line in self.lines() if line["kind"] == "session"]

    def tolerate(self):
        """Call nothing a regression, however busy the machine is."""
        wide = "    policy: {margin: 0.9, resolve: 10.0}\n    hardware:"
        self.yaml.write_text(self.yaml.read_text().replace("    hardware:", wide))

    def bytes(self):
        return self.yaml.read_bytes(), self.jsonl.read_bytes()


@pytest.fixture
def files(pytester):
    return Files(pytester.path)


@pytest.fixture
def run(suite, server):
    """Run the suite against the scripted server, named `lab`."""
    return lambda *arguments, **how: suite("--server-url", server.url, LAB, *arguments, **how)


def test_reseat_opens_a_segment(run, files):
    """`--baseline-mode reseat` gives each measured case a new segment, and the summary says from what to what."""
    run("--update-baselines", "-k", "plain").assert_outcomes(passed=2, deselected=2)
    files.tolerate()
    result = run("--update-baselines", "--baseline-mode=reseat", "-k", "plain")
    assert result.ret == 0  # on a busy machine it may be INCONCLUSIVE, which is a skip
    first, opened, second = files.lines()
    assert (first["segment"], opened["kind"], opened["how"]) == ("1", "segment", "reseat")
    assert second["segment"] == opened["id"] == second["id"]
    result.stdout.fnmatch_lines(["plain on lab: *session 1 of segment 2: reseated (*); ttft_ms.p50 * -> *"])
    result.stdout.fnmatch_lines(["wrote benchmarks/baselines/scripted--external/lab.jsonl"])


def test_a_regression_that_is_none_is_not_accepted_in_silence(run, files):
    """`--accept-regressions` where nothing regressed records as ever, and says how to set the level all the same."""
    result = run("--update-baselines", "--accept-regressions", "-k", "plain")
    result.assert_outcomes(passed=2, deselected=2)
    assert len(files.sessions()) == 1
    result.stdout.fnmatch_lines(["--accept-regressions accepted nothing: no case regressed*--baseline-mode reseat*"])


def test_sessions_remember_their_circumstances(run, files):
    """A recorded session knows its machine, how the server came up, its workload, token method and canary answers."""
    run("--update-baselines", "-k", "plain")
    (made,) = files.sessions()
    assert made["provision"] == "url"
    assert {"kernel", "memory"} <= set(made["machine"])
    assert all(made[name] for name in ("workload_hash", "token_method", "server_args_hash", "canary", "requests"))


def test_ci_updates_only_where_the_mode_is_said(run, files, monkeypatch):
    """Under CI=true a run that says its mode may write."""
    monkeypatch.setenv("CI", "true")
    run("--update-baselines", "--baseline-mode=append", "-k", "plain").assert_outcomes(passed=2, deselected=2)
    assert len(files.sessions()) == 1


@pytest.mark.parametrize(
    ("ends", "arguments", "status"),
    [
        ("raise KeyboardInterrupt", (), pytest.ExitCode.INTERRUPTED),
        ("import pytest; pytest.exit('enough', returncode=0)", (), 0),
        ("import pytest; pytest.exit('enough', returncode=1)", (), 1),
        ("assert False", ("-x",), 1),
    ],
    ids=["ctrl-c", "exit-0", "exit-1", "x"],
)
def test_a_run_that_is_not_whole_is_not_recorded(run, files, document, ends, arguments, status):
    """Whatever ended it, and with whatever status: where a selected test has not ended, no baseline is touched."""
    source = f"""
from pytest_inferbench import Single
def test_one(bench):
    bench.run_sync(Single(requests=4, prompt_tokens=16, output_tokens=4)).check()
def test_two():
    {ends}
def test_three():
    pass
"""
    result = run("--update-baselines", *arguments, source=source)
    assert result.ret == (status or 1), "what was asked for and not done fails the run"
    left = 1 if arguments else 2
    result.stdout.fnmatch_lines([f"baselines not updated: the run was interrupted; {left} of its tests had not ended"])
    assert not files.jsonl.exists()
    assert document()["interrupted"] is True


def test_two_cells_of_one_key_end_the_run_before_it_begins(run, files):
    """Two versions of one model cannot both become its baseline: one message, and nothing is measured."""
    result = run("--update-baselines", "--backend-version=v1", "--backend-version=v2", "-k", "plain")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *plain* and *plain* are both plain of served on external: a baseline holds *"])
    assert not files.yaml.exists()
    selected = run("--update-baselines", "--backend-version=v1", "--backend-version=v2", "-k", "plain and v1")
    selected.assert_outcomes(passed=2, deselected=5)


def test_cases_that_were_not_selected_stay_to_the_letter(run, files):
    """An update of one case adds its line; people's file and every other line stay."""
    run("--update-baselines")
    files.tolerate()
    before = files.yaml.read_text(), files.jsonl.read_text()
    run("--update-baselines", "-k", "concurrency")
    assert files.yaml.read_text() == before[0]
    assert files.jsonl.read_text().startswith(before[1])
    (added,) = files.lines()[3:]
    assert added["case"] == "concurrency[c02]"


PRUNE = ("--update-baselines", "--baseline-mode=prune")


def test_prune_drops_what_no_suite_has_and_measures_nothing(run, files, server):
    """A case whose test is gone leaves its lines; a deselected one stays; no request is sent."""
    run("--update-baselines")
    source = "def test_plain(bench): ...\n\nasync def test_async(bench): ...\n"
    before = len(server.sent_log())
    refused = run(*PRUNE, source=source)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["ERROR: --baseline-mode prune: whose cases? name the model *, with --model"])
    result = run(*PRUNE, "--model=scripted", "-k", "plain", source=source)
    assert result.ret == pytest.ExitCode.OK
    assert len(server.sent_log()) == before
    result.stdout.fnmatch_lines(["concurrency[[]c02[]] on lab: dropped with 1 session: no suite has it"])
    assert [made["case"] for made in files.sessions()] == ["async", "plain"]
    result.stdout.fnmatch_lines(
        ["*external.yaml:*: no suite has concurrency[[]c02[]]; delete it there, the file is yours"]
    )
    text = files.yaml.read_text()
    files.yaml.write_text(text[: text.index("  concurrency")])
    again = run(*PRUNE, "--model=scripted", source=source)
    again.stdout.fnmatch_lines(["baselines not pruned: nothing in them is superfluous"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("test_suite.py",), "cases outside test_suite.py would be dropped; name the whole suite: */benchmarks"),
        (("--ignore=old", "."), "--ignore hides cases, which would be dropped; run it without"),
        (("-n", "1", "."), "-n hides cases, which would be dropped; run it without"),
    ],
)
def test_prune_needs_the_whole_suite(run, files, arguments, message):
    """Where cases may exist that the run does not see, nothing is dropped and the run says why."""
    run("--update-baselines", "-k", "plain")
    before = files.bytes()
    result = run(*PRUNE, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --baseline-mode prune: {message}"])
    assert files.bytes() == before


def test_prune_and_a_mistake_in_the_options(pytester):
    """The mistake is told as it is in any run."""
    pytester.makepyfile(test_it="def test_it(bench): ...")
    result = pytester.runpytest_subprocess(*PRUNE, "--model=nope", LAB)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *nope*"])


def test_prune_and_a_file_that_cannot_be_imported(run, files, pytester):
    """Its cases are out of sight: nothing is dropped, and pytest says what is wrong with the file."""
    run("--update-baselines", "-k", "plain")
    before = files.bytes()
    pytester.makepyfile(test_broken="import no_such_module")
    result = run(*PRUNE, "--model=scripted", source="def test_other(bench): ...")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*No module named 'no_such_module'*"])
    (pytester.path / "test_broken.py").unlink()
    empty = run(*PRUNE, "--model=scripted", source="def test_none(): ...")
    assert empty.ret != pytest.ExitCode.OK
    empty.stdout.fnmatch_lines(["baselines not pruned: no benchmark was collected, so all of them would go"])
    assert files.bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--baseline-mode=reseat",), "--baseline-mode reseat says how baselines are updated; add --update-baselines"),
        (("--accept-regressions",), "--accept-regressions says how baselines are updated; add --update-baselines"),
        (
            ("--update-baselines", "--baseline-mode=replace"),
            "--baseline-mode replace: unknown; use one of append, reseat, prune",
        ),
        (
            (*PRUNE, "--accept-regressions"),
            "--accept-regressions has nothing to accept with --baseline-mode prune; leave one of them out",
        ),
    ],
)
def test_options_that_do_not_go_together(pytester, arguments, message):
    """A mode without an update, an unknown one, and a contradiction each end the run with one line."""
    result = pytester.runpytest_subprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_a_broken_baseline_is_left_as_it_is(run, files):
    """A file from a newer schema is named with its line, nothing is measured, and nothing is written."""
    run("--update-baselines", "-k", "plain")
    files.yaml.write_text("schema: 2\n")
    before = files.bytes()
    result = run("--update-baselines", "-k", "plain")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*scripted--external.yaml:1: schema 2 is newer than 1, the newest read here; upgrade *"]
    )
    assert files.bytes() == before


OLDER = """\
# reviewed
schema: 1
model: scripted
backend: external
cases:
  plain:   # the only one
    policy: {margin: 0.9, resolve: 10.0}
    hardware:
      lab:
        accepted: {version: v7, sessions: 1, ttft_ms.p50: 30.0}
        noise: {date: 2026-01-02, version: v7, workload: w, pairs: 9, restart_sd: {ttft_ms.p50: 0.01}}
"""


def test_a_file_of_version_1_is_taken_over_once(run, files, pytester):
    """It is read with one warning; the next update leaves people's lines to the byte and says what it did, once."""
    files.yaml.parent.mkdir(parents=True)
    files.yaml.write_text(OLDER)
    told = "*scripted--external.yaml:10: OlderSpellingWarning: *`accepted:` and `noise:` are the program's*"
    read = run("-k", "plain", "-n", "1")
    read.assert_outcomes(passed=2, warnings=1)
    read.stdout.fnmatch_lines([told])
    assert files.yaml.read_text() == OLDER
    taken = "benchmarks/baselines/scripted--external.yaml: took `accepted:` and `noise:` out; *"
    run("--update-baselines", "-k", "plain").stdout.fnmatch_lines([taken])
    assert files.yaml.read_text() == OLDER[: OLDER.index("    hardware:")]
    assert [(line["kind"], line["date"][:10]) for line in files.lines()][1:] == [("noise", "2026-01-02")]
    again = run("--update-baselines", "-k", "plain")
    again.assert_outcomes(passed=2, deselected=2)
    again.stdout.no_fnmatch_line(taken)
    refused = run("-k", "plain", "-W", "error::pytest_inferbench.errors.OlderSpellingWarning")
    refused.assert_outcomes(passed=2, deselected=2)
    files.yaml.write_text(OLDER)
    refused = run("-k", "plain", "-W", "error::pytest_inferbench.errors.OlderSpellingWarning")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
