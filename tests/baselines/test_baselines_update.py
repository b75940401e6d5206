"""What --update-baselines plans: which sessions, which text, which words."""

import dataclasses

import pytest
from baseline_made import TABLE, YAML, candidate, session

from pytest_inferbench.baselines.candidate import BaselineKey, by_file
from pytest_inferbench.baselines.comparable import comparable
from pytest_inferbench.baselines.read import read_file, read_sessions
from pytest_inferbench.baselines.schema import Baseline, BaselineFile
from pytest_inferbench.baselines.update import Mode, plan_update
from pytest_inferbench.config.parse import parse
from pytest_inferbench.errors import BaselineError
from pytest_inferbench.measure.result import Check, Finding
from pytest_inferbench.stats.verdict import Verdict

NOTHING = Baseline("1x-nvidia-h200", "q.yaml", "h.jsonl", None, None, BaselineFile("qwen3-8b", "vllm", {}), ())


def having(text, *sessions):
    file = read_file(parse(text, "q.yaml"), TABLE)
    lines = "".join(f"{made.to_line()}\n" for made in sessions)
    return dataclasses.replace(NOTHING, text=text, sessions_text=lines, file=file, sessions=sessions)


def plan(baseline, *candidates, **how):
    return plan_update(baseline, candidates, run_id="run-9", date="2025-02-03T04:05:06Z", **how)


def appended(update):
    (change,) = update.sessions.values()
    before = change.old or ""
    assert (change.new or "").startswith(before)
    return read_sessions((change.new or "").removeprefix(before), "h.jsonl")


def test_first_session_makes_the_file():
    """A new case starts with gates, accepted figures and proposed budgets that are marked as such."""
    update = plan(NOTHING, candidate(image="vllm/vllm@sha256:0f"))
    assert (
        update.budgets.new
        == """\
schema: 1
model: qwen3-8b
backend: vllm
cases:
  concurrency[c08]:
    gates: [ttft_ms.p50, tpot_ms.p50, output_tok_per_s]
    hardware:
      1x-nvidia-h200:
        budgets: {ttft_ms.p50: {max: 50.4}, tpot_ms.p50: {max: 7.56}, output_tok_per_s: {min: 1000}}  \
# proposed from the first session; review
        accepted: {version: v0.8.1, image: vllm/vllm@sha256:0f, sessions: 1, \
ttft_ms.p50: 41.0, tpot_ms.p50: 6.20, output_tok_per_s: 1280}
"""
    )
    assert update.lines == (
        "concurrency[c08] on 1x-nvidia-h200: NEW, session 1 of segment 1: no baseline for this case",
        "  ttft_ms.p50: none -> 41.0",
        "  tpot_ms.p50: none -> 6.20",
        "  output_tok_per_s: none -> 1280",
        "  proposed budget ttft_ms.p50: max 50.4",
        "  proposed budget tpot_ms.p50: max 7.56",
        "  proposed budget output_tok_per_s: min 1000",
    )


def test_the_session_line():
    """A session keeps every figure that has a better side, by round, with six digits."""
    (made,) = appended(plan(NOTHING, candidate(canary="c1", machine={"kernel": "6.1"})))
    assert made.model_dump(by_alias=True) == {
        "schema": 1,
        "id": "run-9",
        "date": "2025-02-03T04:05:06Z",
        "case": "concurrency[c08]",
        "variant": "",
        "segment": 1,
        "how": "append",
        "version": "v0.8.1",
        "image": None,
        "provision": "docker",
        "server_args_hash": "a1",
        "workload_hash": "w1",
        "token_method": "usage",
        "canary": "c1",
        "served_model": None,
        "machine": {"kernel": "6.1"},
        "requests": 96,
        "rounds": {
            "ttft_ms.p50": [41.0, 42.0, 40.1235],
            "tpot_ms.p50": [6.1, 6.3, 6.2],
            "output_tok_per_s": [1280.0, 1200.0, 1300.0],
        },
    }


def test_a_round_without_a_figure():
    """A round that lacks a figure stays a gap and does not move the median."""
    rounds = ({"ttft_ms.p50": 41.0}, {}, {"ttft_ms.p50": 43.0})
    update = plan(NOTHING, candidate(rounds=rounds))
    assert appended(update)[0].rounds == {"ttft_ms.p50": [41.0, None, 43.0]}
    assert "gates: [ttft_ms.p50]\n" in update.budgets.new
    assert "sessions: 1, ttft_ms.p50: 42.0}" in update.budgets.new


