"""The run as one HTML page that needs nothing else: verdict first, then the table, the sweeps and each case.

Limits: works from a disk without a network (a policy in the page forbids it one), without scripts except for the plots,
in dark and light, with a keyboard and on a phone. Text is the document's, shown as the characters it is made of.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from xml.etree.ElementTree import Element

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.codec import to_json
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.report import wording
from pytest_inferbench.report.columns import whole_table
from pytest_inferbench.report.element import Child, element, raw, table, to_html
from pytest_inferbench.report.escape import GLUE
from pytest_inferbench.report.explain import explanations
from pytest_inferbench.report.headline import failing, headline
from pytest_inferbench.report.html_case import case_section, nested_list
from pytest_inferbench.report.naming import common
from pytest_inferbench.report.plots import case_plots, detail_for, sweeps
from pytest_inferbench.report.sidecar import RecordsOf
from pytest_inferbench.stats.verdict import Verdict

TONES = {wording.BAD: "bad", wording.UNDECIDED: "open", wording.GOOD: "good", wording.QUIET: "quiet"}


def to_html_page(document: RunDocument, records_of: RecordsOf) -> str:
    """The page.

    Args:
        document: the run document.
        records_of: the request records of a case; a case without them has its figures but not their distributions.
    """
    scripts = [asset("uplot.js"), asset("page.js")]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", **{"http-equiv": "Content-Security-Policy"}, content=_policy(scripts)),
        element("title", f"{_words(document)} · {document.run_id}"),
        raw("style", asset("uplot.css") + asset("page.css")),
    )
    body = element("body", *_body(document, records_of), *(raw("script", script) for script in scripts))
    return to_html(element("html", head, body, lang="en"))


@cache
def asset(name: str) -> str:
    """A file of the page's own, from the package."""
    return files("pytest_inferbench.report").joinpath("assets", name).read_text(encoding="utf-8")


def _policy(scripts: list[str]) -> str:
    """Nothing is fetched, and no script runs but ours: these, by their hash."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src {allowed}; base-uri 'none'; form-action 'none'"


def _body(document: RunDocument, records_of: RecordsOf) -> Iterator[Element]:
    cases = document.cases
    yield element("a", "To the cases", href="#cases", class_="skip")
    yield _header(document)
    yield element(
        "main",
        *_notes(document),
        *_overview(cases, failing(document)),
        *_sweeps(cases),
        *_cases(document, records_of),
        *_about(document),
    )


def _words(document: RunDocument) -> str:
    return ", ".join(text for text, _ in headline(document))


def _header(document: RunDocument) -> Element:
    parts = [element("span", text, class_=f"count {TONES[style]}") for text, style in headline(document)]
    about = [common(document.cases)] if document.cases else []
    times = [f"run {document.run_id}", f"started {document.started}"]
    times += [f"finished {document.finished}"] if document.finished is not None else ["not finished"]
    if document.invocations is not None:
        times.append(f"in {len(document.invocations)} invocations")
    banner = None
    if document.interrupted:
        banner = element(
            "p", "This run was interrupted: cases are missing, and nothing here speaks for them.", class_="banner bad"
        )
    return element(
        "header",
        element("h1", *parts),
        banner,
        element("p", *about),
        element("p", " · ".join(times), class_="quiet"),
        element("button", "Dark or light", id="theme", type="button", hidden="hidden"),
    )


def _notes(document: RunDocument) -> Iterator[Element]:
    entries = explanations(document)
    if not entries:
        return
    items = [
        element("li", element("strong", entry.label, class_=TONES[entry.style]), " ", entry.text.replace(GLUE, " "))
        for entry in entries
    ]
    yield element("section", element("h2", "What to know"), element("ul", *items, class_="notes"))


def _overview(cases: Sequence[CaseResult], strict: frozenset[Verdict]) -> Iterator[Element]:
    if not cases:
        return
    heads, texts = whole_table(cases, strict)
    rows: list[list[Child]] = []
    for index, (case, (name, *figures, verdict)) in enumerate(zip(cases, texts, strict=True)):
        link = element("a", name, href=f"#case-{index}", class_="name")
        tone = TONES[wording.style(case.verdict, strict)]
        rows.append([link, element("span", verdict, class_=f"verdict {tone}"), *figures])
    heads = [heads[0], heads[-1], *heads[1:-1]]  # a phone has room for the case and its verdict
    drawn = table([head.text for head in heads], rows, figures=[head.figure for head in heads])
    yield element("section", element("h2", "Cases at a glance"), drawn, id="overview")


def _sweeps(cases: Sequence[CaseResult]) -> Iterator[Element]:
    found = sweeps(cases)
    if not found:
        return
    frames = []
    for sweep in found:
        name = f"{sweep['test']}: throughput against time to first token"
        frames.append(element("figure", element("figcaption", name), element("div", class_="plot", data_kind="sweep")))
    data = raw("script", _json(found), type="application/json", id="sweeps")
    yield element("section", element("h2", "Throughput against latency"), *frames, data, id="sweep-plots")


def _cases(document: RunDocument, records_of: RecordsOf) -> Iterator[Element]:
    cases = document.cases
    if not cases:
        return
    detail, strict = detail_for(len(cases)), failing(document)
    search = element(
        "input", type="search", id="filter", placeholder="Show cases whose name contains …", aria_label="Filter cases"
    )
    bad = element("label", element("input", type="checkbox", id="failing"), " only what failed")
    sections = []
    for index, case in enumerate(cases):
        plots = case_plots(case, records_of(case), detail)
        verdict = case.verdict
        word, tone = wording.word(verdict, strict), TONES[wording.style(verdict, strict)]
        sections.append(case_section(case, index, (word, tone), plots))
        if plots:
            sections.append(raw("script", _json(plots), type="application/json", id=f"plots-{index}"))
    bar = element("p", search, " ", bad, " ", element("span", id="shown", role="status"), class_="bar", hidden="hidden")
    yield element("section", element("h2", "Cases"), bar, *sections, id="cases")


def _about(document: RunDocument) -> Iterator[Element]:
    rows = [[setting.name, str(setting.value), setting.source] for setting in document.settings]
    settings = table(["option", "value", "from"], rows, figures=[False] * 3)
    yield element(
        "section",
        element("h2", "This run"),
        element("details", element("summary", "Environment"), nested_list(to_json(document.environment))),
        element("details", element("summary", "Settings"), settings),
        _list_section("Skipped", "reason", [(each.id, each.reason) for each in document.skipped]),
        _list_section("Errors", "message", [(each.id, each.message) for each in document.errors]),
    )


def _list_section(title: str, what: str, entries: Sequence[tuple[str, str]]) -> Element | None:
    if not entries:
        return None
    rows: list[list[Child]] = [[test, element("span", said, class_="pre")] for test, said in entries]
    return element(
        "details", element("summary", f"{title} ({len(rows)})"), table(["test", what], rows, figures=[False] * 2)
    )


def _json(value: object) -> str:
    """JSON that no HTML parser takes for an end of its script element."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
