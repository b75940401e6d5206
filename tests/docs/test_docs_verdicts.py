"""The page on verdicts: its pictures and figures are those of the golden tables."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from benchmarks.perf.proof.worlds import WORLDS

from pytest_inferbench.stats.counts import Count, judge_counts
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.verdict import Verdict

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/verdicts.md").read_text(encoding="utf-8")
SCRIPT = runpy.run_path(str(ROOT / "scripts/verdict_pictures.py"))
PICTURES = SCRIPT["pictures"]()
TABLE = SCRIPT["power_table"](SCRIPT["POWER"].read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_pictures_are_drawn_from_the_golden_table(path):
    """Each picture is what its script draws from today's table, is well-formed, has a title, and is on the page."""
    assert path.read_text(encoding="utf-8") == PICTURES[path], "run python scripts/verdict_pictures.py"
    root = ET.fromstring(PICTURES[path])  # noqa: S314 - our own text
    assert root[0].tag.endswith("title")
    assert f"]({path.name})" in PAGE


def test_the_pictures_are_legible_in_the_dark():
    """Every colour of a mark has a counterpart for a dark page."""
    for text in PICTURES.values():
        light, dark = text.split("@media (prefers-color-scheme: dark)")
        for look in ("bad", "good", "plain", "unsure"):
            assert f".{look} {{" in light
            assert f".{look} {{" in dark


def test_the_table_of_sessions():
    """What n sessions buy is told as the golden table has it."""
    rows = re.findall(r"^\| ([\d.]+) % \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 3
    for sd, cells in rows:
        for n, cell in zip((1, 3, 8, 20), cells.split("|"), strict=True):
            worsening = TABLE[float(sd), n, 20, 1]
            assert cell.strip() == ("> +100 %" if worsening > 100 else f"+{worsening} %")


def test_the_failure_is_what_a_failure_says():
    """Each line of the sample is printed like that; the title's version is the upgrade's."""
    golden = (ROOT / "tests/golden/report/comparison_table.txt").read_text(encoding="utf-8").splitlines()
    sample = re.search(r"^```\nREGRESSED.*?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1].splitlines()
    lines = [line for line in sample if not line.startswith("  judged")]
    assert len(lines) > 12
    assert [line for line in lines if line not in golden] == []


def test_figures_in_the_text():
    """The other figures of the page stand in the golden tables too."""
    assert TABLE[2.8, 8, 1, 1] == 8.0
    assert "+8.0 % is seen instead of +11.5 %" in PAGE


def test_worlds_in_which_the_rule_fails():
    """Every world above the ceiling is named, with its worst figure for 3, 20 and 100 gates, and what helps."""
    rows = dict(re.findall(r"^\| ([^|]+) \| ((?:\d+ % \| ){3})", PAGE, re.MULTILINE))
    assert set(rows) == {world.exempt for world in WORLDS if world.exempt}
    golden = (ROOT / "tests/golden/stats/worlds.txt").read_text(encoding="utf-8").splitlines()
    for said, cells in rows.items():
        names = {world.name for world in WORLDS if world.exempt == said}
        for gates, cell in zip((3, 20, 100), re.findall(r"\d+", cells), strict=True):
            rows_of = [(re.match(r"(.+?) +m +(\d+)  ", line), line) for line in golden]
            own = [line for row, line in rows_of if row and row[1] in names and int(row[2]) == gates]
            worst = max(float(rate) for line in own for rate in re.findall(r"-> ([\d.]+)", line.partition("+10 %")[0]))
            assert int(cell) / 100 == pytest.approx(worst, abs=0.0051), (said, gates)


def test_figures_of_pairs():
    """What the default plan and five pairs call, and what the order costs, is as the golden tables have it."""
    golden, page = ROOT / "tests/golden/stats", re.sub(r"\s+", " ", PAGE)
    plans = re.findall(r"^ +([24])% 20 +pooled +10% +(.*)$", (golden / "pairs.txt").read_text("utf-8"), re.MULTILINE)
    quiet, loud = (re.findall(r"([\d.]+) \( ?([\d.]+)\)", cells) for _, cells in plans)
    assert quiet[2] == ("1.00", "5.1")
    assert "in practically every gate, after 5.1 pairs" in page
    assert loud[2] == ("0.93", "6.2")
    assert "in 93 of 100, after 6.2" in page
    assert (quiet[0][0], loud[0][0]) == ("0.98", "0.79")
    assert "Five pairs and no more (`--compare-pairs 5`) call 98 and 79" in page
    runs = (golden / "pair_runs.txt").read_text("utf-8")
    assert re.search(r"^ +4% +0% +each its own +20 .* 0\.81 ", runs, re.MULTILINE)
    assert re.search(r"^ +4% +6% +each its own +20 +0\.15 .* 0\.80 ", runs, re.MULTILINE)
    assert "80 in 100 are then called at a scatter of 4 %, as without it, and 15 if it stayed in" in page


def test_figures_of_the_error_rate():
    """What is told of false alarms by counts is in their table, and what 5 % and 7.2 % are is what the gate says."""
    table = (ROOT / "tests/golden/stats/counts.txt").read_text(encoding="utf-8").splitlines()[4:]
    rows = {factor: [line for line in table if line.split()[1] == factor] for factor in ("1.0", "2.0", "3.0", "5.0")}
    assert max(_rates([line for factor in ("1.0", "2.0", "3.0") for line in rows[factor]])) < 0.055
    assert 0.055 <= max(_rates([line for line in rows["5.0"] if line.split()[3] == "1"])) < 0.065
    assert 0.105 <= max(_rates([line for line in rows["5.0"] if line.split()[3] == "20"])) < 0.115
    healthy, ill = [Count(0, 200, 1)] * 8, [Count(10, 200)] * 2
    assert judge_counts(ill, healthy, Rule(gates=3), 0.01).verdict is Verdict.REGRESSED
    found = judge_counts(ill, healthy, Rule(gates=20), 0.01)
    assert (found.verdict, round(found.detectable_at, 3)) == (Verdict.OK, 0.072)
    assert "among twenty, 7.2 % would have been seen" in re.sub(r"\s+", " ", PAGE)


def _rates(lines):
    return [float(rate) for line in lines for rate in re.findall(r"(0\.\d+) \(", line)]
