"""What histories and pairs look like: a failed item's table, and their lines in the summary."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import jsonschema

from made.cases import case, document
from pytest_inferbench.document.case import Against, CaseResult, Difference, NextStep
from pytest_inferbench.document.codec import to_json
from pytest_inferbench.document.comparison import Site
from pytest_inferbench.document.figures import Check
from pytest_inferbench.document.json_schema import run_schema
from pytest_inferbench.document.run import Setting
from pytest_inferbench.judge.comparison import to_check
from pytest_inferbench.report import wording
from pytest_inferbench.report.change import gates_of, in_a_line, what_was_visible, would_have_seen
from pytest_inferbench.report.comparison_table import comparison_table
from pytest_inferbench.report.false_alarms import error_rate, site_noise
from pytest_inferbench.report.headline import headline
from pytest_inferbench.report.html_report import to_html_page
from pytest_inferbench.report.junit import to_junit
from pytest_inferbench.report.markdown import to_markdown
from pytest_inferbench.report.terminal import render_summary
from pytest_inferbench.stats.gate import judge
from pytest_inferbench.stats.history import read_history
from pytest_inferbench.stats.moderation import Prior
from pytest_inferbench.stats.paired import judge_pairs
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.stats.site import Shared
from pytest_inferbench.stats.verdict import Verdict, worst
from pytest_inferbench.units import Direction
from report.report_cases import HOSTILE

STRICT = ("require-baseline", "fail-inconclusive")
AWAY = (0.0, 0.011, -0.009, 0.006, -0.012, 0.009, -0.004, 0.002)
RULE = Rule(gates=6)
PRIOR = Prior(0.02, 4.1, 5)
NEW = Check("history", "history", Verdict.NEW, None, note="no baseline for this case")


def history(*now, level=41.2, direction=Direction.LOWER, sessions=8, rule=RULE):
    past = read_history([Past(level * (1 + away)) for away in AWAY[:sessions]], direction, 20)
    return judge(now, past, rule, PRIOR)


def ttft(*now, **options):
    return to_check("ttft_ms.p50", "ms", history(*now, **options))


def output(*now, **options):
    return to_check("output_tok_per_s", "tok/s", history(*now, level=1280.0, direction=Direction.HIGHER, **options))


def paired(factor):
    found = judge_pairs([(41.2, 41.2 * factor * (1 + away)) for away in AWAY[:5]], Direction.LOWER, RULE)
    check = to_check("ttft_ms.p50", "ms", found)
    return compared_with(check, arms=("v0.8.0", "v0.8.1"))


def compared_with(check: Check, **changes: Any) -> Check:
    """The check, its comparison changed."""
    assert check.comparison is not None
    return replace(check, comparison=replace(check.comparison, **changes))


def told(name: str, *checks: Check, **changes: Any) -> CaseResult:
    verdict = worst(check.verdict for check in checks) or Verdict.NEW
    return case(name, verdict, checks=checks, **changes)


SINCE = "2026-01-07T03:12:40+00:00"
AGAINST = Against(
    8,
    SINCE,
    (
        Difference("version", "v0.8.0", "v0.8.1"),
        Difference("argument max-num-seqs", "256", "128"),
        Difference("kernel", "6.1.0", "6.8.0"),
    ),
)
WHERE = [
    NextStep("server log", "perf/20260108-031200-aaaa/servers/vllm-1.log"),
    NextStep("run again", "pytest 'benchmarks/test_all.py::test_x[c08]' --hardware lab-1"),
    NextStep("two versions", "pytest benchmarks/test_all.py::test_x --hardware lab-1 --compare v0.8.0..v0.8.1"),
]
REGRESSED = told("concurrency[c08]", ttft(52.1, 51.6), output(1030.0, 1055.0), against=AGAINST)
AT_ONCE = told(
    "single",
    ttft(52.1, rule=Rule(gates=6, confirmations=0)),
    output(1280.0),
    against=Against(8, SINCE, (), once="--bench-no-confirm"),
)
UNDECIDED = told("rate[r05]", ttft(41.0, sessions=1, rule=Rule(gates=6, resolve=0.1)))
FRESH = told("prefix[cold]", NEW)
PAIRED = told("batch[b16]", paired(1.2))


def test_tables_look_as_agreed(golden) -> None:
    """Confirmed, judged at once, undecided, new and paired: each as its golden file shows it."""
    others = [comparison_table(each, each.verdict) for each in (AT_ONCE, UNDECIDED, FRESH, PAIRED)]
    first = comparison_table(REGRESSED, Verdict.REGRESSED, WHERE)
    golden("comparison_table.txt", "\n\n".join([first, *others]) + "\n")


def test_summary_looks_as_agreed(golden) -> None:
    """Every verdict of a comparison has its line, with what would have been seen and what the verdicts are worth."""
    quiet = told("multi_turn", ttft(41.3), output(1279.0))
    once = told("soak", ttft(46.5, 41.0), output(1500.0, 1490.0))
    run = document((REGRESSED, UNDECIDED, FRESH, quiet, once))
    golden("summary_compared.txt", render_summary(run, 100, colour=False) + "\n")


def test_what_is_compared_is_said_of_tails_too() -> None:
    """Medians of rounds where no tail is among the gates, or one whose history has only its rounds."""

    def line(*notes):
        check = ttft(41.3)
        tail = replace(compared_with(check, notes=notes), metric="ttft_ms.p95")
        return " ".join(render_summary(document((told("soak", check, tail),)), 200, colour=False).split())

    assert "compared: medians of rounds, but tails over all requests (as the table is); 6 gates" in line()
    assert "compared: medians of rounds (the table is over all requests); 6 gates" in line("median_tails")


def test_a_table_is_made_for_the_verdict_that_is_asked_for() -> None:
    """Where no check has it there is nothing to explain."""
    assert comparison_table(REGRESSED, Verdict.NEW) == ""
    assert comparison_table(REGRESSED, None) == ""


def test_a_rate_that_should_be_high_is_seen_falling() -> None:
    """Changes are in the metric's own terms: what would have been seen of a throughput is negative."""
    check = output(1280.0)
    (shown,) = gates_of(told("x", check))
    assert would_have_seen(shown).startswith("-")
    assert "1,280 tok/s" in in_a_line(shown)


