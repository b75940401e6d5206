"""`inferbench runs list` over a folder of 1,000 runs, beside 100."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from made.cases import case, document, metrics
from pytest_inferbench.report.json_report import to_text

from .row import Row
from .timing import shortest

RUNS = (100, 1000)
_MOST_S = 1.0
_CASES, _TAGS = 4, 16


def rows() -> Iterator[Row]:
    """Both folders in turn."""
    with tempfile.TemporaryDirectory() as root:
        folders = [Path(root, str(count)) for count in RUNS]
        for folder, count in zip(folders, RUNS, strict=True):
            _make(folder, count)
        listing = (str(Path(sys.executable).with_name("inferbench")), "runs", "list", "--bench-results")
        took = shortest([(*listing, str(folder)) for folder in folders], Path(root))
    what = f"inferbench runs list, {RUNS[0]} and {RUNS[1]:,} runs"
    yield Row(what, "wall time, s", *(each.wall for each in took), _MOST_S)
    yield Row(what, "processor time, s", *(each.cpu for each in took))


def _make(folder: Path, count: int) -> None:
    """Runs as a nightly job leaves them: one of a real server has some 20 kB a case, most of it figures."""
    tags = {f"turn{number}": metrics(40.0 + number / 7, 6.0 + number / 9, 164.2, 1.2, 240) for number in range(_TAGS)}
    cases = tuple(case(f"concurrency[c{8 * number:02d}]", by_tag=tags) for number in range(1, _CASES + 1))
    text = to_text(document(cases, run_id="RUN"))
    for number in range(count):
        run = folder / f"20260101-{number:06d}-9fe8"
        run.mkdir(parents=True)
        (run / "run.json").write_text(text.replace('"RUN"', f'"{run.name}"'), encoding="utf-8")
