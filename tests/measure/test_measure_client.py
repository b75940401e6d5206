"""The load generator's own account."""

import pytest

from measure.observed import worker
from pytest_inferbench.document.account import ClientAccount
from pytest_inferbench.document.codec import to_json
from pytest_inferbench.measure.client import client_account, cpu_share


def test_summary_over_workers_and_rounds():
    """Lags are pooled, sums added up, and the busiest worker in any round is the one shown."""
    readings = [
        worker(0, lag=(0.1, 0.3), schedule_lag=(1.0,), cpu=0.2, seconds=2.0, reads=30, reconnects=1),
        worker(1, pause=7.0, lag=(0.2,), schedule_lag=(3.0,), cpu=0.3, seconds=1.0, reads=70, kernel_stamps=False),
    ]
    assert to_json(client_account(readings)) == pytest.approx(
        {
            "workers": 2,
            "received_bytes": 2000,
            "reads": 100,
            "reconnects": 1,
            "kernel_stamps": False,
            "realtime": False,
            "pause_max_ms": 7.0,
            "loop_lag_p50_ms": 0.2,
            "loop_lag_p99_ms": 0.298,
            "loop_lag_max_ms": 0.3,
            "schedule_lag_p50_ms": 2.0,
            "schedule_lag_p99_ms": 2.98,
            "schedule_lag_max_ms": 3.0,
            "cpu_share": 0.3,
            "cpu_us_per_read": 5000.0,
        }
    )


def test_what_was_not_seen_is_absent():
    """A closed loop has no schedule lag, a silent round no CPU time a read, an empty one no share."""
    account = to_json(client_account([worker(reads=0, seconds=0.0)]))
    seen = {"workers", "received_bytes", "reads", "reconnects", "kernel_stamps", "realtime", "pause_max_ms"}
    assert set(account) == seen
    assert client_account([]) == ClientAccount()
    assert to_json(client_account([])) == {}


def test_cpu_share_of_a_round_without_length():
    """No length, no share."""
    assert cpu_share(worker(seconds=0.0)) is None
