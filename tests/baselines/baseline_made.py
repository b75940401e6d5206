"""Results, lines and baseline files made by hand."""

from dataclasses import replace

from made.cases import case as any_case
from made.cases import summary
from pytest_inferbench.baselines.accepted import accepted_cases
from pytest_inferbench.baselines.candidate import Candidate
from pytest_inferbench.baselines.lines import Segment, Session
from pytest_inferbench.baselines.read import read_file
from pytest_inferbench.baselines.schema import Baseline, BaselineFile
from pytest_inferbench.config.parse import parse
from pytest_inferbench.document.account import ServerAccount
from pytest_inferbench.metrics.table import METRICS
from pytest_inferbench.stats.verdict import Verdict

TABLE = {name: METRICS[name] for name in ("ttft_ms", "tpot_ms", "output_tok_per_s", "error_rate", "generated_tokens")}

ROUNDS = (
    {"ttft_ms.p50": 41.0, "tpot_ms.p50": 6.1, "output_tok_per_s": 1280.0, "generated_tokens": 512.0},
    {"ttft_ms.p50": 42.0, "tpot_ms.p50": 6.3, "output_tok_per_s": 1200.0, "generated_tokens": 512.0},
    {"ttft_ms.p50": 40.123456789, "tpot_ms.p50": 6.2, "output_tok_per_s": 1300.0, "generated_tokens": 512.0},
)

YAML = """\
# Reviewed by the serving team.
schema: 1
model: qwen3-8b
backend: vllm

cases:
  concurrency[c08]:   # eight streams
    budgets: {ttft_ms.p95: {max: 400}, output_tok_per_s: {min: 500}}          # any hardware
    gates: [ttft_ms.p50, tpot_ms.p50, output_tok_per_s]
    hardware:
      1x-nvidia-h200:
        budgets: {ttft_ms.p95: {max: 250}}                                      # overrides
"""

OLDER = (
    YAML
    + """\
        accepted: {version: v0.8.1, image: vllm/vllm@sha256:0f, sessions: 1, ttft_ms.p50: 41.0, tpot_ms.p50: 6.10}
        noise: {date: 2025-01-21, version: v0.8.1, workload: w1, pairs: 11, restart_sd: {ttft_ms.p50: 0.0123}}
"""
)
"""The same as version 1 of this package left it."""

HARDWARE = "1x-nvidia-h200"
CASE = "concurrency[c08]"
SERVER = ServerAccount(args_hash="a1", provision="docker")


def result(case=CASE, *, rounds=ROUNDS, n=96, verdict=Verdict.NEW, **fields):
    """A valid result of three rounds on an H200."""
    made = {
        "id": f"test_x.py::test[{case}]",
        "version": "v0.8.1",
        "workload": {"kind": "concurrency", "hash": "w1"},
        "metrics": {
            "ttft_ms": summary("ms", n=n, mean=43.0, p50=41.0, p90=44.0, p95=45.0),
            "tpot_ms": summary("ms", n=n, mean=6.2, p50=6.2),
            "output_tok_per_s": summary("tok/s", "higher", value=1280.0),
            "generated_tokens": summary("tok", "neutral", value=1536.0),
            "e2e_ms": summary("ms", n=n, mean=90.0),
        },
        "rounds": rounds,
        "server": SERVER,
    }
    return any_case(case, verdict, **{**made, **fields})


def candidate(case=CASE, *, machine=None, **fields):
    """What a session offers to the baseline; `image`, `digest`, `canary`, `args`, `args_hash`: of its server."""
    names = {"image": "image", "digest": "image_digest", "canary": "canary", "args": "args", "args_hash": "args_hash"}
    server = replace(SERVER, **{names[name]: fields.pop(name) for name in names if name in fields})
    return Candidate(result(case, server=server, **fields), machine or {})


def session(number=1, case="concurrency[c08]", **fields):
    """An accepted session whose figures lie at 41 ms, 6.1 ms in every round."""
    made = {
        "id": f"run-{number}",
        "date": f"2025-01-{number + 1:02d}T00:00:00+00:00",
        "case": case,
        "segment": "1",
        "version": "v0.8.1",
        "image": "vllm/vllm@sha256:0f",
        "provision": "docker",
        "server_args_hash": "a1",
        "workload_hash": "w1",
        "token_method": "usage",
        "requests": 96,
        "gates": ["ttft_ms.p50", "tpot_ms.p50"],
        "rounds": {"ttft_ms.p50": [41.0, 41.0], "tpot_ms.p50": [6.1, 6.1]},
    }
    return Session(**{**made, **fields})


def segment(name="run-5", case=CASE, **fields):
    """A segment that a person opened."""
    return Segment(**{"id": name, "date": "2025-01-06T00:00:00+00:00", "case": case, "how": "reseat", **fields})


def baseline(text=None, *lines, hardware=HARDWARE, metrics=TABLE):
    """Both files as read: people's as `text`, the program's with these lines."""
    nobody = BaselineFile("qwen3-8b", "vllm", {})
    file = nobody if text is None else read_file(parse(text, "q.yaml"), metrics)
    return Baseline(hardware, "q.yaml", "h.jsonl", text, file, accepted_cases(lines))
