"""Another machine under the same name: what changed on it is not called, and by policy it has a level of its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.baseline_made import CASE, TABLE, YAML, baseline, result, segment, session
from pytest_inferbench.baselines.candidate import Candidate
from pytest_inferbench.baselines.comparable import comparable
from pytest_inferbench.baselines.fingerprint import machine_change
from pytest_inferbench.baselines.update import Mode, plan_update
from pytest_inferbench.config.parse import parse
from pytest_inferbench.judge.history import Histories
from pytest_inferbench.stats.verdict import Verdict

GATES = "gates: [ttft_ms.p50, tpot_ms.p50]"
SEGMENT = (parse("machine_change: segment\n", "models.yaml"),)
OLD = {"processor": "Intel Xeon", "stepping": "7", "microcode": "0x5003604", "kernel": "6.1", "memory": "64 GiB"}
NEW = {**OLD, "stepping": "8"}
AWAY = (0.0, 0.011, -0.009, 0.006, -0.012, 0.009, -0.004, 0.002)
SD = 0.014


def accepted(machine=OLD, factors=AWAY, start=0, **fields):
    """Sessions that scatter, measured on a machine."""
    return [
        session(
            start + number,
            rounds={"ttft_ms.p50": [41.0 * (1 + away)], "tpot_ms.p50": [6.1 * (1 + away)]},
            machine=machine,
            **fields,
        )
        for number, away in enumerate(factors)
    ]


def today(factor=1.0, **fields):
    return result(rounds=({"ttft_ms.p50": 41.0 * factor, "tpot_ms.p50": 6.1 * factor},), **fields)


def judged(past, machine, *factors, policy=(), once=""):
    files = baseline(YAML.replace("gates: [ttft_ms.p50, tpot_ms.p50, output_tok_per_s]", GATES), *past)
    return Histories(files, TABLE, policy, machine).judge([today(factor) for factor in factors], 2, once=once)


def verdicts(found):
    return {check.verdict for check in found.checks}


@pytest.mark.parametrize("factor", [1.2, 0.8], ids=["worse", "better"])
def test_a_change_on_another_machine_is_inconclusive(factor):
    """It says which part is another one and what to do, keeps its figures, and wants nothing measured again."""
    found = judged(accepted(), NEW, factor)
    assert verdicts(found) == {Verdict.INCONCLUSIVE}
    assert not found.wants_more
    assert found.checks[0].note.startswith("the machine changed (stepping 7 -> 8), so the change may be the machine's")
    remedy = found.checks[0].comparison.remedy
    assert "--baseline-mode reseat" in remedy
    assert "--hardware" in remedy
    assert found.checks[0].comparison.ratio == pytest.approx(factor, rel=0.01)
    assert found.checks[0].comparison.notes[0] == "machine_changed"
    assert verdicts(judged(accepted(), OLD, factor, factor)) != {Verdict.INCONCLUSIVE}


def test_what_calls_no_change_stays_and_is_flagged():
    """OK on another machine is OK, and one session that cannot tell says so in its own words."""
    found = judged(accepted(), NEW, 1.0)
    assert verdicts(found) == {Verdict.OK}
    assert "same hardware name, other stepping (7 -> 8)" in found.notes
    few = judged(accepted(factors=(0.0,)), NEW, 1.0)
    assert verdicts(few) <= {Verdict.OK, Verdict.INCONCLUSIVE}
    assert not any("the machine changed" in check.note for check in few.checks)


@pytest.mark.parametrize(
    ("then", "now", "changed"),
    [
        ([OLD], {**OLD, "kernel": "6.8", "stepping": "8"}, "stepping 7 -> 8, kernel 6.1 -> 6.8"),
        ([{"GPU power limit": "1x 700 W"}], {"GPU power limit": "1x 500 W"}, "GPU power limit 1x 700 W -> 1x 500 W"),
        ([OLD, {**OLD, "stepping": "6"}], NEW, "stepping 6 -> 8"),
        ([NEW, OLD], NEW, "stepping 7 -> 8"),
        ([NEW, OLD, NEW, NEW], NEW, ""),
        ([NEW], NEW, ""),
        ([OLD], {**OLD, "memory": "128 GiB", "frequency governor": "powersave", "system": "Debian 13"}, ""),
        ([{"kernel": "6.1"}], {"stepping": "8", "kernel": "6.1"}, ""),
        ([OLD, {}], NEW, "stepping 7 -> 8"),
        ([{}], NEW, ""),
        ([], NEW, ""),
    ],
)
def test_which_parts_make_another_machine(then, now, changed):
    """Those that tell machines apart, where few sessions are of today's; what is not recorded says nothing."""
    assert machine_change(then, now) == changed


@given(st.lists(st.dictionaries(st.sampled_from(sorted(OLD)), st.sampled_from("ab")), max_size=4), st.data())
def test_a_machine_that_was_there_is_no_other(machines, data):
    """Wherever in the segment its three sessions lie, today's machine is known."""
    own = data.draw(st.dictionaries(st.sampled_from(["kernel", "stepping"]), st.sampled_from("ab"), min_size=1))
    assert machine_change(data.draw(st.permutations([*machines, own, own, own])), own) == ""