def test_a_detectable_change_has_one_figure_everywhere() -> None:
    """Of a throughput that scatters wildly: more than half of it in every report, and no figure of the tail."""
    noisy = to_check(
        "output_tok_per_s",
        "tok/s",
        judge([900.0], read_history([Past(1280.0)], Direction.HIGHER, 20), RULE, Prior(0.9, 4.1, 5)),
    )
    assert (noisy.verdict, noisy.comparison.detectable > 5) == (Verdict.INCONCLUSIVE, True)
    judged = told("single", noisy)
    run = document((judged,))
    (gate,) = gates_of(judged)
    seen = would_have_seen(gate)
    assert seen == "< -50 %"
    texts = [
        comparison_table(judged, Verdict.INCONCLUSIVE),
        " ".join(render_summary(run, 100, colour=False).split()),
        to_markdown(run),
        to_html_page(run, lambda _: None),
        to_junit(run),
    ]
    for text in texts:
        assert seen in html.unescape(text) or "twice as bad would not have been seen" in text
        assert "are the least that decides" in text, "the end of what is said is there"


def test_a_change_that_was_called_is_not_told_what_would_have_been() -> None:
    """+25 % REGRESSED beside "would have seen +33 %" reads as a contradiction; the page has baseline and change."""
    assert [would_have_seen(gate) for gate in gates_of(REGRESSED)] == ["-", "-"]
    page = to_html_page(document((REGRESSED,)), lambda _: None)
    row = re.search(r'<th scope="row">output_tok_per_s</th>.*?</tr>', page.partition('class="judged"')[2])[0]
    for words in ("REGRESSED", "was 1,280 tok/s", "-18.6 %", "-21.7 to -15.4 %"):
        assert words in row
    assert "would have seen" not in row


