"""What a new result is compared with, and what is said where nothing is or where something differs."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.baseline_made import TABLE, YAML, candidate, segment, session
from baselines.baseline_made import baseline as files
from pytest_inferbench.baselines.comparable import comparable, histories
from pytest_inferbench.baselines.fingerprint import (
    NO_ARGS,
    Fingerprint,
    differences,
    flags,
    image_name,
    incomparable,
    of_session,
)
from pytest_inferbench.stats.rule import DEFAULTS, kind_of
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.units import Direction

KEY = "concurrency[c08]"


def baseline(*lines, text=YAML):
    return files(text, *lines)


def compared(*lines, **fields):
    made = candidate(**fields)
    return comparable(baseline(*lines), made.key, made.fingerprint)


@pytest.mark.parametrize(
    ("sessions", "fields", "new"),
    [
        ((), {}, "no baseline on this hardware (1x-nvidia-h200)"),
        ((), {"case": "single"}, "no baseline for this case"),
        ((session(),), {"variant": "chunked"}, "no baseline for this case"),
        ((session(),), {"workload": {"hash": "w2"}}, "the workload changed (hash w1 -> w2)"),
        ((session(),), {"token_method": "chunks"}, "output tokens are counted another way (usage -> chunks)"),
        (
            (session(), segment("s2"), session(7, segment="s2", workload_hash="w2")),
            {},
            "the workload changed (hash w2 -> w1)",
        ),
    ],
)
def test_new_says_why(sessions, fields, new):
    """A result is NEW where the latest accepted session did not measure the same thing, and says which part differs."""
    found = compared(*sessions, **fields)
    assert (found.new, found.accepted.sessions) == (new, ())


def test_case_of_the_file_is_enough_to_know_it():
    """A case that only the file of another hardware knows is new on this one; one that no file knows is new at all."""
    made = candidate()
    assert comparable(baseline(text=None), KEY, made.fingerprint).new == "no baseline for this case"


def test_another_version_is_compared_without_a_flag():
    """An upgrade is what this is for: its version and its image are compared and not remarked upon."""
    found = compared(session(), version="v9", image="vllm/vllm:v9", digest="sha256:1a")
    assert (found.new, found.flags, len(found.accepted.sessions)) == (None, (), 1)


@pytest.mark.parametrize(
    ("then", "now", "flag"),
    [
        ({}, {"server_args": "b2"}, "the server's arguments changed (hash a1 -> b2)"),
        ({}, {"provision": "process"}, "the server comes up another way (docker -> process)"),
        (
            {},
            {"image": "vllm/vllm@sha256:1a"},
            "another image under the same version v0.8.1 (vllm/vllm@sha256:0f -> vllm/vllm@sha256:1a)",
        ),
        ({"canary": "c1"}, {"canary": "c2"}, "the server answers the canary prompts otherwise (hash c1 -> c2)"),
        (
            {"machine": {"kernel": "6.1", "memory": "8 GiB"}},
            {"machine": {"kernel": "6.8", "system": "Debian"}},
            "same hardware name, other kernel (6.1 -> 6.8)",
        ),
    ],
)
def test_what_differs_is_flagged_and_compared(then, now, flag):
    """Arguments, provision, an image under the same tag, canary answers and parts of the machine are each one flag."""
    old = of_session(session(**then))
    assert flags(old, dataclasses.replace(old, **now)) == (flag,)
    assert flags(old, old) == ()


def test_every_difference_is_told_with_both_values():
    """What may be why figures changed: version, image, each argument, the machine; nothing where all agree."""
    old = of_session(session(server_args={"max-num-seqs": "256", "seed": "0"}, machine={"kernel": "6.1"}))
    new = dataclasses.replace(
        old, version="v0.8.2", image="vllm/vllm@sha256:1a", server_args="b2",
        args={"max-num-seqs": "128", "dtype": "half"}, machine={"kernel": "6.8"},
    )  # fmt: skip
    assert [str(each) for each in differences(old, new)] == [
        "version v0.8.1 -> v0.8.2",
        "image vllm/vllm@sha256:0f -> vllm/vllm@sha256:1a",
        "argument max-num-seqs 256 -> 128",
        "argument seed 0 -> not set",
        "argument dtype not set -> half",
        "kernel 6.1 -> 6.8",
    ]
    assert differences(old, old) == ()
    unknown = dataclasses.replace(new, version=old.version, image=old.image, machine={}, args=None)
    assert [str(each) for each in differences(old, unknown)] == ["arguments hash a1 -> b2"]


def test_a_result_is_held_against_the_last_session_that_looked_no_worse():
    """What changed before the slow nights is told on each of them; arguments come from the line that has them."""
    good = session(1, server_args={"max-num-seqs": "256"}), session(2)
    slow = session(3, version="v0.8.2", aside={"ttft_ms.p50": "worse"})
    made = candidate(version="v0.8.2", args_hash="b2", args={"max-num-seqs": 128})
    found = comparable(baseline(*good, slow), made.key, made.fingerprint)
    assert found.since.date == good[1].date
    assert "argument max-num-seqs 256 -> 128" in map(str, found.differences)
    assert "version v0.8.1 -> v0.8.2" in map(str, found.differences)


def test_what_nobody_knows_of_a_server_is_no_difference():
    """Version and arguments of one that is only given by its URL: unknown, and neither changed nor the same."""
    started = of_session(session(server_args={"n_threads": "1"}))
    by_url = of_session(session(version="unknown", image=None, provision="url", server_args_hash=NO_ARGS))
    assert by_url.unknown == ("version", "arguments")
    assert started.unknown == ()
    assert [str(each) for each in differences(started, by_url)] == ["provision docker -> url"]
    assert flags(by_url, started) == ("the server comes up another way (url -> docker)",)
    found = compared(session(version="unknown", provision="url", server_args_hash=NO_ARGS))
    assert found.unknown == ("version", "arguments")


def test_no_arguments_are_arguments_that_are_known():
    """The first argument that a server is given is told by its name, also against a line that recorded none."""
    plain = of_session(session(server_args_hash=NO_ARGS))
    added = of_session(session(server_args_hash="b2", server_args={"n_batch": "4"}))
    assert [str(each) for each in differences(plain, added)] == ["argument n_batch not set -> 4"]
    assert candidate(args_hash=NO_ARGS, args={}).to_session("r", "2025", "1", ()).server_args == {}


def test_what_one_side_lacks_is_no_difference():
    """A session that did not record a part says nothing of it."""
    bare = of_session(session(image=None, provision="", server_args_hash=""))
    whole = of_session(session(canary="c1", machine={"kernel": "6.1"}))
    assert flags(bare, whole) == flags(whole, bare) == ()


def test_sessions_of_all_segments_with_the_same_workload():
    """Every segment's sessions are given, those of another workload are not; the newest segment is told apart."""
    opened = segment("s2", date="2025-01-02T00:00:00+00:00"), segment("s3", date="2025-01-04T00:00:00+00:00")
    found = compared(
        *opened,
        session(1),
        session(2, workload_hash="w0", segment="s2"),
        session(3, segment="s3"),
        session(4, segment="s3"),
    )
    assert [made.id for made in found.accepted.sessions] == ["run-1", "run-3", "run-4"]
    assert [made.id for made in found.accepted.segment] == ["run-3", "run-4"]
    rounds = session(1).rounds["ttft_ms.p50"]
    history = found.accepted.history("ttft_ms.p50", Direction.LOWER, 20)
    assert history.sessions == tuple(Past(41.0, at, rounds, day=day) for at, day in ((1, 0), (3, 1), (3, 2)))
    assert found.accepted.history("ttft_ms.p50", Direction.LOWER, 20) is history
    assert found.accepted.history("output_tok_per_s", Direction.HIGHER, 20).n == 0


