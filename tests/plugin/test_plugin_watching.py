"""What is watched beside the load, as a user meets it: options, ini keys, experiments, and what is said of absence."""

from __future__ import annotations

import pytest

from fakes.devices import FakeDevices
from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.backends.llama import LLAMA
from pytest_inferbench.bench.watching import GpusOf
from pytest_inferbench.devices.nvml import NVML
from pytest_inferbench.servers.server import Server
from pytest_inferbench.servers.url import NotOurs

SMALL = """
from pytest_inferbench import Single

def test_single(bench):
    bench.run_sync(Single(requests=8, prompt_tokens=16, output_tokens=8)).check()
"""
YAML = "workload: {kind: single, requests: 8, prompt_tokens: 16, output_tokens: 8}\n"


@pytest.fixture
def measured(suite, server, document):
    """Run one small benchmark against the scripted server with options; its case."""

    def run(*arguments, source=SMALL):
        result = suite("--server-url", server.url, "--backend", "llama", *arguments, source=source)
        assert result.ret == pytest.ExitCode.OK
        return document()["cases"][0]

    return run


def test_a_run_has_the_server_s_series(measured):
    """Gauges were sampled while the load ran, the counter grew by what we count, and all lies on one axis."""
    case = measured("--bench-sample-interval-ms=20")
    observed = case["server"]["observed"]
    assert observed["interval_ms"] == 20
    assert observed["pages"] > 4
    assert set(observed["series"]["lines"]) == {"requests_running", "requests_waiting", "generated_tok_per_s"}
    assert case["metrics"]["server_running"]["n"] > 0
    assert case["metrics"]["server_generated_tokens"]["value"] == case["metrics"]["generated_tokens"]["value"]
    assert len(case["timeline"]["rounds"]) == 2


def test_without_samples_counters_remain(measured):
    """An interval of 0 reads before and after each round only."""
    case = measured("--bench-sample-interval-ms=0")
    assert case["server"]["observed"]["pages"] == 4
    assert "server_running" not in case["metrics"]
    assert case["metrics"]["server_generated_tokens"]["value"] == case["metrics"]["generated_tokens"]["value"]


def test_the_interval_from_an_ini_file(measured, pytester):
    """The option's ini key."""
    pytester.makeini("[pytest]\ninferbench_sample_interval_ms = 30\n")
    assert measured()["server"]["observed"]["interval_ms"] == 30


def test_an_interval_that_would_disturb_is_refused(suite, server):
    """The option, the value, what was expected."""
    result = suite("--server-url", server.url, "--backend=llama", "--bench-sample-interval-ms=1", source=SMALL)
    result.stdout.fnmatch_lines(["*--bench-sample-interval-ms: got 1; expected at least 10, or 0 for no samples*"])
    assert "Traceback" not in result.stdout.str()


def test_absence_is_said_once_in_a_run(suite, server, document):
    """Two cases on a machine without a GPU: the first tells it."""
    both = SMALL + SMALL.replace("test_single", "test_again")
    assert suite("--server-url", server.url, "--backend=llama", source=both).ret == pytest.ExitCode.OK
    said = [note for case in document()["cases"] for note in case["notes"] if "joule_per_token" in note]
    assert said == [f"gpu_* and joule_per_token are absent: {NVML.why_none()}"]


@pytest.mark.parametrize(
    ("url", "there", "said"),
    [
        ("http://127.0.0.1:1", 0, "no NVIDIA driver is loaded"),
        ("http://gpu-box:1", 2, "the server is on another machine"),
    ],
)
def test_why_gpu_figures_are_absent(url, there, said):
    """What is true of this server on this machine, in the words that doctor uses."""
    server = Server(Endpoint(url, "m"), LLAMA, "1", "url", 0.0, None, NotOurs())
    assert GpusOf(server, FakeDevices(there)).notes() == (f"gpu_* and joule_per_token are absent: {said}",)


def test_a_server_that_was_given_no_gpu_says_so():
    """The machine has some, and this server runs without."""
    server = Server(Endpoint("http://127.0.0.1:1", "m"), LLAMA, "1", "process", 0.0, None, NotOurs())
    told = "gpu_* and joule_per_token are absent: the server was given none of this machine's 2"
    assert GpusOf(server, FakeDevices(2)).notes() == (told,)


@pytest.mark.parametrize("how", ["option", "ini"])
def test_gpus_can_be_left_alone(measured, pytester, how):
    """Nothing is looked for, so nothing is missed."""
    if how == "ini":
        pytester.makeini("[pytest]\ninferbench_no_gpu_metrics = true\n")
    case = measured(*(["--bench-no-gpu-metrics"] if how == "option" else []))
    assert not [note for note in case["notes"] if "gpu" in note]


def test_an_experiment_says_how_it_is_watched(pytester, server, document):
    """`metrics:` holds for its cases; the command line wins over it."""
    pytester.makefile(".bench.yaml", small=YAML + "metrics: {collect_gpu_metrics: false, sample_interval_ms: 40}\n")
    options = ("--server-url", server.url, "--backend=llama", "--bench-rounds=2")
    for given, interval in (((), 40), (("--bench-sample-interval-ms=60",), 60)):
        assert pytester.runpytest_subprocess(*options, *given, timeout=120).ret == pytest.ExitCode.OK
        case = document()["cases"][0]
        assert case["server"]["observed"]["interval_ms"] == interval
        assert not [note for note in case["notes"] if "gpu" in note]


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ("{sample_interval_ms: -1}", "small.bench.yaml:2: metrics.sample_interval_ms: got -1*"),
        ("{collect_gpu_metrics: 3}", "small.bench.yaml:2: metrics.collect_gpu_metrics: got 3*"),
        ("{interval: 3}", "small.bench.yaml:2: *'interval'*"),
    ],
    ids=["negative", "kind", "key"],
)
def test_a_wrong_metrics_key_is_told_with_its_line(pytester, metrics, said):
    """As every other key of an experiment."""
    pytester.makefile(".bench.yaml", small=YAML + f"metrics: {metrics}\n")
    result = pytester.runpytest_subprocess("--server-url=http://127.0.0.1:9", timeout=120)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{said}"])