def test_a_zero_is_accepted_nowhere():
    """A time per token of 0 was not measured, and no later figure has a ratio to it: it is a gap, and no gate."""
    rounds = ({"ttft_ms.p50": 41.0, "tpot_ms.p50": 0.0}, {"ttft_ms.p50": 0.0, "tpot_ms.p50": 0.0})
    update = plan(NOTHING, candidate(rounds=rounds))
    assert appended(update)[0].rounds == {"ttft_ms.p50": [41.0, None]}
    assert "tpot_ms" not in update.budgets.new


def test_append_moves_only_accepted():
    """A further session changes the accepted figures to the medians and leaves every other character."""
    baseline = having(YAML, session())
    update = plan(baseline, candidate(verdict=Verdict.OK, image="vllm/vllm@sha256:1a", version="v0.8.2"))
    old = "{version: v0.8.1, image: vllm/vllm@sha256:0f, sessions: 1, ttft_ms.p50: 41.0, tpot_ms.p50: 6.10}"
    new = (
        "{version: v0.8.2, image: vllm/vllm@sha256:1a, sessions: 2, ttft_ms.p50: 41.0, tpot_ms.p50: 6.15, "
        "output_tok_per_s: 1280}"
    )
    assert update.budgets.new == YAML.replace(old, new)
    assert appended(update)[0].segment == 1
    assert update.lines == (
        "concurrency[c08] on 1x-nvidia-h200: OK, session 2 of segment 1",
        "  ttft_ms.p50: 41.0 -> 41.0",
        "  tpot_ms.p50: 6.10 -> 6.15",
        "  output_tok_per_s: none -> 1280",
    )


def test_changed_workload_opens_a_segment():
    """After a changed workload the figures start anew, and people are told why."""
    update = plan(having(YAML, session()), candidate(workload={"hash": "w2"}))
    assert appended(update)[0].segment == 2
    assert "sessions: 1, ttft_ms.p50: 41.0, tpot_ms.p50: 6.20" in update.budgets.new
    assert update.lines[0].endswith("NEW, session 1 of segment 2: the workload changed (hash w1 -> w2)")
    assert "proposed" not in update.budgets.new


def test_other_hardware_of_a_known_case():
    """A known case on new hardware gets an entry; the case's own budgets hold there, so none are proposed."""
    update = plan(dataclasses.replace(having(YAML), hardware="cpu"), candidate(hardware="cpu"))
    added = update.budgets.new.removeprefix(YAML)
    assert added.startswith("      cpu:\n        accepted: {version: v0.8.1, sessions: 1,")
    assert added.count("\n") == 2


def test_variant_is_a_case_of_its_own():
    """A variant's figures stand under a key of their own."""
    update = plan(having(YAML, session()), candidate(variant="chunked"))
    assert "\n  concurrency[c08]@chunked:\n    gates:" in update.budgets.new
    assert update.budgets.new.startswith(YAML)


def test_gates_of_people_are_theirs():
    """Only the gates that a file names are accepted, and they are not added to."""
    text = "schema: 1\nmodel: qwen3-8b\nbackend: vllm\ncases:\n  concurrency[c08]: {gates: [tpot_ms.p50]}\n"
    update = plan(having(text), candidate())
    assert "accepted: {version: v0.8.1, sessions: 1, tpot_ms.p50: 6.20}" in update.budgets.new
    assert "budgets: {tpot_ms.p50: {max: 7.56}}" in update.budgets.new
    assert "gates: [tpot_ms.p50]," in update.budgets.new


def test_zero_proposes_nothing():
    """A figure of zero gives no budget that could ever be met by a factor."""
    update = plan(NOTHING, candidate(rounds=({"ttft_ms.p50": 0.0},)))
    assert "budgets" not in update.budgets.new


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
    update = plan(having(YAML, session()), candidate(**fields))
    assert (update.budgets.new, appended(update), update.writes) == (YAML, (), False)
    assert update.lines == (f"concurrency[c08] on 1x-nvidia-h200: not recorded: {reason}",)


