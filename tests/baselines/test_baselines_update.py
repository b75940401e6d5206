"""What --update-baselines plans: which lines, which text, which words."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from baselines.baseline_made import CASE, YAML, baseline, candidate, result, segment, session
from made.cases import history, summary
from pytest_inferbench.baselines.candidate import BaselineKey, by_file
from pytest_inferbench.baselines.comparable import comparable
from pytest_inferbench.baselines.lines import Segment, Session
from pytest_inferbench.baselines.place import Mode
from pytest_inferbench.baselines.telling import told_lines
from pytest_inferbench.baselines.update import plan_update
from pytest_inferbench.config.parse import parse
from pytest_inferbench.document.codec import to_json
from pytest_inferbench.document.figures import Check, Finding
from pytest_inferbench.errors import BaselineError
from pytest_inferbench.stats.verdict import Verdict


def plan(files, *candidates, **how):
    return plan_update(files, candidates, run_id="run-9", date="2025-02-03T04:05:06+00:00", **how)


def added(update):
    (edit,) = update.lines.values()
    return edit.add


def recorded(update):
    (made,) = (line for line in added(update) if isinstance(line, Session))
    return made


def test_the_first_session_of_a_model_makes_peoples_file():
    """Where there is no file, one is written once: with budgets, and a word on whose it is."""
    update = plan(baseline(), candidate(image="vllm/vllm@sha256:0f"))
    assert update.file.old is None
    head, text = update.file.new.split("schema:")
    assert "review" in head
    assert (
        "schema:" + text
        == """\
schema: 1
model: qwen3-8b
backend: vllm
cases:
  concurrency[c08]:
    hardware:
      1x-nvidia-h200:
        budgets: {ttft_ms.p50: {max: 63}, tpot_ms.p50: {max: 9.45}, output_tok_per_s: {min: 800}}
