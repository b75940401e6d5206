"""The HTML page as text: what it says, and that nothing of a run becomes markup."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from made.cases import case, document, summary
from pytest_inferbench.document.observed import Series
from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.html_report import asset, to_html_page
from pytest_inferbench.stats.verdict import Verdict
from report.page_cases import WHOLE, whole_case, whole_records, with_server_series
from report.report_cases import HOSTILE, OVER, RUNS, WITHIN
from report.report_strategies import case_results

_ANY = settings(deadline=None, derandomize=True, max_examples=40)
_TAGS = frozenset(
    (
        "html",
        "head",
        "meta",
        "title",
        "style",
        "script",
        "body",
        "header",
        "main",
        "section",
        "div",
        "span",
        "p",
        "a",
        "h1",
        "h2",
        "ul",
        "li",
        "dl",
        "dt",
        "dd",
        "strong",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "figure",
        "figcaption",
        "details",
        "summary",
        "button",
        "input",
        "label",
    )
)


class Page(HTMLParser):
    """What a parser finds: the tags, the text outside of scripts and styles, and the data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.data: dict[str, object] = {}
        self._raw: str | None = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._raw = (dict(attrs).get("id") or "") if tag in {"script", "style"} else None

    def handle_endtag(self, tag):
        self._raw = None

    def handle_data(self, data):
        if self._raw is None:
            self.text += data
        elif self._raw:
            self.data[self._raw] = json.loads(data)


def without_assets(text: str) -> str:
    """The page without the style and the two scripts, one element a line."""
    own = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", text, flags=re.DOTALL)
    own = re.sub(r"'sha256-[^']+'", "'sha256-…'", own)
    return re.sub(r"(?=<(?:section|details|tr|figure|li|dt|p|h1|h2|script)\b)", "\n", own)


def page_of(run, records_of=lambda _: None) -> Page:
    return Page(to_html_page(run, records_of))


def test_page_looks_as_agreed(golden) -> None:
    """The elements of a run with every outcome are those of the golden file."""
    golden("every_outcome.html.txt", without_assets(to_html_page(RUNS["every_outcome"], lambda _: None)))


@_ANY
@given(results=st.lists(case_results, max_size=3).map(tuple))
def test_nothing_of_any_run_becomes_markup(results) -> None:
    """Whatever a run holds, the page has our elements alone, two scripts of ours, and a section for each case."""
    page = page_of(document(results))
    assert {tag for tag, _ in page.tags} <= _TAGS
    assert sum(tag == "script" and "type" not in attributes for tag, attributes in page.tags) == 2
    assert sum("case" in (attributes.get("class") or "").split() for _, attributes in page.tags) == len(results)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_the_greatest_float_is_drawn() -> None:
    """Rounded to the digits of a plot it would be infinite, which JSON has not."""
    greatest = {
        "ttft_ms": summary("ms", p50=sys.float_info.max),
        "output_tok_per_s": summary("tok/s", "higher", value=1.0),
    }
    cases = tuple(case(f"sweep[{name}]", Verdict.OK, metrics=greatest) for name in "ab")
    assert page_of(document(cases)).data["sweeps"]


def test_hostile_names_are_shown_whole() -> None:
    """A name of 500 characters with markup and control characters is in the text, character for character."""
    name = HOSTILE + "<script>alert(1)</script> \" ' & <!-- ]]>"
    page = page_of(document((case(name, Verdict.OK, model=name),)))
    assert page.text.count(visible(name)) >= 2
    assert "alert" not in "".join(str(attributes) for _, attributes in page.tags)


def test_data_cannot_end_its_script() -> None:
    """A label that holds `</script>` stays inside the data of the plots."""
    name = "sweep[</script><script>alert(1)</script>]"
    page = page_of(document((case(name, Verdict.OK), case("sweep[b]", Verdict.OK))))
    labels = [point["label"] for line in page.data["sweeps"][0]["lines"] for point in line["points"]]
    assert labels == ["</script><script>alert(1)</script>", "b"]


def test_the_verdict_is_the_heading_and_the_title() -> None:
    """What a person sees first, in the page and in the browser's tab, is how it went."""
    text = to_html_page(document((WITHIN, OVER)), lambda _: None)
    assert "<title>1 within budget, 1 OVER BUDGET · 20250301-120000-abcd</title>" in text
    assert (
        '<h1><span class="count good">1 within budget</span><span class="count bad">1 OVER BUDGET</span></h1>' in text
    )


def test_an_interrupted_run_says_so() -> None:
    """A banner says that cases are missing."""
    page = page_of(document((WITHIN,), interrupted=True, finished=None))
    assert "INTERRUPTED before the last case" in page.text
    assert "This run was interrupted: cases are missing" in page.text
    assert "not finished" in page.text


def test_each_case_has_the_plots_its_data_allows() -> None:
    """A case with records, series and changes has all plots; one without has none, and says its figures."""
    page = page_of(WHOLE, whole_records)
    assert set(page.data) == {"sweeps", "plots-0", "plots-1", "plots-2", "plots-3"}
    assert set(page.data["plots-3"]) == {"ecdf", "timeline", "tokens", "series", "changes", "history"}
    assert "64 of 64 requests are drawn." in page.text


def test_a_plot_of_the_server_is_named_by_what_it_shows() -> None:
    """The lines and the whole are named; what is 0 in samples between rounds is not taken for an idle server."""
    case_ = whole_case(8)
    seen = case_.server.observed.series
    idle = replace(seen.lines["waiting"], values=(0.0,) * len(seen.at_s))
    between = Series(tuple(0.6 + at / 10 for at in seen.at_s), {**seen.lines, "waiting": idle})
    text = page_of(document((with_server_series(case_, between),))).text
    for words in ("Server: running", "Server: kv cache", "GPU 0, NVIDIA H200: power"):
        assert words in text
    unseen = "Server: waiting not drawn, 0 in all samples, none of which was taken while requests ran."
    assert unseen in text


def test_the_judged_figures_have_what_was_judged_by() -> None:
    """Baseline, change, interval and margin, each in a column of its own; a column that says nothing is left out."""
    page = to_html_page(document((whole_case(8),)), lambda _: None).partition('class="judged"')[2]
    judged = page.partition("</table>")[0]
    heads = re.findall(r'scope="col"[^>]*>([^<]*)', judged)
    assert heads == ["judged", "verdict", "now", "against", "change", "interval", "margin", "from"]
    row = re.findall(r"<td[^>]*>(?:<[^>]*>)?([^<]*)", judged)[:7]
    assert row[:-1] == ["REGRESSED", "75.2 ms", "was 66.0 ms", "+14.0 %", "+10.0 to +18.0 %", "5 %"]


def test_the_policy_allows_our_scripts_alone() -> None:
    """The page's own policy names the hash of each script and forbids everything else."""
    page = page_of(RUNS["all_well"])
    (policy,) = (attributes["content"] for _, attributes in page.tags if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    assert policy.count("sha256-") == 2


def test_the_plot_library_keeps_its_licence() -> None:
    """UPlot's notice travels with it."""
    assert "MIT License" in asset("uplot.LICENSE")
    assert "uPlot (v1" in asset("uplot.js")