def test_a_run_is_recorded_once():
    """The same run again changes nothing."""
    update = plan(having(YAML, session(9)), candidate())
    assert (update.budgets.new, appended(update), update.writes) == (YAML, (), False)
    assert update.lines[0].endswith("not recorded: run run-9 is already in h.jsonl")


def test_over_budget_is_recorded():
    """A case over an absolute limit is a valid measurement and part of the history."""
    assert appended(plan(having(YAML, session()), candidate(verdict=Verdict.OVER_BUDGET)))


def test_reseat_opens_a_segment():
    """After an upgrade the level starts anew in a segment of its own; the earlier sessions stay for their spread."""
    baseline = having(YAML, session())
    update = plan(baseline, candidate(verdict=Verdict.OK, version="v0.9.0"), mode=Mode.RESEAT)
    (made,) = appended(update)
    assert (made.segment, made.how) == (2, "reseat")
    assert "accepted: {version: v0.9.0, sessions: 1, ttft_ms.p50: 41.0, tpot_ms.p50: 6.20," in update.budgets.new
    assert update.lines[0] == (
        "concurrency[c08] on 1x-nvidia-h200: OK, session 1 of segment 2: reseated (v0.8.1 -> v0.9.0)"
    )
    both = dataclasses.replace(baseline, sessions=(session(), made))
    told = comparable(both, made.key, candidate().fingerprint)
    assert [past.segment for past in told.past("ttft_ms.p50")] == [1, 2]


def test_reseat_of_a_new_case_is_its_first_segment():
    """Where nothing was accepted before there is nothing to reseat: the case starts as it would otherwise."""
    (made,) = appended(plan(NOTHING, candidate(), mode=Mode.RESEAT))
    assert (made.segment, made.how) == (1, "append")


@pytest.mark.parametrize("mode", [Mode.APPEND, Mode.RESEAT])
def test_an_accepted_regression_opens_a_segment(mode):
    """A regression that a person accepts moves the level: a new segment, marked, and still reported as REGRESSED."""
    update = plan(having(YAML, session()), candidate(verdict=Verdict.REGRESSED), mode=mode, accept_regressions=True)
    (made,) = appended(update)
    assert (made.segment, made.how) == (2, "accept")
    assert update.lines[0].endswith("REGRESSED, session 1 of segment 2: the regression is accepted (v0.8.1 -> v0.8.1)")


def test_a_regression_is_not_reseated_either():
    """Reseating alone accepts no regression."""
    assert not plan(having(YAML, session()), candidate(verdict=Verdict.REGRESSED), mode=Mode.RESEAT).writes


def test_gates_of_a_model_are_not_copied_into_its_cases():
    """Where the config gates a metric, a new case shows no list of its own and has that metric accepted."""
    policy = (parse("gates: [tpot_ms.p50]", "config/models.yaml"),)
    update = plan(NOTHING, dataclasses.replace(candidate(), policy=policy))
    assert "gates:" not in update.budgets.new
    assert "sessions: 1, tpot_ms.p50: 6.20}" in update.budgets.new


def test_unselected_cases_are_not_touched():
    """A case that this run did not measure keeps its text, whatever else is updated."""
    update = plan(having(YAML, session()), candidate("single"))
    assert update.budgets.new.startswith(YAML)
    assert [made.case for made in appended(update)] == ["single"]


def test_candidates_by_file():
    """Cases are grouped by model, backend and hardware as the files are."""
    cases = [candidate("a"), candidate("b"), candidate("a", hardware="My GPU"), candidate("a", variant="x")]
    grouped = by_file(cases)
    assert grouped == {
        BaselineKey("qwen3-8b", "vllm", "1x-nvidia-h200"): [cases[0], cases[1], cases[3]],
        BaselineKey("qwen3-8b", "vllm", "My-GPU"): [cases[2]],
    }


def test_two_cells_of_one_key_are_refused():
    """Two versions of one model in a run cannot both become its baseline."""
    with pytest.raises(BaselineError) as caught:
        by_file([candidate(id="t[v1]", version="v1"), candidate(id="t[v2]", version="v2")])
    assert str(caught.value) == (
        "t[v1] and t[v2] are both concurrency[c08] of qwen3-8b on vllm: a baseline holds one of them; "
        "select one (-k, or one --backend-version) to update it"
    )
