"""A test that is run again: its last attempt is what is reported, judged and recorded."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from made.cases import case
from plugin.owned import OwnedServer
from pytest_inferbench.archive.book import Book
from pytest_inferbench.archive.reported import Reported
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.run import Error

SUITE = """
import pytest
from ruamel.yaml import YAML

from pytest_inferbench import Budget, Concurrency, Single

SHORT = dict(requests=4, prompt_tokens=16, output_tokens=4)
attempts = {}

@pytest.fixture
def attempt(request):
    attempts[request.node.name] = attempts.get(request.node.name, 0) + 1
    return attempts[request.node.name]

async def test_budget(bench, attempt):
    budgets = [Budget("ttft_ms.p50", "max", 1 if attempt < 3 else 100000)]
    (await bench.run(Single(**SHORT), budgets=budgets)).check()

async def test_fewer(bench, attempt):
    await bench.run(Single(**SHORT))
    if attempt == 1:
        await bench.run(Single(**SHORT))
        await bench.run(Single(**SHORT))
        raise AssertionError
    await bench.run(Concurrency(streams=2, **SHORT))

async def test_invalid(bench, attempt):
    (await bench.run(Single(**SHORT), min_requests=1000 if attempt == 1 else 1)).check()

def test_never(bench):
    bench.run_sync(Single(**SHORT), budgets=[Budget("ttft_ms.p50", "max", 1)]).check()
"""
NAMES = ["budget", "fewer", "fewer#2", "invalid", "never"]
RERUNS = ("-p", "pytest_rerunfailures", "--reruns", "2")


@pytest.mark.parametrize("arguments", [(), ("-n1",)], ids=["alone", "xdist"])
def test_the_last_attempt_counts(suite, server, pytester, document, arguments):
    """Each case stands once in document, table and JUnit file, with the verdict of its last attempt."""
    result = suite(
        *("--server-url", server.url, "--bench-rounds=1", "--junitxml=out.xml", *RERUNS, *arguments), source=SUITE
    )
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"], outcomes["rerun"]) == (7, 1, 6)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    run = document()
    assert {case["case"]: case["verdict"] for case in run["cases"]} == {
        **dict.fromkeys(NAMES, "new"),
        "never": "over_budget",
    }
    assert len(run["cases"]) == len(NAMES)
    assert (run["skipped"], run["errors"]) == ([], [])
    lines = [line for line in result.outlines if line.startswith(("budget ", "never "))]
    assert len(lines) == 2
    cases = ET.parse(pytester.path / "out.xml").getroot().iter("testcase")  # noqa: S314 - our own file
    budget = next(case for case in cases if case.get("name", "").startswith("test_budget["))
    names = [one.get("name") for one in budget.iter("property")]
    assert len(set(names)) == len(names)
    assert "ttft_ms.p50" in names


def test_the_attempt_that_passes_is_accepted(suite, server, pytester):
    """Baselines take a case whose first attempts failed, and pytest's exit status stands."""
    source = SUITE[: SUITE.index("def test_never")]
    result = suite("--server-url", server.url, "--bench-rounds=1", "--update-baselines", *RERUNS, source=source)
    assert result.ret == pytest.ExitCode.OK
    text = (pytester.path / "benchmarks/baselines/scripted--external.yaml").read_text()
    assert list(YAML(typ="safe").load(text)["cases"]) == NAMES[:-1]


def test_a_server_is_not_started_again(tmp_path):
    """Attempts are made on the server that runs, and a regression item that is run again measures nothing."""
    owned = OwnedServer(tmp_path / "suite")
    (owned.folder / "test_suite.py").write_text(SUITE[: SUITE.index("async def test_fewer")])
    ran = owned.run(*RERUNS, "--require-baseline")
    assert owned.starts == 1
    assert ran.verdicts == {"budget": "new"}
    assert ran.outcomes == {
        "test_budget[llama-installed-scripted]": "passed",
        "test_budget::regression[llama-installed-scripted]": "failed",
    }


def test_a_crash_is_told_once_and_not_repeated(suite, server, document):
    """A benchmark that takes its worker down is an error also under --reruns; other tests are run."""
    source = "import os\ndef test_dies(bench):\n    os._exit(9)\ndef test_plain():\n    pass\n"
    result = suite("--server-url", server.url, "-n1", *RERUNS, source=source)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(document()["errors"]) == 2
    assert "INTERNALERROR" not in result.stdout.str()
    assert result.parseoutcomes()["passed"] == 1


def reported(nodeid: str, name: str, figure: float) -> CaseResult:
    return case(name, id=nodeid, rounds=({"ttft_ms.p50": figure},))


def test_a_book_holds_each_case_once():
    """A later attempt replaces all that an earlier one reported; two reports of one attempt replace each other."""
    book = Book("now", None)
    book.take("a", Reported((reported("a", "one", 1), reported("a", "one#2", 1))))
    book.take("b", Reported((reported("b", "two", 1),)))
    book.errors.append(Error("a", "went wrong"))
    book.take("a", Reported())
    assert [each.case for each in book.cases] == ["one", "one#2", "two"]
    book.take("a", Reported((reported("a", "one", 2),), attempt=2))
    book.take("b", Reported((reported("b", "two", 3),)))  # another process has run it, too
    assert [(each.case, each.rounds[0]["ttft_ms.p50"]) for each in book.cases] == [("two", 3), ("one", 2)]
    assert book.errors == []
