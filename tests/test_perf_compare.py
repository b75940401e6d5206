"""The suite that measures clients must itself count right: known errors in, the same errors out."""

import pytest
from benchmarks.perf.client import ClientRun, Job, Timeline
from benchmarks.perf.clients import measure
from benchmarks.perf.compare import figures, medians
from benchmarks.perf.table import table, targets

from fakes.scripted.process import Health, Sent

US = 1_000
JOB = Job("http://x", streams=2, turns=1, tokens=3, label="t")
HEALTH = Health(cpu_share=0.5, lag_us={"p50": 1.0, "p99": 2.0, "max": 3.0})


def truth(name, sent_ns):
    return Sent(name, 0, 1_000_000, 1_000_000, sent_ns, sent_ns, sent_ns[-1], "complete")


def late(name, sent_ns, by_ns):
    return Timeline(name, 0, tuple(stamp + by_ns for stamp in sent_ns))


SENDS = (2_000_000, 3_000_000, 4_000_000)
TRUTH = [truth("t-0-0", SENDS), truth("t-1-0", SENDS)]


def test_a_perfect_client_has_no_error():
    """Arrivals at the send stamps are ratios of one and errors of zero."""
    run = ClientRun(tuple(late(row.id, SENDS, 0) for row in TRUTH), 0.6, 10_000_000)
    found = figures(JOB, run, TRUTH, HEALTH)
    assert found["ttft_ratio_p50"] == found["gap_ratio_p99"] == found["e2e_ratio_p50"] == 1
    assert found["ttft_error_us_p99"] == 0
    assert found["unmatched"] == 0
    assert found["cpu_us_per_chunk"] == pytest.approx(0.6 / 6 * 1e6)
    assert found["peak_rss_mb"] == 10
    assert found["server_lag_us_p99"] == 2.0


def test_a_late_client_shows_by_how_much():
    """500 us on a TTFT of 2 ms is a ratio of 1.25 and an error of 500; a constant delay leaves the gaps alone."""
    run = ClientRun(tuple(late(row.id, SENDS, 500 * US) for row in TRUTH), 0.1, 1)
    found = figures(JOB, run, TRUTH, HEALTH)
    assert found["ttft_ratio_p50"] == pytest.approx(1.25)
    assert found["ttft_error_us_p50"] == pytest.approx(500)
    assert found["gap_ratio_p50"] == 1


def test_what_a_client_loses_before_its_request_is_out_shows_in_served():
    """A client that says `sent` long before the server received has a true TTFT of its own making; `served` tells."""
    run = ClientRun(tuple(late(row.id, SENDS, 0) for row in TRUTH), 0.1, 1)
    found = figures(JOB, run, TRUTH, HEALTH)
    assert found["ttft_served_ratio_p50"] == pytest.approx(2.0)


def test_lost_and_short_requests_are_counted():
    """A request without a timeline, or with other chunks than were sent, is unmatched and in no figure."""
    whole = ClientRun((late("t-0-0", SENDS, 0),), 0.1, 1)
    assert figures(JOB, whole, TRUTH, HEALTH)["unmatched"] == 1
    short = ClientRun((late("t-0-0", SENDS, 0), late("t-1-0", SENDS[:2], 9_000_000)), 0.1, 1)
    found = figures(JOB, short, TRUTH, HEALTH)
    assert found["unmatched"] == 1
    assert found["ttft_error_us_p99"] == 0


def test_a_run_that_matches_nothing_is_an_error():
    """No figure is made up out of nothing."""
    with pytest.raises(SystemExit, match="no request as the server sent it"):
        figures(JOB, ClientRun((), 0.1, 1), TRUTH, HEALTH)


def test_rounds_are_joined_by_their_medians():
    """One bad round does not move the figure."""
    assert medians([{"x": 1.0}, {"x": 900.0}, {"x": 3.0}]) == {"x": 3.0}


def test_a_run_survives_its_way_between_processes():
    """What a client's process writes is what the comparison reads."""
    run = ClientRun((late("t-0-0", SENDS, 5),), 0.25, 7)
    assert ClientRun.from_json(run.to_json()) == run


def test_a_figure_that_is_missing_is_a_dash():
    """The table shows absence, never zero."""
    text = table("title", {"someone": {"ttft_ratio_p50": 1.25}}, late_us=1)
    title, heading, row = text.splitlines()
    assert title == "title"
    assert heading.split()[0] == "client"
    assert row.split()[:3] == ["someone", "1.250", "-"]
    assert "0.000" not in row


def test_a_row_that_the_server_limited_is_marked():
    """A lag of a whole gap puts a star on the row, a smaller one does not."""
    rows = {"calm": {"server_lag_us_p99": 19_999.0}, "swamped": {"server_lag_us_p99": 20_000.0}}
    names = [line.split()[0] for line in table("title", rows, late_us=20_000).splitlines()[2:]]
    assert names == ["calm", "swamped*"]


def test_what_ours_is_held_to_is_said_with_what_it_missed():
    """Each target with our figure; the processor time against the floor's; nothing without our row."""
    ours = {"ttft_ratio_p50": 1.03, "ttft_ratio_p99": 0.94, "gap_ratio_p50": 1.0, "cpu_us_per_chunk": 15.0}
    assert targets({"floor": {"cpu_us_per_chunk": 10.0}, "ours": ours}) == (
        "ours: TTFT p50 1.030 MISSES 1.02, TTFT p99 0.940 MISSES 1.05, gap p50 1.000 meets 1.01, "
        "us/chunk over floor 1.500 MISSES 1.25\n"
    )
    assert targets({"floor": {"cpu_us_per_chunk": 10.0}}) == ""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/no/such/tool", "client mine: /no/such/tool cannot be run"),
        ("echo hi", "client mine wrote no ClientRun .*'hi"),
        ("false", "client mine with 2 streams failed .exit 1."),
    ],
)
def test_a_tool_that_is_no_client_is_told(command, words):
    """Each way to be none ends the run with the tool's name and what it did."""
    with pytest.raises(SystemExit, match=words):
        measure("mine", JOB, {"mine": command})
