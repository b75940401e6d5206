"""HTML elements, built as a tree so that text can never become markup.

Limits: escaping is the serialiser's (`xml.etree`), never ours; every text passes through `visible` first, so that
nothing from outside reorders or breaks a line. Only `script` and `style` hold raw text, and only this package's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from pytest_inferbench.report.escape import visible

Child = Element | str | None


def element(tag: str, *children: Child, **attributes: str | None) -> Element:
    """An element; a None child or attribute is left out, `class_` is `class` and `data_x` is `data-x`."""
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            made.set(name.rstrip("_").replace("_", "-"), visible(value))
    add(made, children)
    return made


def add(parent: Element, children: Iterable[Child]) -> None:
    """Append children and text in order."""
    for child in children:
        if isinstance(child, str):
            text = visible(child)
            if len(parent):
                parent[-1].tail = (parent[-1].tail or "") + text
            else:
                parent.text = (parent.text or "") + text
        elif child is not None:
            parent.append(child)


def raw(tag: str, content: str, **attributes: str) -> Element:
    """A `script` or `style` of this package."""
    made = Element(tag, attributes)
    made.text = content
    return made


def to_html(root: Element) -> str:
    """The page's text."""
    return "<!doctype html>\n" + tostring(root, encoding="unicode", method="html") + "\n"


def table(heads: Iterable[str], rows: Iterable[Iterable[Child]], *, figures: Iterable[bool]) -> Element:
    """A table that scrolls sideways in a frame of its own; columns marked in `figures` stand right."""
    kinds = ["figure" if figure else None for figure in figures]
    head = [element("th", text, scope="col", class_=kind) for text, kind in zip(heads, kinds, strict=True)]
    body = []
    for row in rows:
        first, *rest = row
        cells = [element("th", first, scope="row", class_=kinds[0])]
        cells += [element("td", cell, class_=kind) for cell, kind in zip(rest, kinds[1:], strict=True)]
        body.append(element("tr", *cells))
    inner = element("table", element("thead", element("tr", *head)), element("tbody", *body))
    return element("div", inner, class_="wide", tabindex="0", role="region")
