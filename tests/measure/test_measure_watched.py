"""What was watched, as the result holds it: one axis, lines that fit together, figures of every sample."""

from __future__ import annotations

import dataclasses
import json

import pytest
from jsonschema import Draft202012Validator

from fakes.devices import FakeDevices
from measure.observed import ns, request, round_of
from pytest_inferbench.document.case import CaseIdentity
from pytest_inferbench.document.codec import to_json
from pytest_inferbench.document.json_schema import run_schema
from pytest_inferbench.document.observed import GpuDevice, Observed, SampledLine, Series, Span, Timeline
from pytest_inferbench.measure.assemble import assemble
from pytest_inferbench.measure.evidence import CaseFacts
from pytest_inferbench.measure.watched import Watched
from pytest_inferbench.records import GpuReading, ServerReading

IDENTITY = CaseIdentity("t.py::t", "case", "m", "vllm", "", "v1", "hw")
WORKLOAD = {"kind": "single", "hash": "0"}
GIB = 2**30


def page(at, **values):
    return ServerReading(ns(at), {name: float(value) for name, value in values.items()}, took_ns=ns(2))


def watched_round(start, *, pages=(), gpu=(), index=0):
    """A round whose one request runs from `start` to `start` + 100 ms."""
    around = [page(start - 10, **(pages[0] if pages else {})), page(start + 110, **(pages[-1] if pages else {}))]
    within = tuple(page(start + 50 * n, **values) for n, values in enumerate(pages[1:-1]))
    made = round_of(request(0, sent=start, out=(start + 20, start + 100)), index=index)
    if not pages:
        return dataclasses.replace(made, gpu=tuple(gpu))
    return dataclasses.replace(made, before=around[0], after=around[1], pages=within, missed=1, gpu=tuple(gpu))


def case(*rounds, gpus=0, interval=50.0, notes=()):
    result = assemble(
        IDENTITY, WORKLOAD, rounds, CaseFacts(), watched=Watched(interval, FakeDevices(gpus).gpus(), notes)
    )
    schema = {"$defs": run_schema()["$defs"], "$ref": "#/$defs/CaseResult"}
    Draft202012Validator(schema).validate(json.loads(json.dumps(to_json(result))))
    return result


TOKENS = [
    {"generated_tokens": n, "requests_running": n, "requests_waiting": 0, "kv_cache_use": n / 100} for n in (0, 1, 3, 6)
]


def test_rounds_lie_on_one_axis():
    """The origin is the first send; the second round begins 200 ms later."""
    result = case(watched_round(1000), watched_round(1200, index=1))
    assert result.timeline == Timeline(ns(1000), (Span(0.0, 0.1), Span(0.2, 0.3)))


def test_server_lines_share_their_moments():
    """A rate needs the page before, so each round's first page has no point."""
    observed = case(watched_round(1000, pages=TOKENS)).server.observed
    assert dataclasses.replace(observed, series=None) == Observed(interval_ms=50.0, pages=4, missed=1, page_ms=2.0)
    assert observed.series == Series(
        (0.0, 0.05, 0.11),
        {
            "requests_running": SampledLine("", (1.0, 3.0, 6.0)),
            "requests_waiting": SampledLine("", (0.0, 0.0, 0.0)),
            "kv_cache_use": SampledLine("%", (0.01, 0.03, 0.06)),
            "generated_tok_per_s": SampledLine("tok/s", (100.0, 40.0, 50.0)),
        },
    )


def test_a_page_that_lacks_a_line_is_not_drawn():
    """A cut page between whole ones leaves its moment out of every line; so does a restart."""
    cut = [TOKENS[0], TOKENS[1], {"requests_running": 9}, TOKENS[3]]
    assert case(watched_round(1000, pages=cut)).server.observed.series.at_s == (0.0,)
    fallen = [TOKENS[3], TOKENS[0], TOKENS[1], TOKENS[2]]
    assert case(watched_round(1000, pages=fallen)).server.observed.series.at_s == (0.05, 0.11)


def test_a_long_case_is_thinned_and_its_rates_hold_for_what_is_drawn():
    """1000 pages: at most 240 points, and the drawn rates add up to the counter's growth."""
    pages = [{"generated_tokens": n} for n in range(1000)]
    made = watched_round(1000, pages=pages)
    series = case(made).server.observed.series
    assert 120 <= len(series.at_s) <= 240
    assert set(series.lines) == {"generated_tok_per_s"}
    assert series.lines["generated_tok_per_s"].values[5] == pytest.approx(20.0)


def gpu(at, index=0, **values):
    return GpuReading(ns(at), index, values, frozenset({"power_cap"}) if at == 1050 else frozenset())


def test_a_gpu_s_account():
    """Means and peaks of what was read while the load ran, energy off the counter, lines over all readings."""
    readings = [
        gpu(at, energy_j=at / 10, power_w=power, utilization=0.5, memory_bytes=4.0 * GIB, temperature_c=at / 20)
        for at, power in ((990, 100.0), (1000, 200.0), (1050, 400.0), (1110, 100.0))
    ]
    result = case(watched_round(1000, gpu=readings), gpus=1)
    (device,) = result.gpu.devices
    assert dataclasses.replace(device, series=None) == GpuDevice(
        index=0,
        name="NVIDIA H200",
        memory_gib=140.401,
        memory_peak_gib=4.0,
        energy_j=10.0,
        power_w=300.0,
        power_limit_w=700.0,
        utilization=0.5,
        temperature_c=52.5,
        throttled={"power_cap": 0.5},
    )
    assert device.series.at_s == (-0.01, 0.0, 0.05, 0.11)
    assert device.series.lines["power_w"] == SampledLine("W", (100.0, 200.0, 400.0, 100.0))
    assert device.series.lines["memory_gib"].values == (4.0,) * 4
    assert result.figure("joule_per_token") == pytest.approx(10.0 / 2)


def test_a_gpu_that_tells_little_has_a_short_account():
    """What no reading says is absent: throttling where the driver does not know, energy where a round lacks it."""
    readings = [GpuReading(ns(at), 0, {"power_w": 200.0}, None) for at in (1000, 1050)]
    energetic = [gpu(at, energy_j=at / 10) for at in (2000, 2110)]
    (device,) = case(watched_round(1000, gpu=readings), gpus=1).gpu.devices
    assert (device.power_w, device.throttled, device.energy_j, device.memory_peak_gib) == (200.0, None, None, None)
    (both,) = case(watched_round(1000, gpu=readings), watched_round(2000, gpu=energetic), gpus=1).gpu.devices
    assert (both.energy_j, both.throttled) == (None, {})


def test_what_was_not_watched_is_not_there():
    """No page and no GPU: no account, and the notes say why."""
    result = case(watched_round(1000), notes=("no GPU",))
    assert result.server.observed is None
    assert result.gpu is None
    assert "no GPU" in result.notes
    assert not [name for name in result.metrics if name.startswith(("server_", "gpu_", "joule"))]


def test_totals_need_every_round():
    """A round without a page leaves no total of the case, and the others keep their own figures."""
    both = case(
        watched_round(1000, pages=TOKENS), watched_round(2000, pages=[{"generated_tokens": 6}, {"generated_tokens": 9}])
    )
    assert both.figure("server_generated_tokens") == 9
    one = case(watched_round(1000, pages=TOKENS), watched_round(2000, index=1))
    assert one.figure("server_generated_tokens") is None
