"""What pruning drops, and that nothing else goes."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.baseline_made import baseline, segment, session
from pytest_inferbench.baselines.lines import Noise
from pytest_inferbench.baselines.prune import plan_prune
from pytest_inferbench.baselines.read_lines import read_lines
from pytest_inferbench.baselines.telling import told_lines

TEXT = """\
schema: 1
model: qwen3-8b
backend: vllm
cases:
  kept: {}
  gone:
    budgets: {ttft_ms.p95: {max: 400}}
"""
NOISE = Noise(id="aa", date="2025-01-20", case="gone", version="v", workload_hash="w", pairs=5, restart_sd={})


def at(number, case="kept", **fields):
    return session(number, case, rounds={"ttft_ms.p50": [40.0 + number]}, gates=["ttft_ms.p50"], **fields)


HERE = (at(1), at(1, "gone"), at(2), segment("s", "gone"), at(3), NOISE, *(at(number) for number in range(4, 9)))


def prune(suite, window=20, text=TEXT, **machines):
    files = [baseline(text, *lines, hardware=name) for name, lines in (machines or {"h": HERE, "o": HERE[1:2]}).items()]
    return plan_prune(files, suite, lambda _: window)


def left(update, lines=HERE, name="h"):
    """The file of a hardware afterwards."""
    return update.lines[name].apply("".join(f"{line.to_text()}\n" for line in lines))


def texts(lines):
    return "".join(f"{line.to_text()}\n" for line in lines)


def test_a_case_that_no_suite_has_goes_everywhere():
    """All its lines go, on every hardware; people's file is named with the line that they may delete."""
    update = prune({"kept"})
    assert left(update) == texts(line for line in HERE if line.case == "kept")
    assert left(update, HERE[1:2], "o") == ""
    assert told_lines(update.cases) == [
        "gone on h: dropped with 1 session: no suite has it",
        "gone on o: dropped with 1 session: no suite has it",
    ]
    assert update.file is None
    assert update.notes == ("q.yaml:6: no suite has gone; delete it there, the file is yours",)


def test_sessions_beyond_the_window_go():
    """The oldest go, but for those that relative budgets start from, and it is said what the accepted figures are."""
    update = prune({"kept", "gone"}, window=2)
    stay = {"run-1", "run-2", "run-3", "run-7", "run-8"}
    assert left(update) == texts(line for line in HERE if line.case == "gone" or line.id in stay)
    assert told_lines(update.cases) == ["kept on h: dropped 3 beyond the window of 2; ttft_ms.p50 44.5 -> 43.0"]


def test_nothing_superfluous_changes_nothing():
    """Files without anything to drop stay as they are, to the byte."""
    update = prune({"kept", "gone", "new"})
    assert (update.writes, update.cases, update.notes) == (False, (), ())


def test_workloads_of_one_test_stay_with_it():
    """The second workload of a test that the suite has is in the suite, also of a variant."""
    lines = [at(1, "a#2"), at(1, "a#2", variant="v"), at(1, "b#2")]
    update = prune({"a", "a@v"}, text=None, h=lines)
    assert told_lines(update.cases) == ["b#2 on h: dropped with 1 session: no suite has it"]


def test_without_files_there_is_nothing_to_prune():
    """A model without a baseline is no error."""
    assert not plan_prune([baseline()], {"kept"}, lambda _: 20).writes


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=16), st.integers(1, 5), st.data())
def test_what_is_looked_at_stays(made, window, data):
    """Whatever is pruned, the latest sessions of each case stay and the first of the level; the rest is one prefix."""
    opened = [segment(str(place), case, date=f"2025-01-01T0{place}:00:00+00:00") for case in "abc" for place in (2, 3)]
    places = sorted(place for _, place in made)
    lines = [
        *opened,
        *(at(n, case, segment=str(place)) for n, ((case, _), place) in enumerate(zip(made, places, strict=True))),
    ]
    suite = data.draw(st.sets(st.sampled_from("abc")))
    before = baseline(None, *lines).accepted
    update = prune(suite, window, text=None, h=lines)
    after = read_lines(left(update, lines), "h.jsonl", datetime(2026, 1, 1, tzinfo=UTC))
    assert set(after) == suite & {line.case for line in lines}
    for case in after:
        kept = after[case].sessions
        assert kept[-window:] == before[case].sessions[-window:]
        assert after[case].level[:3] == before[case].level[:3]
        assert len(kept) <= window + 3