def test_histories_of_all_gates():
    """The pool for the spread has every gate of every case with sessions, with the window of its rule."""
    sessions = [session(n, rounds={"ttft_ms.p50": [40.0 + n], "tpot_ms.p50": [6.0]}) for n in range(1, 6)]
    sessions.append(session(1, "single"))

    def rules(key):
        gates = ("ttft_ms.p50", "tpot_ms.p50") if key == KEY else ("ttft_ms.p50", "unheard_of")
        return {gate: dataclasses.replace(DEFAULTS[kind_of(gate)], window=3) for gate in gates}

    found = histories(baseline(*sessions), TABLE, rules)
    assert {key: (history.n, history.df) for key, history in found.items()} == {
        (KEY, "ttft_ms.p50"): (3, 2),
        (KEY, "tpot_ms.p50"): (3, 2),
        ("single", "ttft_ms.p50"): (1, 0),
    }


@pytest.mark.parametrize(
    ("reference", "digest", "name"),
    [
        ("vllm/vllm:v1", "sha256:0f", "vllm/vllm@sha256:0f"),
        ("host:5000/vllm", "sha256:0f", "host:5000/vllm@sha256:0f"),
        ("vllm@sha256:aa", "sha256:0f", "vllm@sha256:0f"),
        ("vllm:v1", None, "vllm:v1"),
        (None, "sha256:0f", None),
    ],
)
def test_an_image_is_named_by_its_content(reference, digest, name):
    """The tag gives way to the digest; a registry's port is no tag."""
    assert image_name(reference, digest) == name


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("uc"), st.integers(1, 3)), max_size=8))
def test_compared_sessions_are_alike(made):
    """Whatever was accepted, a comparison is with sessions of one workload and one token method, or with none."""
    opened = [segment(str(number), date=f"2025-01-0{number}T00:00:00+00:00") for number in (2, 3)]
    sessions = [
        session(number, workload_hash=work, token_method=method, segment=str(place))
        for number, (work, method, place) in enumerate(made)
    ]
    found = compared(*opened, *sessions, workload={"hash": "a"}, token_method="u")  # noqa: S106 - a way to count
    own = found.accepted.sessions
    assert {(one.workload_hash, one.token_method) for one in own} <= {("a", "u")}
    assert (found.new is None) == bool(own)


@pytest.mark.parametrize(
    ("then", "now", "why"),
    [
        ("org/a", "org/b", "the server serves another model (org/a -> org/b)"),
        ("org/a", "org/a", None),
        (None, "org/b", None),
        ("org/a", None, None),
    ],
)
def test_another_model_behind_an_address_has_nothing_to_compare_with(then, now, why):
    """The config may give an address one name for years; what a session does not record says nothing."""
    was, is_ = (Fingerprint("v1", "w", "usage", "a", served_model=model) for model in (then, now))
    assert incomparable(was, is_) == why