"""
    )
    assert told_lines(update.cases) == [
        "concurrency[c08] on 1x-nvidia-h200: NEW, session 1 of segment 1: no baseline for this case",
    ]
    assert update.notes == ("3 budgets for 1 case proposed in q.yaml, in force from now on: review them",)
    assert [(each.old, each.new) for each in update.cases[0].figures] == [(None, 41.0), (None, 6.2), (None, 1280.0)]


def test_arguments_are_kept_once():
    """The first line of a set of arguments has them, the next ones its hash alone."""
    server = {"args_hash": "b2", "args": {"max-num-seqs": 128}}
    first = recorded(plan(baseline(), candidate(**server)))
    assert first.server_args == {"max-num-seqs": "128"}
    earlier = first.model_copy(update={"id": "run-1"})
    again = plan(baseline(YAML, earlier), candidate(**server))
    assert recorded(again).server_args is None


def test_the_session_line():
    """A session keeps every figure that has a better side, by round, with six digits, and the gates in force."""
    made = recorded(plan(baseline(), candidate(canary="c1", machine={"kernel": "6.1"}, issued=96)))
    assert made.model_dump(by_alias=True) == {
        "schema": 3,
        "aside": None,
        "server_args": None,
        "kind": "session",
        "id": "run-9",
        "date": "2025-02-03T04:05:06+00:00",
        "case": "concurrency[c08]",
        "variant": "",
        "segment": "1",
        "version": "v0.8.1",
        "image": None,
        "provision": "docker",
        "server_args_hash": "a1",
        "workload_hash": "w1",
        "token_method": "usage",
        "canary": "c1",
        "served_model": None,
        "machine": {"kernel": "6.1", "name": "1x-nvidia-h200"},
        "requests": 96,
        "issued": 96,
        "failed": None,
        "gates": ["ttft_ms.p50", "tpot_ms.p50", "output_tok_per_s"],
        "rounds": {
            "ttft_ms.p50": (41.0, 42.0, 40.1235),
            "tpot_ms.p50": (6.1, 6.3, 6.2),
            "output_tok_per_s": (1280.0, 1200.0, 1300.0),
        },
        "pooled": None,
    }


def test_a_round_without_a_figure():
    """A round that lacks a figure stays a gap and does not move the median."""
    update = plan(baseline(), candidate(rounds=({"ttft_ms.p50": 41.0}, {}, {"ttft_ms.p50": 43.0})))
    assert recorded(update).rounds == {"ttft_ms.p50": (41.0, None, 43.0)}
    assert [(each.metric, each.new) for each in update.cases[0].figures] == [("ttft_ms.p50", 42.0)]


def test_a_zero_is_accepted_nowhere():
    """A time per token of 0 was not measured, and no later figure has a ratio to it: it is a gap, and no budget."""
    rounds = ({"ttft_ms.p50": 41.0, "tpot_ms.p50": 0.0}, {"ttft_ms.p50": 0.0, "tpot_ms.p50": 0.0})
    update = plan(baseline(), candidate(rounds=rounds))
    assert recorded(update).rounds == {"ttft_ms.p50": (41.0, None)}
    assert "tpot_ms" not in update.file.new


def test_a_healthy_zero_is_a_figure():
    """An error rate of 0 is stored, and beside it how many requests failed of how many; it proposes no budget."""
    errors = result().metrics | {"error_rate": summary("%", value=0.0)}
    rounds = ({"error_rate": 0.0}, {"error_rate": 0.0})
    update = plan(baseline(), candidate(rounds=rounds, metrics=errors, issued=200))
    assert recorded(update).rounds == {"error_rate": (0.0, 0.0)}
    assert (recorded(update).failed, recorded(update).issued) == (0, 200)
    assert update.file is None
    some = errors | {"error_rate": summary("%", value=0.035)}
    assert recorded(plan(baseline(), candidate(metrics=some, issued=200))).failed == 7


def test_zeros_and_negative_figures_of_what_can_be_so():
    """Preemptions and drifts are stored as they are; what older lines of them had was only above 0."""
    metrics = {
        "server_preemptions": summary("", value=0.0),
        "ttft_drift": summary("%", value=-0.02),
    }
    rounds = ({"server_preemptions": 0.0, "ttft_drift": -0.02}, {"server_preemptions": 3.0, "ttft_drift": 0.0})
    made = recorded(plan(baseline(), candidate(rounds=rounds, metrics=metrics)))
    assert made.rounds == {"server_preemptions": (0.0, 3.0), "ttft_drift": (-0.02, 0.0)}
    assert Session.model_validate_json(made.to_text()) == made


def test_a_further_session_is_one_line():
    """Nothing of people's is written; people are told that it joined, the document what the figures were and are."""
    update = plan(baseline(YAML, session()), candidate(verdict=Verdict.OK, version="v0.8.2"))
    assert (update.file, update.notes) == (None, ())
    assert [line.kind for line in added(update)] == ["session"]
    assert recorded(update).segment == "1"
    assert told_lines(update.cases) == ["concurrency[c08] on 1x-nvidia-h200: OK, session 2 of segment 1"]
    assert to_json(update.cases[0].account())["figures"] == [
        {"metric": "ttft_ms.p50", "old": 41.0, "new": 41.0},
        {"metric": "tpot_ms.p50", "old": 6.1, "new": 6.15},
        {"metric": "output_tok_per_s", "new": 1280.0},
    ]


def test_a_figure_that_moved_by_more_than_its_noise_is_told():
    """A case has a line where a session moves an accepted figure by more than one session scatters; others have not."""
    checks = tuple(
        history(metric, Verdict.OK, 50.0, sd=sd) for metric, sd in (("ttft_ms.p50", 0.05), ("tpot_ms.p50", 0.2))
    )
    rounds = ({"ttft_ms.p50": 50.0, "tpot_ms.p50": 6.3},)
    update = plan(baseline(YAML, session()), candidate(verdict=Verdict.OK, rounds=rounds, checks=checks))
    assert told_lines(update.cases) == [
        "concurrency[c08] on 1x-nvidia-h200: OK, session 2 of segment 1; ttft_ms.p50 41.0 -> 45.5"
    ]


def test_cases_that_went_as_expected_are_counted():
    """Forty cases of one verdict are one line; one that is not recorded has its own, below."""
    many = [candidate(f"c{number}", verdict=Verdict.OK) for number in range(40)]
    files = baseline(YAML, *(session(case=f"c{number}") for number in range(41)))
    update = plan(files, *many, candidate("c40", verdict=Verdict.INVALID))
    assert told_lines(update.cases) == [
        "40 cases on 1x-nvidia-h200: OK, session 2 of segment 1",
        "c40 on 1x-nvidia-h200: not recorded: the measurement is invalid",
    ]


def test_a_changed_workload_opens_a_segment():
    """After a changed workload the figures start anew, and the line and people are told why."""
    update = plan(baseline(YAML, session()), candidate(workload={"hash": "w2"}))
    opened, made = added(update)
    assert (opened.how, opened.why) == ("changed", "the workload changed (hash w1 -> w2)")
    assert opened.id == made.segment == "run-9"
    assert "NEW, session 1 of segment 2: the workload changed (hash w1 -> w2); ttft_ms" in told_lines(update.cases)[0]


