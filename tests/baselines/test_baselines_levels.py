"""What waits, what an improvement opens, and what a regression leaves out: lines, and what is derived from them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from benchmarks.perf.proof.nightly import Store, judge_night

from baselines.baseline_made import CASE, TABLE, baseline, candidate, result, segment, session
from made.cases import comparison, history
from pytest_inferbench.baselines.accepted import reference
from pytest_inferbench.baselines.candidate import Candidate
from pytest_inferbench.baselines.decided import plan_decided
from pytest_inferbench.baselines.lines import LeftOut
from pytest_inferbench.baselines.place import Mode
from pytest_inferbench.baselines.read_lines import read_lines
from pytest_inferbench.baselines.update import plan_update
from pytest_inferbench.document.figures import Check
from pytest_inferbench.judge.history import Histories
from pytest_inferbench.stats.comparison import Record
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.verdict import Verdict, worst
from pytest_inferbench.units import Direction

TTFT = "ttft_ms.p50"
NIGHT = datetime(2025, 2, 1, tzinfo=UTC)


def check(record="joins", verdict=Verdict.OK, metric=TTFT):
    return history(metric, verdict, 41.0, record=Record(record))


def recorded(files, *checks, run="run-9", mode=Mode.APPEND, accept=False):
    """What an update adds, and what it says."""
    verdict = worst(each.verdict for each in checks)
    update = plan_update(
        files,
        [candidate(checks=checks, verdict=verdict)],
        run_id=run,
        date="2025-01-20T00:00:00+00:00",
        mode=mode,
        accept_regressions=accept,
    )
    return update.lines[files.hardware].add, update.cases[0].said


def waits(number, way="worse", **fields):
    return session(number, aside={TTFT: way}, **fields)


def after(files, added):
    return files.of(CASE).with_lines(added)


def test_a_session_that_waits_says_in_which_gate_and_how():
    """It joins the segment's lines with the gate and the way, and people are told."""
    files = baseline(None, session(1))
    (line,), said = recorded(files, check("worse", Verdict.INCONCLUSIVE), check(metric="tpot_ms.p50"))
    assert (line.segment, line.aside) == ("1", {TTFT: "worse"})
    assert said == "INCONCLUSIVE, session 2 of segment 1: waiting for further days: ttft_ms.p50 (looks worse)"
    (back,) = read_lines(line.to_text(), "h.jsonl", datetime.now(UTC))[CASE].sessions
    assert back == line


def test_what_waits_is_in_no_figure_and_in_no_reference():
    """The accepted figure leaves it out in its gate alone; a relative budget leaves it out for good."""
    accepted = baseline(None, session(1), waits(2, rounds={TTFT: [60.0], "tpot_ms.p50": [7.0]})).of(CASE)
    assert accepted.figures([TTFT, "tpot_ms.p50"]) == {TTFT: 41.0, "tpot_ms.p50": pytest.approx(6.55)}
    joined = baseline(None, session(1), waits(2, rounds={TTFT: [60.0]}), session(3)).of(CASE)
    assert joined.waiting(TTFT) == ()
    assert joined.history(TTFT, Direction.LOWER, 20).n == 3
    assert reference(joined.level, TTFT).value == 41.0


def test_what_waited_and_joins_is_told():
    """A day that does not look so ends the waiting, and says of which figure how many sessions now count."""
    files = baseline(None, session(1), waits(2), waits(3))
    _, said = recorded(files, check())
    assert said == "OK, session 4 of segment 1: what waited has joined: ttft_ms.p50 (2)"
    _, said = recorded(files, check("worse", Verdict.INCONCLUSIVE))
    assert "has joined" not in said


def test_an_improvement_opens_a_segment_and_takes_those_that_waited_for_it():
    """Their lines stay where they are; what is derived puts them into the new segment."""
    files = baseline(None, session(1), session(2), waits(3, "better"), waits(4, "better"))
    (opened, line), said = recorded(files, check("opens", Verdict.IMPROVED))
    assert (opened.how, opened.takes, line.segment) == ("improved", ["run-3", "run-4"], "run-9")
    assert said == "IMPROVED, session 3 of segment 2: ttft_ms.p50 improved (the same version)"
    accepted = after(files, [opened, line])
    assert [each.id for each in accepted.segment] == ["run-3", "run-4", "run-9"]
    assert accepted.history(TTFT, Direction.LOWER, 20).sessions[-1].improved == "2025-01-20"


def test_a_regression_leaves_out_what_waited():
    """It is not recorded itself; from then on nothing of its beginning counts."""
    files = baseline(None, session(1), waits(2), waits(3))
    (line,), said = recorded(files, check("joins", Verdict.REGRESSED))
    assert isinstance(line, LeftOut)
    assert line.sessions == ["run-2", "run-3"]
    assert said == (
        "not recorded: it regressed; --accept-regressions records it all the same; 2 that waited are left out"
    )
    assert [each.id for each in after(files, [line]).sessions] == ["run-1"]
    assert recorded(baseline(None, session(1), waits(2), session(3)), check("joins", Verdict.REGRESSED))[0] == ()


