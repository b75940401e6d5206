"""Files of version 1: read as they are, taken over by the next update, people's parts byte for byte."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.baseline_made import CASE, HARDWARE, OLDER, TABLE, YAML, baseline, session
from pytest_inferbench.baselines.lines import Noise
from pytest_inferbench.baselines.older import plan_takeover, without_older
from pytest_inferbench.baselines.read import read_file
from pytest_inferbench.config.parse import parse

HEAD = "schema: 1\nmodel: qwen3-8b\nbackend: vllm\ncases:\n"
ACCEPTED = "accepted: {version: v1, sessions: 2, ttft_ms.p50: 41.0}"
NOISE = "noise: {date: 2025-01-21, version: v1, workload: w1, pairs: 5, restart_sd: {ttft_ms.p50: 0.01}}"


def test_the_noise_of_an_older_file_is_used():
    """Until an update moves it, what people's file holds of an A/A run counts; a line goes before it."""
    assert baseline(OLDER, session()).of(CASE).noise.restart_sd == {"ttft_ms.p50": 0.0123}
    newer = Noise(id="aa", date="2025-02-01", case=CASE, version="v", workload_hash="w", pairs=7, restart_sd={})
    assert baseline(OLDER, newer).of(CASE).noise is newer
    assert baseline(OLDER, hardware="other").of(CASE).noise is None
    assert baseline(YAML).file.older is None


def test_an_update_takes_it_over():
    """The noise becomes a line of its hardware's file, and people's file is what it was without the program's."""
    update = plan_takeover([baseline(OLDER, session())])
    assert (update.file.old, update.file.new) == (OLDER, YAML)
    (line,) = update.lines[HARDWARE].add
    assert (line.date, line.pairs, line.restart_sd) == ("2025-01-21", 11, {"ttft_ms.p50": 0.0123})
    assert update.notes == (
        "q.yaml: took `accepted:` and `noise:` out; the lines in the folder beside it say the same",
    )
    again = plan_takeover([baseline(OLDER, session(), line)])
    assert again.lines[HARDWARE].add == ()


@pytest.mark.parametrize(
    ("older", "kept"),
    [
        (f"  x:\n    gates: []\n    hardware:\n      h:\n        {ACCEPTED}\n", "  x:\n    gates: []\n"),
        (f"  x:\n    hardware:\n      h:\n        {ACCEPTED}\n        {NOISE}\n", ""),
        (
            f"  x:\n    hardware:\n      h:   # our box\n        {ACCEPTED}   # checked\n  y: {{}}\n",
            "      # our box\n        # checked\n  y: {}\n",
        ),
        (
            f"  x:\n    hardware:\n      a:\n        budgets: {{}}\n        {ACCEPTED}\n      b:\n        {NOISE}\n",
            "  x:\n    hardware:\n      a:\n        budgets: {}\n",
        ),
        (
            f"  x:\n    gates: []\n    hardware:\n      h:\n        accepted:\n          version: v\n        {NOISE}\n",
            "  x:\n    gates: []\n",
        ),
        (f"  # the first\n  x:\n    hardware:\n      h:\n        {ACCEPTED}\n  # end\n", "  # the first\n  # end\n"),
    ],
)
def test_whole_lines_go_and_nothing_else(older, kept):
    """Keys that hold nothing else go with it; every comment stays."""
    assert without_older(HEAD + older, "q.yaml") == HEAD + kept


@pytest.mark.parametrize(
    "cases",
    [
        f"  x: {{gates: [], hardware: {{h: {{{ACCEPTED}}}}}}}\n",
        "  x:\n    hardware:\n      h:\n        accepted: {version: v1,\n          sessions: 1\n        }\n",
        f"  x:\n    hardware: {{h: {{budgets: {{}}, {NOISE}}}}}\n",
    ],
)
def test_what_was_written_otherwise_is_left_to_people(cases):
    """Braces cannot be cut line by line: the file stays, and its owner is told which lines are no longer read."""
    files = baseline(HEAD + cases)
    assert files.file.older is not None
    update = plan_takeover([files])
    assert update.file is None
    (told,) = update.notes
    assert re.fullmatch(r"q.yaml:[568]: `accepted:` and `noise:` are no longer read; delete them, .*", told)


PEOPLES = ("gates: []", "budgets: {ttft_ms.p50: {max: 3}}   # ours", "# a remark", "policy: {margin: 0.1}")
OURS = (ACCEPTED, NOISE)


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(PEOPLES), unique=True),
            st.lists(st.lists(st.sampled_from((*OURS, "budgets: {}")), min_size=1, unique=True), max_size=2),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_people_wrote_stays(cases):
    """Of any file that version 1 could leave, what people wrote is there afterwards, line by line, and readable."""
    text, peoples = HEAD, []
    for number, (own, machines) in enumerate(cases):
        lines = [f"    {line}" for line in (own if machines or own != ["# a remark"] else [*own, "gates: []"])]
        if machines:
            lines.append("    hardware:")
        for machine, entries in enumerate(machines):
            lines += [f"      h{machine}:", *(f"        {entry}" for entry in entries)]
        text += "".join(f"{line}\n" for line in (f"  case{number}:{'' if lines else ' {}'}", *lines))
        peoples += [line for line in lines if line.strip() in {*PEOPLES, "budgets: {}"}]
    kept = without_older(text, "q.yaml")
    assert [line for line in kept.splitlines() if line.strip() in {*PEOPLES, "budgets: {}"}] == peoples
    assert not any(ours in kept for ours in OURS)
    read_file(parse(kept, "q.yaml"), TABLE)