def test_an_improvement_says_by_how_much() -> None:
    """And of the other gates what would have been seen."""
    faster = told("single", ttft(30.0), output(1281.0))
    said = what_was_visible(faster)
    assert re.match(r"ttft_ms\.p50 30\.0 ms, was 41\.2 ms \(8 sessions\): -27\.\d % \(.*\); would have seen", said)
    assert "would have seen output_tok_per_s -" in said


def test_a_case_over_its_budget_that_regressed_is_counted_as_both() -> None:
    """The headline and the document count each finding, not the worst of a case alone."""
    over = Check("ttft_ms.p50", "budget", Verdict.OVER_BUDGET, 52.1, bound="max", limit=50.0, unit="ms")
    both = [told(name, over, ttft(52.1, 51.6)) for name in ("a", "b")]
    texts = [text for text, _ in headline(document((*both, told("c", over), REGRESSED)))]
    assert texts == ["3 OVER BUDGET", "3 REGRESSED"]
    assert document(tuple(both)).findings == {"over_budget": 2, "regressed": 2}


def test_names_from_outside_stay_on_their_line() -> None:
    """A hostile note or metric moves no cursor and breaks no line."""
    check = Check(HOSTILE, "history", Verdict.NEW, None, note=HOSTILE)
    text = comparison_table(told("x", check), Verdict.NEW)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 3


def test_what_an_a_a_run_says_fits_into_the_summary() -> None:
    """Noise, shared variance and what would be seen are one line that the summary (300 characters) shows whole."""
    site = Site(
        restart_sd=0.1464,
        session_sd=0.1284,
        shared=Shared(estimate=0.0, low=0.0, high=0.884, use=0.558, gates=21),
        history=((1, 0.404), (3, 0.407), (8, 0.313), (20, 0.28)),
        pairs=((5, 0.532), (8, 0.335), (12, 0.247), (20, 0.177)),
        false_alarms_per_100=5.0,
    )
    said = site_noise("output_tok_per_s", site, Direction.HIGHER)
    assert said == (
        "output_tok_per_s: one server among its like scatters by 14.6 %; one session among days by 12.8 %; "
        "shared variance 0.00 (0.00 to 0.88), judged with as 0.56 (21 gates) after --update-baselines; "
        "1, 3, 8, 20 sessions see -28.8, -28.9, -23.8, -21.9 %; 5, 8, 12, 20 pairs see -34.7, -25.1, -19.8, -15.0 %"
    )
    assert len(said) <= 300


def test_gates_that_people_number_name_the_option() -> None:
    """Where m is said, the table, the document and its error rate say by what; else it is the run's own."""
    counted = told("x", ttft(52.1, 51.6, rule=Rule(gates=6)))
    said = told("x", ttft(52.1, 51.6, rule=Rule(gates=6, gates_source="inferbench_family")))
    assert "at 5 % over 6 gates of the run, " in comparison_table(counted, Verdict.REGRESSED)
    assert "at 5 % over 6 gates (inferbench_family), " in comparison_table(said, Verdict.REGRESSED)
    family = document((said,)).family
    assert family.gates_source == "inferbench_family"
    assert error_rate(family).startswith("6 gates (inferbench_family); where nothing changed")
    jsonschema.validate(to_json(family), {"$defs": run_schema()["$defs"], "$ref": "#/$defs/Family"})


def test_the_share_that_was_measured_names_its_source() -> None:
    """Gates with shares of their own are a range in the document, with every source."""
    source = "A/A run of 2026-11-21, 12 pairs, 21 gates"
    measured = Rule(gates=6, shared=0.72, shared_source=source)
    family = document((told("x", ttft(52.1, 51.6, rule=measured), output(1030.0, 1055.0)),)).family
    assert (family.shared, family.shared_most) == (0.5, 0.72)
    assert family.shared_source == f"{source}; assumed"


