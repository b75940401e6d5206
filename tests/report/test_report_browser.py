"""The HTML page in a real browser: opened from disk, without a network, clicked through."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from made.cases import document
from pytest_inferbench.report.html_report import to_html_page
from report.page_cases import WHOLE, many, records, whole_case, whole_records

pytestmark = pytest.mark.e2e
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PHONE = {"width": 360, "height": 740}
_MB = 1_000_000
# What is written on a canvas has no element: each text is kept with the place it starts and ends at.
_WRITTEN = """
window.written = new Map();
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  const { a, e } = this.getTransform(), wide = this.measureText(text).width;
  const left = a * x + e - { left: 0, start: 0, center: wide / 2, right: wide, end: wide }[this.textAlign];
  if (!written.has(this.canvas)) written.set(this.canvas, []);
  written.get(this.canvas).push({ text: String(text), level: Math.abs(a) > 0.5 ? y : null, left, right: left + wide });
  write.apply(this, arguments);
};
"""


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium; without one the tests are skipped, or fail where it is required."""
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        if os.environ.get("INFERBENCH_REQUIRE_E2E") == "1":
            pytest.fail("a browser is required here: install Debian's package `chromium`")
        pytest.skip(f"no browser here: none of {', '.join(_BROWSERS)} is installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """The page of a run that has everything there is to draw."""
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(to_html_page(WHOLE, whole_records), encoding="utf-8")
    return file


@pytest.fixture
def page(browser, path):
    """The page, opened; what it asked for and complained of is looked at when the test ends."""
    with browser.new_context() as context:
        opened = context.new_page()
        said, asked = [], []
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto(path.as_uri())
        yield opened
        assert set(asked) == {path.as_uri()}, "the page needs nothing but itself"
        assert said == []


def see(page, within: str) -> int:
    """Scroll to each plot, which draws it; how many there are."""
    plots = page.locator(f"{within} .plot")
    for index in range(plots.count()):
        plots.nth(index).scroll_into_view_if_needed()
        plots.nth(index).locator("canvas").wait_for()
    return plots.count()


def test_the_verdict_comes_first_and_the_failing_case_is_open(page) -> None:
    """The heading tells the verdicts, and the first failing case is unfolded with every plot drawn."""
    assert page.locator("h1").inner_text().split("\n")[0].startswith("3 ok")
    assert page.locator("details.case[open] > summary").inner_text().startswith("REGRESSED concurrency[c08]")
    assert page.locator("html[data-ready=yes]").count() == 1
    assert see(page, "#sweep-plots") == 1
    assert see(page, "#case-3") == 10, (
        "changes, curves, two histories, requests, tokens, two units of the server, two of the GPU"
    )


def test_a_click_in_the_table_opens_that_case(page) -> None:
    """A name in the table leads to its case, whose plots are drawn then."""
    page.get_by_role("link", name="concurrency[c02]").click()
    page.locator("#case-1[open]").wait_for()
    assert see(page, "#case-1") == 10
    page.locator("#case-1 > summary").click()
    assert page.locator("#case-1[open]").count() == 0


def test_filter_and_failing_only_hide_the_others(page) -> None:
    """Typing narrows the cases to names that contain it, the box to what failed; the count follows."""
    page.get_by_role("searchbox").fill("C04")
    assert page.locator("details.case:visible").count() == 1
    assert page.locator("#shown").inner_text() == "1 of 5 cases"
    page.get_by_role("searchbox").fill("")
    page.get_by_label("only what failed").check()
    assert page.locator("#shown").inner_text() == "2 of 5 cases"


def test_the_keyboard_reaches_everything(page) -> None:
    """Tab and Enter fold a case; in a plot the arrows move through its points and the figures follow."""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#case-0 > summary").focus()
    page.keyboard.press("Enter")
    page.locator("#case-0[open]").wait_for()
    plot = page.locator("#case-0 [data-kind=tokens]")
    plot.focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('#case-0 [data-kind=tokens] .u-value').textContent !== '-'")
    assert "Left and right arrows" in plot.get_attribute("aria-label")


def test_dark_and_light_differ_and_the_button_changes_them(page) -> None:
    """The page follows the system's choice, and its button turns it round with the plots drawn anew."""
    background = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(background)
    page.get_by_role("button", name="Dark or light").click()
    dark = page.evaluate(background)
    assert light == "rgb(255, 255, 255)"
    assert dark != light
    assert see(page, "#case-3") == 10
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(background) == dark


def test_a_phone_shows_it_without_scrolling_sideways(page) -> None:
    """At 360 pixels nothing but the frames of wide tables reaches beyond the screen, and the plots fit."""
    page.set_viewport_size(_PHONE)
    page.reload()
    see(page, "#case-3")
    assert page.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"]
    widths = page.locator(".plot canvas:visible").evaluate_all("all => all.map(each => each.clientWidth)")
    assert widths
    assert max(widths) <= _PHONE["width"]


def test_a_phone_shows_the_verdicts_in_rows_of_one_line(page) -> None:
    """Verdicts need no scrolling, in the table of cases and of what was judged; no row of these is tall and blank."""
    page.set_viewport_size(_PHONE)
    page.reload()
    for table in ("#overview", "#case-3 .judged"):
        shown = page.locator(f"{table} .verdict").evaluate_all(
            "all => all.map(each => each.getBoundingClientRect().right)"
        )
        assert shown
        assert max(shown) <= _PHONE["width"]
    rows = page.locator("#case-3 .judged tr").evaluate_all("all => all.map(each => each.clientHeight)")
    assert max(rows) <= 60


@pytest.mark.parametrize("width", [1280, 360])
def test_what_is_written_in_a_plot_is_whole_and_told_apart(page, width) -> None:
    """No text of a plot is cut at its edge, and no two ticks of an axis look the same."""
    page.add_init_script(_WRITTEN)
    page.set_viewport_size({"width": width, "height": 900})
    page.reload()
    see(page, "#case-3")
    plots = page.evaluate("[...written].map(([canvas, texts]) => ({ width: canvas.width, texts }))")
    assert len(plots) >= 10
    for plot in plots:
        level = [each for each in plot["texts"] if each["level"] is not None and each["text"].strip()]
        assert all(each["left"] >= 0 and each["right"] <= plot["width"] for each in level), level
        for axis, along in (("level", "left"), ("right", "level")):
            ticks: dict[int, set[tuple[int, str]]] = {}
            for each in level:
                ticks.setdefault(round(each[axis]), set()).add((round(each[along]), each["text"]))
            for row in ticks.values():
                assert len({text for _, text in row}) == len(row), row


def test_the_change_plot_is_scaled_to_what_it_shows(browser, tmp_path) -> None:
    """A change of +14 % that may be +2000 %: the interval runs out of the plot, margin and 0 stay to be seen."""
    case = whole_case(8)
    first, *others = case.checks
    wide = replace(first, comparison=replace(first.comparison, low=0.1, high=21.0))
    run = document((replace(case, checks=(wide, *others)),))
    file = tmp_path / "wide.html"
    file.write_text(to_html_page(run, lambda _: None), encoding="utf-8")
    with browser.new_context() as context:
        opened = context.new_page()
        opened.add_init_script(_WRITTEN)
        opened.goto(file.as_uri())
        see(opened, "#case-0")
        canvas = "[...written].find(([canvas]) => canvas.closest('[data-kind=changes]'))"
        texts = opened.evaluate(f"{canvas}[1].map(each => each.text)")
    ticks = {float(text.removesuffix(" %")) for text in texts if text.endswith(" %") and "  " not in text}
    assert 0 in ticks
    assert min(ticks) < 0 < max(ticks) < 50
    assert min(ticks) > -50


def test_hostile_names_are_text(page) -> None:
    """A name that is markup is shown as its characters and does nothing; no script is there but the page's own."""
    assert page.title().endswith("20250301-120000-abcd")
    name = page.locator("#case-4 > summary .name").inner_text()
    assert "<script>document.title='taken'</script>" in name
    assert "\\u202egnp.exe" in name
    scripts = page.locator("script:not([type='application/json'])")
    assert scripts.count() == 2


def test_without_scripts_every_figure_is_there(browser, path) -> None:
    """The tables need no script: a reader that runs none has the figures of each case."""
    with browser.new_context(java_script_enabled=False) as context:
        plain = context.new_page()
        plain.goto(path.as_uri())
        assert plain.locator("#overview tbody tr").count() == 5
        assert "output_tok_per_s" in plain.locator("#case-3").text_content()


def test_two_hundred_cases_stay_usable(browser, tmp_path) -> None:
    """A page of 200 cases is below 10 MB, can be used after 3 seconds of work, and filters."""
    kept = records(4, 20)
    file = tmp_path / "many.html"
    file.write_text(to_html_page(many(200), lambda _: kept), encoding="utf-8")
    assert file.stat().st_size < 10 * _MB
    with browser.new_context() as context:
        opened = context.new_page()
        devtools = context.new_cdp_session(opened)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        opened.goto(file.as_uri())
        opened.locator("html[data-ready=yes]").wait_for(state="attached")
        spent = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
        assert spent["TaskDuration"] < 3, "seconds of processor time until it can be used"
        opened.get_by_role("searchbox").fill("sweep17[")
        assert opened.locator("details.case:visible").count() == 4
