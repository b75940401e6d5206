"""Any case result at all, for Hypothesis: every field filled with whatever its type allows."""

from __future__ import annotations

from hypothesis import strategies as st

from pytest_inferbench.document.account import ClientAccount, ServerAccount
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.figures import Check, Finding, Summary
from pytest_inferbench.document.observed import GpuDevice, Gpus, Observed, SampledLine, Series, Span, Timeline
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

_words = st.text(max_size=40) | st.sampled_from(["", "\x1b[31m", "[bold]", "a\nb", "☺\ufe0f", "👩\u200d🚀", "e\u0301"])
_figures = st.floats(allow_nan=False, allow_infinity=False)
_maybe = st.none() | _figures
_counts = st.integers(0, 10**12)
_verdicts = st.sampled_from(Verdict)
_units = st.sampled_from(["ms", "%", "tok/s", "req/s", "", "J/tok"])
_metric_names = st.sampled_from(
    ["ttft_ms", "tpot_ms", "e2e_ms", "output_tok_per_s", "request_per_s", "error_rate", "x1"]
)
_mappings = st.dictionaries(_words, _words | _maybe | st.booleans() | st.lists(_figures, max_size=2), max_size=3)
_lines = st.builds(SampledLine, unit=_units, values=st.lists(_figures, min_size=2, max_size=2).map(tuple))
_series = st.builds(
    Series,
    at_s=st.lists(_figures, min_size=2, max_size=2).map(tuple),
    lines=st.dictionaries(st.sampled_from(["requests_running", "power_w"]), _lines),
)
_observed = st.builds(
    Observed, interval_ms=_figures, pages=_counts, missed=_counts, page_ms=_maybe, series=st.none() | _series
)
_servers = st.builds(
    ServerAccount,
    url=st.none() | _words,
    provision=st.sampled_from([None, "docker", "process", "url"]),
    ready_seconds=_maybe,
    restarts=st.none() | _counts,
    args=st.none() | _mappings,
    model_hash_of=st.sampled_from([None, "contents", "samples"]),
    log=st.none() | _words,
    observed=st.none() | _observed,
)
_clients = st.builds(
    ClientAccount, workers=st.none() | _counts, realtime=st.none() | st.booleans(), self_error_ms=_maybe
)
_devices = st.builds(
    GpuDevice,
    index=st.integers(0, 15),
    name=_words,
    power_w=_maybe,
    throttled=st.none() | st.dictionaries(_words, _figures, max_size=2),
    series=st.none() | _series,
)
_gpus = st.builds(Gpus, interval_ms=_figures, devices=st.lists(_devices, max_size=2).map(tuple))
_spans = st.builds(Span, start_s=_figures, end_s=_figures)
_timelines = st.builds(Timeline, origin_ns=st.integers(), rounds=st.lists(_spans).map(tuple))

_summaries = st.builds(
    Summary,
    unit=_units,
    direction=st.sampled_from(Direction),
    n=st.none() | _counts,
    **dict.fromkeys(("value", "mean", "p50", "p90", "p95", "p99"), _maybe),
)
_findings = st.builds(
    Finding,
    code=_words,
    invalid=st.booleans(),
    message=_words,
    remedy=_words,
    figure=_maybe,
    limit=_maybe,
    source=_words,
)
_checks = st.builds(
    Check,
    metric=_words,
    kind=st.sampled_from(["budget", "history"]),
    verdict=_verdicts,
    value=_maybe,
    bound=st.sampled_from([None, "max", "min"]),
    limit=_maybe,
    unit=_units | _words,
    source=_words,
    note=_words,
)
_rounds = st.dictionaries(st.sampled_from(["ttft_ms.p50", "output_tok_per_s"]), _figures)

case_results = st.builds(
    CaseResult,
    **dict.fromkeys(("id", "case", "model", "backend", "variant", "version", "hardware", "token_method"), _words),
    workload=st.fixed_dictionaries({"kind": _words, "hash": _words}, optional={"streams": st.integers()}),
    metrics=st.dictionaries(_metric_names, _summaries),
    rounds=st.lists(_rounds, max_size=2).map(tuple),
    client=_clients,
    server=_servers,
    gpu=st.none() | _gpus,
    validity=st.lists(_findings, max_size=2).map(tuple),
    checks=st.lists(_checks, max_size=3).map(tuple),
    verdict=_verdicts,
    notes=st.lists(_words, max_size=2).map(tuple),
    by_tag=st.none() | st.dictionaries(_words, st.dictionaries(_metric_names, _summaries, max_size=2), max_size=2),
    timeline=st.none() | _timelines,
    slo=st.none() | st.dictionaries(_metric_names, _figures, max_size=2),
    records=st.none() | st.just("records/case-0f.jsonl.gz"),
)
