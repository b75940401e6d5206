"""Every format a run can be written in: one line each.

Limits: a format is a pure function of the run document (and, for the page, of the request records beside it). Adding
one is a file and a line here, and an option of the same name in the table of options.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.report.bencher import to_bencher
from pytest_inferbench.report.csv_report import to_csv
from pytest_inferbench.report.github_action import to_github_action
from pytest_inferbench.report.html_report import to_html_page
from pytest_inferbench.report.json_report import to_text
from pytest_inferbench.report.junit import to_junit
from pytest_inferbench.report.markdown import to_markdown
from pytest_inferbench.report.openmetrics import to_openmetrics
from pytest_inferbench.report.sidecar import RecordsOf


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Attributes:
        name: as in `--bench-NAME` and `inferbench runs export --format NAME`.
        files: what each text is called in a folder; a format of one file is written to the path that is given, one of
            several into that folder.
        render: the texts, in the order of `files`.
    """

    name: str
    files: tuple[str, ...]
    render: Callable[[RunDocument, RecordsOf], tuple[str, ...]]


FORMATS: tuple[Format, ...] = (
    Format("json", ("run.json",), lambda document, _: (to_text(document),)),
    Format("csv", ("report.csv",), lambda document, _: (to_csv(document),)),
    Format("markdown", ("report.md",), lambda document, _: (to_markdown(document),)),
    Format("junit", ("junit.xml",), lambda document, _: (to_junit(document),)),
    Format("html", ("report.html",), lambda document, records_of: (to_html_page(document, records_of),)),
    Format("bencher", ("bencher.json",), lambda document, _: (to_bencher(document),)),
    Format(
        "github-action",
        ("smaller-is-better.json", "bigger-is-better.json"),
        lambda document, _: (to_github_action(document, "lower"), to_github_action(document, "higher")),
    ),
    Format("openmetrics", ("report.prom",), lambda document, _: (to_openmetrics(document),)),
)
