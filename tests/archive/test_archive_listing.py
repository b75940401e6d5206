"""What a list reads of a run is what the whole document says."""

from __future__ import annotations

import json
import sys
from subprocess import run

import pytest

from made.cases import budget, case, document
from pytest_inferbench.archive.listing import read_listed
from pytest_inferbench.archive.runs import read_run
from pytest_inferbench.document.run import Error, Setting, Skipped
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.report.headline import headline
from pytest_inferbench.report.json_report import to_text
from pytest_inferbench.report.naming import common
from pytest_inferbench.stats.verdict import Verdict

WHOLE = document(
    (
        case("single"),
        case("rate[r4]", Verdict.OVER_BUDGET, checks=(budget("ttft_ms.p50", 1.0, "max 0.5", "ms", 3, over=True),)),
        case("single", backend="sglang", variant="chunked"),
    ),
    settings=[Setting("require-baseline", value=True, source="an option")],
    skipped=[Skipped("t.py::a", "no GPU")],
    errors=[Error("t.py::b", "died")],
    interrupted=True,
)


@pytest.fixture
def path(tmp_path):
    """A run's file."""
    file = tmp_path / "run.json"
    file.write_text(to_text(WHOLE))
    return file


def test_a_list_shows_what_the_whole_document_would(path):
    """Counts, what an option makes of them, what was left out, and what all cases have in common."""
    listed = read_listed(path)
    assert listed is not WHOLE
    assert headline(listed) == headline(WHOLE) == headline(read_run(path).document)
    assert (listed.run_id, common(listed.cases)) == (WHOLE.run_id, common(WHOLE.cases))


def test_what_is_not_listed_is_not_read(path):
    """Damage elsewhere is `show`'s to say."""
    data = json.loads(path.read_text())
    data["cases"][0]["metrics"] = 7
    path.write_text(json.dumps(data))
    assert read_listed(path).run_id == WHOLE.run_id
    with pytest.raises(InferbenchError, match=r"cases\[0\].metrics is 7"):
        read_run(path)


@pytest.mark.parametrize("field", ["run_id", "schema", "cases"])
def test_what_is_listed_and_wrong_is_named(path, field):
    """The whole document's own words."""
    data = json.loads(path.read_text())
    data[field] = 99
    path.write_text(json.dumps(data))
    with pytest.raises(InferbenchError, match=r"run\.json"):
        read_listed(path)


def test_half_a_character_is_no_damage(path):
    """As in the whole document, where it is a `?`."""
    path.write_text(path.read_text().replace('"qwen3-8b"', '"qwen\\ud800"'))
    assert "qwen?" in common(read_listed(path).cases)


def test_a_list_waits_for_no_statistics():
    """What a list imports has no numpy, no scipy and none of the document's other types."""
    heavy = ["numpy", "scipy", "httpx", "pytest_inferbench.document.run"]
    code = (
        "import sys, pytest_inferbench.archive.listing, pytest_inferbench.cli.table;"
        "import pytest_inferbench.report.headline, pytest_inferbench.report.naming;"
        f"print([each for each in {heavy} if each in sys.modules])"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