def test_three_sessions_of_the_segment_on_this_machine_are_enough():
    """Then a regression is one, and two do not do; those of an earlier segment say nothing of today's level."""
    late = accepted(NEW, (0.0, 0.003, -0.002), 20)
    assert verdicts(judged([*accepted(), *late], NEW, 1.2, 1.2)) == {Verdict.REGRESSED}
    assert verdicts(judged([*accepted(), *late[:2]], NEW, 1.2, 1.2)) == {Verdict.INCONCLUSIVE}
    opened = segment("run-20", date="2025-01-05T00:00:00+00:00")
    past = [*accepted(NEW), opened, *accepted(OLD, AWAY, 4, segment="run-20")]
    assert verdicts(judged(past, NEW, 1.2, 1.2)) == {Verdict.INCONCLUSIVE}


def test_a_slower_stepping_is_never_a_regression():
    """One that is slower by 5 %, with a margin of 2 %: by the name alone most runs call it, and by its parts none."""
    rng = np.random.default_rng(11)
    policy = (parse("margin: 0.02\n", "models.yaml"),)
    called = {"same": 0, "other": 0}
    for _ in range(200):
        past = accepted(factors=np.exp(rng.normal(0, SD / 2, 8)) - 1)
        factor = 1.05 * float(np.exp(rng.normal(0, SD / 2)))
        for name, machine in (("same", OLD), ("other", NEW)):
            called[name] += Verdict.REGRESSED in verdicts(judged(past, machine, factor, factor, policy=policy))
    assert called["same"] >= 150
    assert called["other"] == 0


def recorded(files, case, machine, mode=Mode.APPEND, policy=(), run="r"):
    """What an update adds, and what it says."""
    update = plan_update(
        files, [Candidate(case, machine, policy)], run_id=run, date="2025-03-01T00:00:00+00:00", mode=mode
    )
    return update.lines[files.hardware].add, update.cases[0].said


def test_what_may_be_the_machines_joins_nothing():
    """Append refuses a change that is not called and says how to accept it; reseat opens a segment with it."""
    files = baseline(YAML, *accepted())
    case = today(1.2, checks=judged(accepted(), NEW, 1.2).checks, verdict=Verdict.INCONCLUSIVE)
    assert recorded(files, case, NEW) == (
        (), "not recorded: the machine changed, and its figures with it; --baseline-mode reseat accepts its level"
    )  # fmt: skip
    (opened, made), _ = recorded(files, case, NEW, Mode.RESEAT)
    assert (opened.how, made.segment, made.machine) == ("reseat", "r", {**NEW, "name": "1x-nvidia-h200"})
    fine = today(checks=judged(accepted(), NEW, 1.0).checks, verdict=Verdict.OK)
    (joined,), _ = recorded(files, fine, NEW)
    assert joined.segment == "1"


def test_by_policy_another_machine_has_a_segment():
    """It is NEW with the reason, recording opens a segment, and there and back are two changes."""
    assert [check.note for check in judged(accepted(), NEW, 1.2, policy=SEGMENT).checks] == [
        "the machine changed (stepping 7 -> 8)"
    ]
    (opened, made), said = recorded(baseline(YAML, *accepted()), today(1.2), NEW, policy=SEGMENT)
    assert (opened.how, opened.why, made.segment) == ("changed", "the machine changed (stepping 7 -> 8)", "r")
    assert said.endswith("session 1 of segment 2: the machine changed (stepping 7 -> 8)")
    past = [*accepted(), opened, made]
    assert verdicts(judged(past, OLD, 1.0, policy=SEGMENT)) == {Verdict.NEW}
    (back, _), _ = recorded(baseline(YAML, *past), today(), OLD, policy=SEGMENT, run="s")
    assert back.why == "the machine changed (stepping 8 -> 7)"


def test_a_segment_by_machine_keeps_the_spread_and_not_the_level():
    """One session of the new machine is the level; the noise is what eight on the other one told."""
    opened = segment("m", date="2025-02-01T00:00:00+00:00", how="changed")
    past = [*accepted(), opened, *accepted(NEW, (0.2,), 20, segment="m")]
    found = judged(past, NEW, 1.2, policy=SEGMENT)
    (check, _) = found.checks
    assert check.verdict is Verdict.OK
    assert check.comparison.baseline == pytest.approx(41.0 * 1.2)
    assert check.comparison.n == 1
    assert check.comparison.df >= 7
    case = Candidate(today(1.2), NEW, SEGMENT)
    level = comparable(baseline(YAML, *past), CASE, case.fingerprint, SEGMENT).level
    assert [each.id for each in level] == ["run-20"], "relative budgets start from this machine's sessions"
    assert len(comparable(baseline(YAML, *past), CASE, case.fingerprint).level) == 9
