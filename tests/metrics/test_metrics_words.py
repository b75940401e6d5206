"""What is said of a metric beside its figures: what it needs, whose series are whose, and where it has no zero."""

from __future__ import annotations

import pytest

from pytest_inferbench.metrics.absent import what_it_needs
from pytest_inferbench.metrics.formulas import RequestView, RoundView, load_spans
from pytest_inferbench.metrics.published import same_requests
from pytest_inferbench.metrics.table import METRICS, zero_of
from pytest_inferbench.records import GpuReading, RequestRecord

MS = 1_000_000


@pytest.mark.parametrize(
    ("name", "need"),
    [
        ("ttft_ms", ""),
        ("goodput_per_s", "limits on single requests (slo)"),
        ("server_queue_ms", "a metrics page of the server that shows it"),
        ("gpu_power_w", "an NVIDIA GPU of this machine that the server was given"),
        ("nobody_knows", ""),
    ],
)
def test_what_a_case_must_have_for_a_metric(name, need) -> None:
    """Its own need before that of its family; nothing of what every case has."""
    assert what_it_needs(name) == need


def test_every_need_is_of_a_metric_that_there_is() -> None:
    """A row that was renamed does not leave its need behind; all of a family have one."""
    assert all(what_it_needs(name) for name in METRICS if name.startswith(("server_", "gpu_")))
    assert sum(bool(what_it_needs(name)) for name in METRICS) >= 15


@pytest.mark.parametrize(
    ("label", "same"),
    [
        ("tp_rank", True),
        ("pp_rank", True),
        ("moe_ep_rank", True),
        ("rank", True),
        ("dp_rank", False),
        ("attn_dp_rank", False),
        ("data_parallel_rank", False),
        ("engine", False),
        ("rank_of", False),
    ],
)
def test_ranks_see_the_same_requests_and_copies_their_own(label, same) -> None:
    """What differs only in it is added up for copies of the model, and not for parts of one."""
    assert same_requests(label) is same


def test_what_can_be_0_says_so() -> None:
    """By its metric, whatever the statistic; a time has none, and neither has what nobody knows."""
    assert zero_of("server_queue_ms.p50").step == 1.0
    assert zero_of("ttft_ms.p50") is None
    assert zero_of("nobody.p50") is None


def request(sent, out, end=200):
    stamps = tuple(at * MS for at in out)
    return RequestView(RequestRecord(0, 0, 0, "", None, None if sent is None else sent * MS, stamps, None, end * MS), 1)


def test_a_load_that_sent_or_got_nothing_took_no_time() -> None:
    """Without a send, without output, or with output that came at the moment of the send."""
    for nothing in (request(None, (150,)), request(100, ()), request(100, (100,))):
        assert load_spans(RoundView((nothing,))) == ()
    assert load_spans(RoundView((request(100, (150,)),))) == ((100 * MS, 150 * MS),)


def test_a_moment_counts_where_every_gpu_was_read() -> None:
    """One whose reading lacks the figure leaves that moment out, for all."""

    def read(at, index, **values):
        return GpuReading(at * MS, index, values, None)

    readings = (
        read(110, 0, sm_clock_mhz=1500.0),
        read(110, 1, sm_clock_mhz=1400.0),
        read(120, 0, sm_clock_mhz=1500.0),
        read(120, 1, power_w=300.0),
        read(190, 0, sm_clock_mhz=900.0),
    )
    view = RoundView((request(100, (150,)),), gpu=readings)
    assert METRICS["gpu_sm_clock_mhz"].formula(view) == (1400.0,)
    assert METRICS["gpu_throttled"].formula(view) is None