def test_budgets_of_a_new_case_are_for_people_to_paste():
    """A file that is there stays as it is: how much could stand in it for a new case is told, and what prints it."""
    update = plan(baseline(YAML, session()), candidate("single"))
    assert update.file is None
    assert update.notes == ("3 budgets for 1 case could stand in q.yaml: `inferbench baselines propose` prints them",)
    again = plan(baseline(YAML, session(), session(2, case="single")), candidate("single"))
    assert again.notes == (), "told with its first session, and by `inferbench baselines propose`"


def test_a_case_that_people_have_gets_no_proposal():
    """Budgets of a case on any hardware hold on new hardware too."""
    update = plan(baseline(YAML, hardware="cpu"), candidate(hardware="cpu"))
    assert (update.file, update.notes) == (None, ())


def test_a_case_with_budgets_of_other_hardware_alone():
    """What is proposed at first is for the first hardware; the next one is told that it has none."""
    text = YAML.replace("    budgets: {ttft_ms.p95: {max: 400}, output_tok_per_s: {min: 500}} ", "    budgets: {} ")
    update = plan(baseline(text, hardware="cpu"), candidate(hardware="cpu"))
    assert update.file is None
    assert update.notes == ("3 budgets for 1 case could stand in q.yaml: `inferbench baselines propose` prints them",)


def test_a_variant_is_a_case_of_its_own():
    """A variant's figures go by a key of their own."""
    update = plan(baseline(YAML, session()), candidate(variant="chunked"))
    assert recorded(update).key == "concurrency[c08]@chunked"
    assert told_lines(update.cases)[0].startswith("concurrency[c08]@chunked on 1x-nvidia-h200: NEW, session 1 of")


def test_gates_of_people_are_theirs():
    """Only the gates that a file or a model's policy names are accepted."""
    text = "schema: 1\nmodel: qwen3-8b\nbackend: vllm\ncases:\n  concurrency[c08]: {gates: [tpot_ms.p50]}\n"
    assert recorded(plan(baseline(text), candidate())).gates == ["tpot_ms.p50"]
    policy = (parse("gates: [tpot_ms.p50]", "config/models.yaml"),)
    update = plan(baseline(), dataclasses.replace(candidate(), policy=policy))
    assert recorded(update).gates == ["tpot_ms.p50"]
    assert "budgets: {tpot_ms.p50: {max: 9.45}}" in update.file.new


def test_a_zero_proposes_nothing():
    """Without a figure there is no budget and no file."""
    update = plan(baseline(), candidate(rounds=({"ttft_ms.p50": 0.0},)))
    assert update.file is None


INVALID = {"validity": (Finding("error_rate", invalid=True, message="m", remedy="r"),)}
REGRESSED = {"checks": (Check("ttft_ms.p50", "history", Verdict.REGRESSED, 50.0),), "verdict": Verdict.OVER_BUDGET}
REGRESSED_WORDS = "it regressed; --accept-regressions records it all the same"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (INVALID, "the measurement is invalid"),
        ({"verdict": Verdict.INVALID}, "the measurement is invalid"),
        (REGRESSED, REGRESSED_WORDS),
        ({"verdict": Verdict.REGRESSED}, REGRESSED_WORDS),
    ],
)
def test_what_is_not_recorded(fields, reason):
    """An invalid or regressed case leaves both files as they are, and people are told."""
    update = plan(baseline(YAML, session()), candidate(**fields))
    assert not update.writes
    assert told_lines(update.cases) == [f"concurrency[c08] on 1x-nvidia-h200: not recorded: {reason}"]


def test_a_run_is_recorded_once():
    """The same run again changes nothing."""
    update = plan(baseline(YAML, session(9)), candidate())
    assert not update.writes
    assert told_lines(update.cases)[0].endswith("not recorded: run run-9 is already in h.jsonl")


def test_over_budget_is_recorded():
    """A case over a limit is a valid measurement and part of the history."""
    assert added(plan(baseline(YAML, session()), candidate(verdict=Verdict.OVER_BUDGET)))


