"""What pruning drops, and that nothing else goes."""

import pytest
from baseline_made import TABLE, session
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.baselines.agree import disagreements
from pytest_inferbench.baselines.edit import drop_cases, lay_over, new_text
from pytest_inferbench.baselines.prune import plan_prune
from pytest_inferbench.baselines.read import read_file, read_sessions
from pytest_inferbench.baselines.schema import Baseline, BaselineFile
from pytest_inferbench.baselines.session import accepted_entries, current_segment, derive_accepted
from pytest_inferbench.baselines.yaml_text import OneLine
from pytest_inferbench.config.parse import parse
from pytest_inferbench.errors import BaselineError

TEXT = """\
# Ours.
schema: 1
model: qwen3-8b
backend: vllm
cases:
  # the first
  kept:
    hardware:
      h:
        accepted: {version: v0.8.1, image: vllm/vllm@sha256:0f, sessions: 3, ttft_ms.p50: 42.0}   # checked
  # about the next
  gone:   # once
    budgets: {ttft_ms.p95: {max: 400}}
    hardware:
      h:
        accepted: {version: v0.8.1, image: vllm/vllm@sha256:0f, sessions: 1, ttft_ms.p50: 41.0}
      # and here
      other:
        accepted: {version: v0.8.1, image: vllm/vllm@sha256:0f, sessions: 1, ttft_ms.p50: 41.0}
    # its end

  last: {gates: []}
"""


def figures(value):
    return {"rounds": {"ttft_ms.p50": [value]}}


KEPT = [session(n, "kept", **figures(40.0 + n)) for n in (1, 2, 3)]
HERE = [KEPT[0], session(1, "gone", **figures(41.0)), *KEPT[1:]]
THERE = [session(1, "gone", **figures(41.0))]


def baselines(text=TEXT, **sessions):
    file = read_file(parse(text, "q.yaml"), TABLE)
    made = sessions or {"h": HERE, "other": THERE}
    return [
        Baseline(name, "q.yaml", f"{name}.jsonl", text, "".join(f"{one.to_line()}\n" for one in own), file, tuple(own))
        for name, own in made.items()
    ]


def prune(suite, window=20, **made):
    return plan_prune(baselines(**made), suite, lambda _: window)


def agrees(update):
    """The files as written agree with each other, on every hardware."""
    file = read_file(parse(update.budgets.new, "q.yaml"), TABLE)
    for name, change in update.sessions.items():
        sessions = read_sessions(change.new, f"{name}.jsonl")
        assert disagreements(Baseline(name, "q.yaml", name, update.budgets.new, change.new, file, sessions)) == []


def test_a_case_that_no_suite_has_goes_everywhere():
    """Its entry and its sessions on every hardware go; every comment outside of it and every other line stays."""
    update = prune({"kept", "last"})
    start, end = TEXT.index("  gone:"), TEXT.index("\n  last:")
    assert update.budgets.new == TEXT[:start] + TEXT[end:]
    assert update.sessions["h"].new == "".join(f"{one.to_line()}\n" for one in KEPT)
    assert update.sessions["other"].new == ""
    assert update.lines == ("gone: dropped: no suite has it",)
    agrees(update)


def test_sessions_beyond_the_window_go():
    """The oldest sessions of a case go, its accepted figures follow, and it is said."""
    update = prune({"kept", "gone", "last"}, window=2)
    assert update.budgets.new == TEXT.replace("sessions: 3, ttft_ms.p50: 42.0", "sessions: 2, ttft_ms.p50: 42.5")
    assert update.sessions["h"].new == "".join(f"{one.to_line()}\n" for one in HERE[1:])
    assert update.lines == ("kept on h: dropped 1 beyond the window of 2", "  ttft_ms.p50: 42.0 -> 42.5")
    agrees(update)


def test_nothing_superfluous_changes_nothing():
    """Files without anything to drop stay as they are, to the byte."""
    update = prune({"kept", "gone", "last", "new"})
    assert (update.writes, update.lines) == (False, ())


def test_workloads_of_one_test_stay_with_it():
    """The second workload of a test that the suite has is in the suite, also of a variant."""
    text = "schema: 1\nmodel: qwen3-8b\nbackend: vllm\ncases:\n  a#2: {}\n  a#2@v: {}\n  b#2: {}\n"
    update = prune({"a", "a@v"}, text=text, h=[])
    assert update.lines == ("b#2: dropped: no suite has it",)


def test_without_files_there_is_nothing_to_prune():
    """A model without a baseline is no error."""
    empty = Baseline("h", "q.yaml", "h.jsonl", None, None, BaselineFile("m", "b", {}), ())
    assert not plan_prune([empty], {"kept"}, lambda _: 20).writes


def test_braces_are_left_to_people():
    """Cases written in braces cannot be cut out line by line: the error names what to remove by hand."""
    text = "schema: 1\nmodel: m\nbackend: b\ncases: {a: {}, b: {}}\n"
    with pytest.raises(BaselineError) as caught:
        drop_cases(text, ["a"], "q.yaml")
    assert str(caught.value) == "q.yaml: cannot be edited in place; remove these cases by hand: a"
    assert drop_cases(text, [], "q.yaml") == text


@pytest.mark.parametrize(("gone", "left"), [("a", "  b: {}\n"), ("b", "  a:\n    gates: []\n"), ("ab", "")])
def test_cut_at_either_end(gone, left):
    """The first, the last and the only case can go; a file without a final newline stays one."""
    head = "schema: 1\nmodel: m\nbackend: b\ncases:\n"
    assert drop_cases(head + "  a:\n    gates: []\n  b: {}\n", list(gone), "q.yaml") == head + left
    assert drop_cases(head + "  a: {}\n  b: {}", ["b"], "q.yaml") == head + "  a: {}\n"


def written(sessions):
    """A YAML file that agrees with these sessions."""
    cases = {
        key: {"hardware": {"h": {"accepted": OneLine(accepted_entries(derive_accepted(segment, ["ttft_ms.p50"])))}}}
        for key in "abc"
        if (segment := current_segment(sessions, key))
    }
    return lay_over(new_text("m", "b"), {"cases": cases}, "q.yaml") if cases else new_text("m", "b")


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=12), st.integers(1, 5), st.data())
def test_pruned_files_agree_and_keep_the_latest(made, window, data):
    """Whatever is pruned, what stays is the latest sessions of each case of the suite, and the two files agree."""
    ordered = sorted(made, key=lambda entry: entry[1])
    sessions = [session(n, key, segment=segment, **figures(40.0 + n)) for n, (key, segment) in enumerate(ordered)]
    suite = data.draw(st.sets(st.sampled_from("abc")))
    update = prune(suite, window, text=written(sessions), h=sessions)
    left = read_sessions(update.sessions["h"].new, "h.jsonl")
    for key in "abc":
        own = [one for one in sessions if one.key == key]
        assert [one for one in left if one.key == key] == (own[-window:] if key in suite else [])
    agrees(update)
