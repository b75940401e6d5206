"""The program's file as text: what its lines say, and each that cannot be used with its number."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.baseline_made import CASE, segment, session
from pytest_inferbench.baselines.lines import Noise
from pytest_inferbench.baselines.read_lines import read_lines
from pytest_inferbench.errors import BaselineError

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
NOISE = Noise(
    id="aa", date="2025-01-20", case=CASE, version="v1", workload_hash="w", pairs=5, restart_sd={"ttft_ms.p50": 0.01}
)


def read(*lines, now=NOW):
    return read_lines("".join(f"{line}\n" for line in lines), "h.jsonl", now)


def refused(*lines):
    with pytest.raises(BaselineError) as caught:
        read(*lines)
    return str(caught.value)


def test_lines_come_back_as_they_were_made():
    """Sessions, segments and noise of a case; blank lines say nothing."""
    first, opened = session(1), segment("run-5", why="reseated (v1 -> v2)")
    second = session(5, segment="run-5", canary="c", rounds={"ttft_ms.p50": [1.5, None]})
    found = read(first.to_text(), "", opened.to_text(), second.to_text(), NOISE.to_text())
    assert list(found) == [CASE]
    assert found[CASE].sessions == (first, second)
    assert (found[CASE].segments, found[CASE].noise) == ((opened,), NOISE)
    assert second.value("ttft_ms.p50") == 1.5
    assert second.value("tpot_ms.p50") is None


def test_a_line_end_of_windows_is_one():
    """Line ends as Windows writes them are read."""
    assert len(read(session(1).to_text() + "\r", session(2).to_text() + "\r")[CASE].sessions) == 2


def older(number=1, **changes):
    """A session as version 1 of this package wrote it."""
    data = json.loads(session(number).to_text())
    del data["kind"], data["gates"]
    return json.dumps({**data, "schema": 1, "segment": 1, "how": "append", **changes})


def test_lines_of_version_1():
    """They were sessions with numbered segments, which opened without a line: both are known by them."""
    lines = [older(1), older(2), older(3, segment=2, how="reseat"), older(4, segment=2), older(5, segment=3)]
    found = read(*lines, session(6, segment="3").to_text())[CASE]
    assert found.numbers == (1, 1, 2, 2, 3, 3)
    assert [(each.id, each.how) for each in found.segments] == [("2", "reseat"), ("3", "changed")]
    assert [made.id for made in found.level] == ["run-3", "run-4", "run-5", "run-6"]
    assert found.sessions[0] == session(1, schema=2, gates=None)


def line(**changes):
    data = {**json.loads(session().to_text()), **changes}
    return json.dumps({key: value for key, value in data.items() if value is not ...})


MARKER = (
    "h.jsonl:2: an unresolved merge conflict; keep the lines of both sides and remove the markers "
    "(`*.jsonl merge=union` in .gitattributes does so by itself)"
)
RESTORE = "restore the file from version control, or delete the line"
BROKEN = {
    "cut off": (
        session().to_text()[:-5],
        f"h.jsonl:2: not a whole line of JSON (column 390: Expecting ',' delimiter); {RESTORE}",
    ),
    "ours": ("<<<<<<< HEAD", MARKER),
    "between": ("=======", MARKER),
    "theirs": (">>>>>>> night", MARKER),
    "deep": ("[" * 100_000, f"h.jsonl:2: not a whole line of JSON (nested too deeply); {RESTORE}"),
    "digits": (
        '{"schema":' + "9" * 5000 + "}",
        f"h.jsonl:2: not a whole line of JSON (a number of too many digits); {RESTORE}",
    ),
    "a long kind": (
        line(kind="k" * 5000),
        f"h.jsonl:2: kind: got '{'k' * 59}...', expected one of session, segment, left_out, noise; {RESTORE}",
    ),
    "a long date": (
        line(date="2" * 5000),
        f"h.jsonl:2: date: got '{'2' * 59}...', expected one like 2026-05-01T02:00:00+00:00",
    ),
    "a number": ("3", "h.jsonl:2: got '3', expected a JSON object; delete the line"),
    "newer": (
        line(schema=4, more=1),
        "h.jsonl:2: schema 4 is newer than 3, the newest read here; upgrade pytest-inferbench",
    ),
    "no schema": (line(schema=...), f"h.jsonl:2: missing key 'schema'; {RESTORE}"),
    "no kind": (
        line(kind=...),
        f"h.jsonl:2: kind: got nothing, expected one of session, segment, left_out, noise; {RESTORE}",
    ),
    "missing key": (line(segment=...), f"h.jsonl:2: missing key 'segment'; {RESTORE}"),
    "unknown key": (line(segmnt=1), f"h.jsonl:2: unknown key 'segmnt'; did you mean 'segment'?; {RESTORE}"),
    "wrong type": (line(requests="96"), f"h.jsonl:2: requests: got '96', expected an integer; {RESTORE}"),
    "not finite": (
        line(rounds={"ttft_ms.p50": [float("nan")]}),
        f"h.jsonl:2: rounds.ttft_ms.p50[0]: got nan, expected a finite number; {RESTORE}",
    ),
    "negative": (
        line(rounds={"ttft_ms.p50": [41.0, -2.5]}),
        f"h.jsonl:2: rounds.ttft_ms.p50[1]: got -2.5, expected a number of at least -1; {RESTORE}",
    ),
    "negative noise": (
        json.dumps({**json.loads(NOISE.to_text()), "restart_sd": {"ttft_ms.p50": -0.1}}),
        f"h.jsonl:2: restart_sd.ttft_ms.p50: got -0.1, expected a number of at least 0; {RESTORE}",
    ),
    "future": (
        line(date="2025-06-01T13:00:01+00:00"),
        (
            "h.jsonl:2: date: 2025-06-01T13:00:01+00:00 is in the future; set the clock of the machine that wrote it, "
            "or this one's, and correct the line"
        ),
    ),
    "no date": (line(date="soon"), "h.jsonl:2: date: got 'soon', expected one like 2026-05-01T02:00:00+00:00"),
    "no rounds": (
        line(rounds={"ttft_ms.p50": []}),
        f"h.jsonl:2: rounds.ttft_ms.p50: got an empty list, expected at least 1 in it; {RESTORE}",
    ),
    "one figure": (
        line(rounds={"ttft_ms.p50": 3}),
        f"h.jsonl:2: rounds.ttft_ms.p50: got 3, expected a list; {RESTORE}",
    ),
    "beyond all measure": (
        line(rounds={"ttft_ms.p50": [1e300]}),
        f"h.jsonl:2: rounds.ttft_ms.p50[0]: got 1e+300, expected a number of at most 1e+15; {RESTORE}",
    ),
    "unknown way": (
        json.dumps({**json.loads(segment().to_text()), "how": "magic"}),
        f"h.jsonl:2: how: got 'magic', expected 'changed', 'accept', 'reseat', 'improved' or 'returned'; {RESTORE}",
    ),
    "twice": (
        session(0).to_text(),
        "h.jsonl:2: the session of run run-0 for concurrency[c08] is on line 1 already; delete one of them",
    ),
    "no such segment": (
        line(segment="run-7"),
        f"h.jsonl:2: no line opens the segment run-7 of concurrency[c08]; {RESTORE}",
    ),
    "version 1 without a segment": (
        older(segment="two"),
        f"h.jsonl:2: no line opens the segment two of concurrency[c08]; {RESTORE}",
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_lines(text, message):
    """Each bad line is told with its number and what to do."""
    assert refused(session(0).to_text(), text) == message


def test_a_clock_that_is_a_little_ahead():
    """Two machines do not agree on the second: what lies less than an hour ahead is read."""
    assert read(line(date="2025-06-01T12:59:00+00:00"))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([10**400, "x" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.sampled_from([session(), segment(), NOISE]), st.booleans(), st.data())
def test_any_value_is_read_or_refused_in_a_line(made, first_version, data):
    """Whatever stands in the place of whichever key, also in a line of version 1, nothing but one short message."""
    fields = json.loads(made.to_text()) | ({"schema": 1, "how": "accept"} if first_version else {})
    fields[data.draw(st.sampled_from([*sorted(fields), "x" * 5000]))] = data.draw(ANYTHING)
    try:
        read_lines(json.dumps(fields), "h.jsonl", NOW)
    except BaselineError as error:
        said = str(error)
        assert said.startswith("h.jsonl:1: ")
        assert len(said) <= 600
