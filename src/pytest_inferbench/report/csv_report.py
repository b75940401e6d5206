"""The run as CSV (RFC 4180): one row for each figure of each case, for spreadsheets and data frames.

Limits: every figure that the document holds is a row, with all digits; a case without any has one row with those fields
empty. Text that a spreadsheet would take for a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.report.escape import visible

COLUMNS = (
    "run_id",
    "started",
    "interrupted",
    "case",
    "model",
    "backend",
    "version",
    "variant",
    "hardware",
    "verdict",
    "metric",
    "statistic",
    "unit",
    "direction",
    "n",
    "value",
)
_FORMULA = ("=", "+", "-", "@")


def to_csv(document: RunDocument) -> str:
    """The figures of the run; a fraction (unit "%") stays one."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(document))
    return out.getvalue()


def _rows(document: RunDocument) -> Iterator[list[Any]]:
    run = [document.run_id, document.started, str(document.interrupted).lower()]
    for case in document.cases:
        names = ("case", "model", "backend", "version", "variant", "hardware", "verdict")
        shared = [_text(text) for text in (*run, *(getattr(case, name) for name in names))]
        rows = [
            [
                metric,
                statistic,
                _text(summary.unit),
                summary.direction.value,
                "" if summary.n is None else summary.n,
                figure,
            ]
            for metric, summary in case.metrics.items()
            for statistic, figure in summary.statistics().items()
        ]
        yield from ([*shared, *row] for row in rows or [[""] * (len(COLUMNS) - len(shared))])


def _text(words: str) -> str:
    shown = visible(words)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
