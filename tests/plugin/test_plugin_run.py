"""A benchmark run as a user sees it, against a server whose timing is scripted."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import jsonschema
import pytest

from pytest_inferbench.document.json_schema import run_schema


def test_async_and_plain_tests_both_measure(suite, server, document):
    """`async def` and `def` benchmarks run without any loop setting and write one valid document."""
    result = suite("--server-url", server.url)
    result.assert_outcomes(passed=6)
    run = document()
    jsonschema.validate(run, run_schema())
    assert [case["case"] for case in run["cases"]] == ["async", "plain", "concurrency[c02]"]
    case = run["cases"][0]
    assert case["metrics"]["ttft_ms"]["n"] == 8
    assert case["metrics"]["ttft_ms"]["p50"] >= 30
    assert case["metrics"]["generated_tokens"]["value"] == 32
    assert len(case["rounds"]) == 2


def test_ids_name_backend_version_model_and_case(suite, server):
    """Ids read backend, version, model, case, and `-k` selects by them."""
    result = suite("--server-url", server.url, "--collect-only", "-q", "-k", "external and c02")
    result.stdout.fnmatch_lines(["test_suite.py::test_concurrency[[]external-running-served-c02[]]"])
    result.stdout.no_fnmatch_line("*test_async*")


def test_the_summary_names_the_report(suite, server):
    """The terminal ends with the table and where the report is."""
    result = suite("--server-url", server.url)
    result.stdout.fnmatch_lines(["*= inferbench =*", "*3 new*", "report: perf/*/run.json"])


def test_junit_carries_the_figures(suite, server, pytester):
    """`--junitxml` has the metrics as properties of each test case."""
    suite("--server-url", server.url, "--junitxml=out.xml")
    tree = ET.parse(pytester.path / "out.xml").getroot()  # noqa: S314 - our own file
    names = {node.get("name") for node in tree.iter("property")}
    assert {"ttft_ms.p50", "output_tok_per_s", "verdict"} <= names


def test_a_budget_that_is_not_kept_fails_that_test_alone(suite, server, pytester):
    """A tight budget fails one test with metric, value and limit, everywhere; loose, it passes."""
    folder = pytester.mkdir("benchmarks") / "baselines"
    folder.mkdir()
    path = folder / "scripted--external.yaml"
    text = "schema: 1\nmodel: scripted\nbackend: external\ncases:\n  async:\n    budgets: {ttft_ms.p50: {max: %s}}\n"
    path.write_text(text % 5)
    result = suite("--server-url", server.url, "--junitxml=out.xml")
    result.assert_outcomes(passed=5, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["OVER BUDGET: async of *", "*ttft_ms.p50*max 5 ms*benchmarks/baselines/scripted--external.yaml:6"]
    )
    failure = next(ET.parse(pytester.path / "out.xml").getroot().iter("failure"))  # noqa: S314
    assert "ttft_ms.p50" in (failure.get("message") or "") + (failure.text or "")
    path.write_text(text % 500)
    assert suite("--server-url", server.url).ret == pytest.ExitCode.OK


def test_last_failed_measures_again_what_is_to_be_judged(suite, server):
    """`--lf` after a regression item failed runs its test with it: a verdict without a measurement would be none."""
    first = suite("--server-url", server.url, "-k", "plain", "--require-baseline")
    first.assert_outcomes(passed=1, failed=1, deselected=2)
    suite("--server-url", server.url, "-k", "plain", "--require-baseline", "--lf").assert_outcomes(
        passed=1, failed=1, deselected=2
    )


def test_an_invalid_measurement_is_an_error(suite, server, document):
    """Failed requests make the case INVALID: a pytest error that names the finding, not a failure."""
    source = """
from pytest_inferbench import Single
async def test_bad(bench):
    (await bench.run(Single(requests=4, prompt_tokens=16, output_tokens=4), min_requests=1000)).check()
"""
    result = suite("--server-url", server.url, source=source)
    result.assert_outcomes(errors=1, skipped=1)
    result.stdout.fnmatch_lines(["*bad is INVALID*", "*min_requests*1000*"])
    assert document()["cases"][0]["verdict"] == "invalid"


def test_update_baselines_records_the_session(suite, server, pytester):
    """`--update-baselines` writes both files; a second run appends one line and leaves people's file alone."""
    suite("--server-url", server.url, "--update-baselines", "--hardware=lab").assert_outcomes(passed=6)
    path = pytester.path / "benchmarks/baselines/scripted--external.yaml"
    sessions = pytester.path / "benchmarks/baselines/scripted--external/lab.jsonl"
    wide = "    policy: {margin: 0.9, resolve: 10.0}\n    hardware:"  # however busy the machine is
    first = path.read_text().replace("    hardware:", wide)
    assert len(sessions.read_text().splitlines()) == 3
    path.write_text("# ours\n" + first)
    again = suite("--server-url", server.url, "--update-baselines", "--hardware=lab", "-k", "plain")
    assert again.ret == 0  # on a busy machine it may be INCONCLUSIVE, which is a skip
    assert len(sessions.read_text().splitlines()) == 4
    assert path.read_text() == "# ours\n" + first


def test_updating_is_refused_in_ci(suite, server, monkeypatch, pytester):
    """Under CI=true a run that would record and doesn't say how ends before it measures."""
    monkeypatch.setenv("CI", "true")
    result = suite("--server-url", server.url, "--update-baselines", "-k", "plain")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --update-baselines with CI=true: *; add --baseline-mode append where *"])
    assert not (pytester.path / "perf").exists()


def test_a_url_that_nothing_answers_is_one_clear_error(suite):
    """An address without a server is an error within the timeout that names the address."""
    result = suite("--server-url", "http://127.0.0.1:9", "--server-timeout=2")
    result.assert_outcomes(errors=3, skipped=3)
    result.stdout.fnmatch_lines(["*127.0.0.1:9*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert result.duration < 60


def test_with_xdist_the_controller_writes_one_document(suite, server, document):
    """What an xdist worker measures reaches the controller's one document."""
    result = suite("--server-url", server.url, "-n", "1")
    result.assert_outcomes(passed=6)
    assert {case["case"] for case in document()["cases"]} == {"async", "plain", "concurrency[c02]"}


def test_backend_gives_a_client_and_the_served_model(suite, server):
    """`backend` shows url and model, and its client talks to the server."""
    source = """
async def test_backend(backend):
    reply = await backend.client.get("/v1/models")
    assert reply.json()["data"][0]["id"] == backend.model
    assert backend.url.startswith("http://127.0.0.1")

def test_logs(backend):
    assert backend.logs() == ""
"""
    suite("--server-url", server.url, source=source).assert_outcomes(passed=2)