def test_many_inconclusive_cases_are_a_line_each_and_one_remedy() -> None:
    """A remedy is told once, with whose it is where it is not everybody's; an A/A run wants none."""
    one = told("rate[r05]", ttft(41.0, sessions=1, rule=Rule(gates=6, resolve=0.1)), output(1280.0, sessions=1))
    other = told("soak", ttft(41.0, sessions=1, rule=Rule(gates=600, resolve=0.1)))
    lines = render_summary(document((one, UNDECIDED, other)), 400, colour=False).splitlines()
    told_of = [line for line in lines if line.startswith(("inconclusive", "to decide"))]
    assert [line.partition(":")[0] for line in told_of] == [
        "inconclusive rate[r05] (and 1 more case)", "inconclusive soak", "to decide",
    ]  # fmt: skip
    assert told_of[-1].count("would decide") <= 1
    site = to_check("ttft_ms.p50", "ms", history(41.0, sessions=1, rule=Rule(gates=6, resolve=0.1)))
    aa = told("single", compared_with(site, site=Site(pairs=(), false_alarms_per_100=5.0)))
    assert "to decide" not in render_summary(document((aa,)), 400, colour=False)


def test_what_only_an_option_fails_is_a_failure_with_its_name() -> None:
    """`--require-baseline` makes NEW bad news, `--fail-inconclusive` INCONCLUSIVE: in headline, tables and below."""
    settings = [Setting(name, True, "command line") for name in STRICT]
    run = document((FRESH, UNDECIDED), settings=settings)
    words = [text for text, style in headline(run) if style == wording.BAD]
    assert words == ["1 INCONCLUSIVE (--fail-inconclusive)", "1 NEW (--require-baseline)"]
    text = render_summary(run, 200, colour=False)
    assert "NEW no baseline for this case; --update-baselines records one (--require-baseline asks for one)" in text
    assert [line.split()[-1] for line in text.splitlines()[6:8]] == ["NEW", "INCONCLUSIVE"]
    assert to_markdown(run).startswith("## ❌ ")
    assert re.findall(r"\| ❌ \*\*(NEW|INCONCLUSIVE)\*\* \|", to_markdown(run)) == ["NEW", "INCONCLUSIVE"]
    page = to_html_page(run, lambda _: None)
    assert page.count('<span class="verdict bad">NEW</span>') >= 2, "in the table of cases and at the case"
    assert page.count('data-tone="bad"') == 2, "what failed is found by the filter"


def test_what_nobody_knows_is_not_told_to_be_the_same() -> None:
    """A server by its URL may have been started otherwise: the text says where to look, not that nothing changed."""
    against = Against(8, SINCE, (), unknown=("version", "arguments"))
    text = comparison_table(told("single", ttft(55.0), against=against), Verdict.REGRESSED)
    assert "  changed    nothing that is recorded: same machine\n" in text
    assert "  not known  version and arguments: the server does not tell; look there what changed\n" in text


def test_a_call_between_two_like_arms_is_told_to_be_a_false_alarm() -> None:
    """And how often a run may have one."""
    found = paired(1.4)
    alike = compared_with(found, arms=("v0.8.0", "v0.8.0"))
    text = comparison_table(told("single", alike), Verdict.REGRESSED)
    assert "both arms are the same, so this is a false alarm; at most 5 runs in 100 have one\n" in text
    assert "false alarm" not in comparison_table(told("single", found), Verdict.REGRESSED)


def test_reports_of_a_pipeline_say_what_to_do() -> None:
    """Markdown, page and JUnit have the commands of a failed case as they stand."""
    step = NextStep("run again", "pytest 'benchmarks/test_all.py::test_x[c08]' --hardware lab-1")
    whole = document((told("single", ttft(55.0), next_steps=(step,)),))
    assert "run again  pytest 'benchmarks/test" in html.unescape(to_markdown(whole))
    page = html.unescape(to_html_page(whole, lambda _: None))
    assert f"<dt>run again</dt><dd><code>{step.text}</code></dd>" in re.sub(r">\s+<", "><", page)
    assert "run again  pytest 'benchmarks/test" in html.unescape(to_junit(whole))
