"""The pages as a reader walks them: no link leads nowhere, and the README stays a page that is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WORDS = 600


def anchors(page: Path) -> set[str]:
    """What a link can name on a page: its headings, as Git hosts spell them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    """Each relative link names a file of the repository, and a heading that is on it."""
    links = re.findall(r"\]\(([^)#:\s]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8"))
    for name, anchor in links:
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name} links to {name}"
        assert not anchor or target.suffix != ".md" or anchor in anchors(target), (
            f"{page.name} links to {name}#{anchor}"
        )


def test_the_readme_is_short():
    """Six hundred words at most: the rest is in docs."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= WORDS
