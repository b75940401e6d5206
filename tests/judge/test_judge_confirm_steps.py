"""Confirmation as a pure machine: which server, which case, and when it ends."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.judge.confirm_steps import Confirmation, next_step
from pytest_inferbench.judge.step import Done, Measure, Start


def carried_out(wanted: dict[str, int]) -> list[Start | Measure]:
    """The steps where each case wants so many further sessions."""
    state = Confirmation(dict.fromkeys(wanted, 1), frozenset(case for case, more in wanted.items() if more))
    steps: list[Start | Measure] = []
    while not isinstance(step := next_step(state), Done):
        steps.append(step)
        if isinstance(step, Start):
            state = replace(state, servers=state.servers + 1)
            continue
        sessions = {**state.sessions, step.case: state.sessions[step.case] + 1}
        state = replace(state, sessions=sessions, wants=frozenset(c for c in wanted if sessions[c] <= wanted[c]))
    return steps


def test_nothing_screened_starts_nothing():
    """Without a case that wants another session there is nothing to do."""
    assert carried_out({"x": 0, "y": 0}) == []


def test_all_screened_cases_share_one_fresh_server():
    """One start, then each screened case in the order of the tests; the others are left alone."""
    assert carried_out({"x": 1, "y": 0, "z": 1}) == [Start(), Measure("x"), Measure("z")]


def test_a_second_confirmation_has_a_server_of_its_own():
    """A case that wants a third session gets it on a second fresh server, after all second sessions."""
    assert carried_out({"x": 2, "y": 1}) == [Start(), Measure("x"), Measure("y"), Start(), Measure("x")]


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 2), max_size=6))
def test_every_session_is_on_the_server_of_its_number(wanted):
    """Each case is measured as often as it wants, its n-th confirmation on the n-th fresh server."""
    steps, servers, seen = carried_out(wanted), 0, dict.fromkeys(wanted, 0)
    for step in steps:
        if isinstance(step, Start):
            servers += 1
        else:
            seen[step.case] += 1
            assert servers == seen[step.case]
    assert seen == wanted
    assert servers == max(wanted.values(), default=0)