def test_pairs_that_call_a_regression_leave_out_what_waited():
    """They record no session; where they call none, nothing changes, and both is said."""
    files = baseline(None, session(1), waits(2), waits(3))
    pairs = Check(TTFT, "pairs", Verdict.REGRESSED, 60.0, comparison=comparison())
    update = plan_decided(files, [result(checks=(pairs,), verdict=Verdict.REGRESSED)], "run-9", "2025-01-20")
    (line,) = update.lines[files.hardware].add
    assert line.sessions == ["run-2", "run-3"]
    assert update.notes == (
        "concurrency[c08] on 1x-nvidia-h200: ttft_ms.p50 regressed by pairs: 2 sessions that waited left out",
    )
    calm = Check(TTFT, "pairs", Verdict.OK, 41.0, comparison=comparison())
    update = plan_decided(files, [result(checks=(calm,), verdict=Verdict.OK)], "run-9", "2025-01-20")
    assert not update.lines[files.hardware].changes
    assert "nothing that waits is left out" in update.notes[0]


def test_an_accepted_regression_takes_what_waited():
    """It is the beginning of the level that a person accepts."""
    files = baseline(None, session(1), waits(2), waits(3))
    (opened, _), _ = recorded(files, check("joins", Verdict.REGRESSED), accept=True)
    assert (opened.how, opened.takes) == ("accept", ["run-2", "run-3"])


def test_an_improvement_that_did_not_last_gives_its_sessions_back():
    """The segment that returns, the improvement before it and the one before that are one level again."""
    improved = segment("run-3", how="improved", date="2025-01-04T00:00:00+00:00")
    files = baseline(None, session(1), session(2), improved, session(3, segment="run-3"), waits(4, segment="run-3"))
    assert files.of(CASE).history(TTFT, Direction.LOWER, 20).n == 1
    (opened, line), said = recorded(files, check("returns", Verdict.INCONCLUSIVE))
    assert (opened.how, line.aside) == ("returned", None)
    assert "did not last" in said
    accepted = after(files, [opened, line])
    assert [each.id for each in accepted.segment] == ["run-1", "run-2", "run-3", "run-4", "run-9"]
    history = accepted.history(TTFT, Direction.LOWER, 20)
    assert (history.n, history.earlier, history.sessions[-1].improved) == (5, None, "")


def test_lines_of_before_are_judged_with_a_note():
    """A history whose last line is of an earlier version says, once a case, what is judged otherwise now."""
    files = baseline(None, session(1, schema=2), session(2, schema=2))
    judged = Histories(files, TABLE, (), {}).judge([result()], 3)
    assert sum("sessions of one day count as one now" in note for note in judged.notes) == 1
    newer = Histories(baseline(None, session(1, schema=2), session(2)), TABLE, (), {})
    assert not any("earlier version" in note for note in newer.judge([result()], 3).notes)


def test_the_proof_s_nights_are_the_product_s():
    """Night by night, what the proof's arrays say and record is what the baseline files and the gate do."""
    rng = np.random.default_rng(21)
    gates, cases, nights = 6, 2, 26
    metrics, signs = (TTFT, "tpot_ms.p50", "output_tok_per_s"), np.asarray([1, 1, -1, 1, 1, -1])
    text = "schema: 1\nmodel: qwen3-8b\nbackend: vllm\n"
    store, files = Store(1, np.arange(gates) // 3, nights), baseline(text)
    said = []
    for night in range(nights):
        shift = np.zeros(gates)
        shift[:3] = -0.25 if 8 <= night < 13 else 0.0
        shift[3:] = 0.3 if 2 <= night < 6 else -0.2 if night in (15, 16) else 0.0
        sessions = shift[:, None] + 0.015 * (rng.standard_normal((gates, 1)) + rng.standard_normal((gates, 2)))
        moment = NIGHT + timedelta(days=night)
        results = [
            [
                result(
                    f"c{case}",
                    rounds=(
                        {
                            name: 40.0 * math.exp(signs[3 * case + at] * sessions[3 * case + at, k])
                            for at, name in enumerate(metrics)
                        },
                    ),
                )
                for k in range(2)
            ]
            for case in range(cases)
        ]
        histories = Histories(files, TABLE, (), {}, today=moment)
        judged = []
        for both in results:
            once = histories.judge(both[:1], gates)
            judged.append(histories.judge(both, gates) if once.wants_more else once)
        candidates = [
            Candidate(
                result(f"c{case}", rounds=results[case][0].rounds, checks=judged[case].checks, verdict=Verdict.OK), {}
            )
            for case in range(cases)
        ]
        added = plan_update(files, candidates, run_id=f"n{night:02d}", date=moment.isoformat()).lines["1x-nvidia-h200"]
        accepted = {
            f"c{case}": files.of(f"c{case}").with_lines([line for line in added.add if line.case == f"c{case}"])
            for case in range(cases)
        }
        files = type(files)(files.hardware, files.name, files.lines_name, files.text, files.file, accepted)
        if not night:
            store.start(sessions[None, :, 0])
            continue
        found = judge_night(store, sessions[None], Rule(gates=gates))
        store.record(sessions[None, :, 0], found)
        told = [each.verdict is Verdict.REGRESSED for case in judged for each in case.checks]
        assert told == found.regressed[0].tolist(), night
        records = [each.comparison and each.comparison.record for case in judged for each in case.checks]
        assert [each == "opens" for each in records] == found.opens[0].tolist(), night
        assert [each == "returns" for each in records] == found.returns[0].tolist(), night
        called = found.regressed[0].reshape(cases, 3).any(axis=1).repeat(3)
        aside = [{"worse": 1, "better": -1}.get(each, 0) for each in records]
        assert [each for each, red in zip(aside, called, strict=True) if not red] == found.aside[0][~called].tolist()
        said += [each for each in records if each != "joins"] + ["regressed"] * sum(told)
    assert {"worse", "opens", "regressed"} <= set(said), "the nights tell of all of it"
