"""The picture of docs/architecture.md: `python scripts/floors_picture.py` draws its floors, each with its rooms."""

from __future__ import annotations

import ast
import re
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs/architecture.md", ROOT / "docs/images/floors.svg"
SRC = ROOT / "src/pytest_inferbench"
WIDTH, ROW, GAP, LEFT = 1200, 58, 8, 40
BOX = 'fill="#eef2f7" stroke="#b8c4d3"'


def floors(page: str) -> list[list[str]]:
    """The rooms of each floor, the highest floor first."""
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE)
    return [re.findall(r"`(\w+)`", rooms) for _, rooms in sorted(rows, key=lambda row: -int(row[0]))]


def caption(room: str) -> str:
    """What a room is: the first sentence of its file, without its name."""
    path = SRC / room / "__init__.py"
    text = ast.get_docstring(ast.parse((path if path.exists() else SRC / f"{room}.py").read_text())) or ""
    first = re.split(r"\.\s|\.$|\. Law", text.replace("\n", " "))[0]
    name, _, rest = first.partition(": ")
    return rest if rest and len(name.split()) <= 2 else first  # noqa: PLR2004 - a name of two words at most


def draw(page: str) -> str:
    """The picture of a page's floors."""
    rows = floors(page)
    height = len(rows) * (ROW + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for place, rooms in enumerate(rows):
        top = GAP + place * (ROW + GAP)
        parts.append(f'<text x="12" y="{top + ROW / 2 + 5:g}" font-size="14" fill="#667085">{len(rows) - place}</text>')
        wide = (WIDTH - LEFT - GAP * len(rooms)) / len(rooms)
        for number, room in enumerate(rooms):
            left = LEFT + number * (wide + GAP)
            letters = int(wide / 6.2)
            text = caption(room)
            text = text if len(text) <= letters else text[: letters - 1].rsplit(" ", 1)[0] + " …"
            parts += [
                f'<rect x="{left:g}" y="{top}" width="{wide:g}" height="{ROW}" rx="4" {BOX}/>',
                f'<text x="{left + 10:g}" y="{top + 23}" font-size="15" font-weight="600" fill="#182230">{room}</text>',
                f'<text x="{left + 10:g}" y="{top + 43}" font-size="11.5" fill="#475467">{escape(text)}</text>',
            ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def picture() -> str:
    """What docs/images/floors.svg is to be."""
    return draw(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
