"""Documents that earlier versions of the package left: they are read as they are, and every report is made of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_inferbench.document.codec import read_document, to_json
from pytest_inferbench.report.formats import FORMATS
from pytest_inferbench.report.terminal import render_summary

FIRST = Path(__file__).parent.parent / "golden/document/first_version.json"
"""A run of the first version: a history, an A/A comparison, and a case with tags."""


@pytest.fixture(scope="module")
def first():
    return read_document(FIRST.read_text(), "run.json")


def test_what_an_older_document_says_is_kept(first) -> None:
    """Written again it says what it said, and only of an A/A run's share how many gates it rests on: its own alone."""
    written, again = json.loads(FIRST.read_text()), to_json(first)
    sites = [check["comparison"]["site"] for check in again["cases"][1]["checks"] if "comparison" in check]
    assert [site["shared"].pop("gates") for site in sites] == [1, 1, 1]
    assert again == written


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_every_report_is_made_of_an_older_document(first, form) -> None:
    """What it lacks is left out, and stops no report."""
    assert all(form.render(first, lambda _: None))


def test_the_summary_of_an_older_document_counts_its_findings(first) -> None:
    """The counts of the headline are made of the cases where the document has none."""
    assert first.findings is None
    assert render_summary(first, 100, colour=False).startswith("1 improved, 1 inconclusive, 1 new, 1 skipped")