def test_reseat_opens_a_segment():
    """After an upgrade the level starts anew in a segment of its own; the earlier sessions stay for their spread."""
    update = plan(baseline(YAML, session()), candidate(verdict=Verdict.OK, version="v0.9.0"), mode=Mode.RESEAT)
    opened, made = added(update)
    assert isinstance(opened, Segment)
    assert (opened.how, opened.why, opened.key) == ("reseat", "reseated (v0.8.1 -> v0.9.0)", CASE)
    first = "concurrency[c08] on 1x-nvidia-h200: OK, session 1 of segment 2: reseated (v0.8.1 -> v0.9.0)"
    figures = "ttft_ms.p50 41.0 -> 41.0, tpot_ms.p50 6.10 -> 6.20, output_tok_per_s none -> 1280"
    assert told_lines(update.cases) == [f"{first}; {figures}"]
    told = comparable(baseline(YAML, session(), opened, made), made.key, candidate().fingerprint)
    assert told.accepted.numbers == (1, 2)


def test_a_segment_that_another_run_opened_meanwhile_is_not_joined():
    """A run that began before somebody reseated measured the level of before, and stays with it."""
    files = baseline(YAML, session(1), segment("run-5"), session(5, segment="run-5"))
    began = datetime(2025, 1, 5, tzinfo=UTC)
    assert recorded(plan(files, candidate(verdict=Verdict.OK), started=began)).segment == "1"
    assert recorded(plan(files, candidate(verdict=Verdict.OK), started=began + timedelta(days=2))).segment == "run-5"


def test_what_changed_is_in_the_segment():
    """The versions where they differ, else whether the server's arguments do."""
    files = baseline(YAML, session(server_args_hash="b2"))
    opened, _ = added(plan(files, candidate(verdict=Verdict.OK), mode=Mode.RESEAT))
    assert opened.why == "reseated (the same version, other server arguments)"


def test_reseat_of_a_new_case_is_its_first_segment():
    """Where nothing was accepted before there is nothing to reseat: the case starts as it would otherwise."""
    update = plan(baseline(), candidate(), mode=Mode.RESEAT)
    assert [(line.kind, line.segment) for line in added(update)] == [("session", "1")]


@pytest.mark.parametrize(("mode", "how"), [(Mode.APPEND, "accept"), (Mode.RESEAT, "reseat")])
def test_an_accepted_regression_opens_a_segment(mode, how):
    """It is marked and still reported as REGRESSED; relative budgets start from it where it is reseated, too."""
    files = baseline(YAML, session())
    update = plan(files, candidate(verdict=Verdict.REGRESSED), mode=mode, accept_regressions=True)
    assert added(update)[0].how == how
    said = told_lines(update.cases)[0]
    assert "REGRESSED, session 1 of segment 2: the regression is accepted (the same version); ttft_ms" in said


def test_a_regression_is_not_reseated_either():
    """Reseating alone accepts no regression."""
    assert not plan(baseline(YAML, session()), candidate(verdict=Verdict.REGRESSED), mode=Mode.RESEAT).writes


def test_a_session_joins_the_newest_segment():
    """After a reseat sessions name the segment that it opened, and are counted in it."""
    files = baseline(YAML, session(1), segment("run-5"), session(5, segment="run-5"))
    update = plan(files, candidate(verdict=Verdict.OK))
    assert recorded(update).segment == "run-5"
    assert told_lines(update.cases)[0].endswith("OK, session 2 of segment 2")


def test_a_segment_whose_sessions_are_gone_is_filled_again():
    """Sessions deleted by hand leave a segment behind, which the next session joins."""
    update = plan(baseline(YAML, segment("run-5")), candidate())
    assert recorded(update).segment == "run-5"


def test_candidates_by_file():
    """Cases are grouped by model, backend and hardware, by their whole names."""
    cases = [candidate("a"), candidate("b"), candidate("a", hardware="My GPU"), candidate("a", variant="x")]
    grouped = by_file(cases)
    assert grouped == {
        BaselineKey("qwen3-8b", "vllm", "1x-nvidia-h200"): [cases[0], cases[1], cases[3]],
        BaselineKey("qwen3-8b", "vllm", "My GPU"): [cases[2]],
    }


def test_two_cells_of_one_key_are_refused():
    """Two versions of one model in a run cannot both become its baseline."""
    with pytest.raises(BaselineError) as caught:
        by_file([candidate(id="t[v1]", version="v1"), candidate(id="t[v2]", version="v2")])
    assert str(caught.value) == (
        "t[v1] and t[v2] are both concurrency[c08] of qwen3-8b on vllm: a baseline holds one of them; "
        "select one (-k, or one --backend-version) to update it"
    )
