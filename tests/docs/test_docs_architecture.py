"""docs/architecture.md: its picture is drawn from it, and every file that it names is there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
SRC = ROOT / "src/pytest_inferbench"


def test_the_picture_shows_the_floors() -> None:
    """As the script draws them from the page and the rooms' own words."""
    script = runpy.run_path(str(ROOT / "scripts/floors_picture.py"))
    drawn = (ROOT / "docs/images/floors.svg").read_text(encoding="utf-8")
    assert drawn == script["picture"](), "run python scripts/floors_picture.py"


def test_every_file_that_it_names_is_there() -> None:
    """Walks and tables lead somewhere; NAME stands for what is added."""
    named = re.findall(r"`((?:[\w-]+/)+[\w-]*(?:\.py)?)`", PAGE)
    assert len(named) > 30
    missing = [each for each in named if "NAME" not in each and not ((SRC / each).exists() or (ROOT / each).exists())]
    assert missing == []
