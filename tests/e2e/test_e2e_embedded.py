from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

import pytest_inferbench
from pytest_inferbench.backends.backend import ServerPlan
from pytest_inferbench.backends.catalogue import check_args
from pytest_inferbench.backends.external import EXTERNAL
from pytest_inferbench.backends.llama import LLAMA
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.errors import ProvisionError
from pytest_inferbench.models.builtin import builtin_model
from pytest_inferbench.servers.server import start_process
from pytest_inferbench.servers.url import attach_url

pytestmark = pytest.mark.e2e

_CHAT = {
    "messages": [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "Say something."}],
    "max_tokens": 16,
    "temperature": 0,
    "cache_prompt": False,
}
# What every engine answers with the tiny model.
_ORACLE = "@ ran that short( threeitM brown*({Cenk answer"
_LIMIT_S = 60.0


def _plan(model=None, name="tiny", **args):
    return ServerPlan("llama", str(model or builtin_model("tiny")), name, args=check_args(LLAMA, args, "test"))


@pytest.fixture
def start(tmp_path):
    """Starts the real llama.cpp server; what is started is stopped."""
    started = []

    def run(plan):
        server = start_process(plan, LLAMA, log_dir=tmp_path, timeout_s=_LIMIT_S, clock=SYSTEM_CLOCK)
        started.append(server)
        return server

    yield run
    for server in started:
        server.stop()


def _ask(server):
    answer = httpx.post(f"{server.endpoint.base_url}/v1/chat/completions", json=_CHAT, timeout=_LIMIT_S).json()
    return answer["choices"][0]["message"]["content"], answer["usage"]


def _gone(pid):
    """Wait until no such process runs."""
    for _ in range(500):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        SYSTEM_CLOCK.sleep(0.02)
    return False


def test_the_tiny_model_answers_as_every_engine_does_and_leaves_nothing(start):
    """Start, ready, the expected text, stop, no process."""
    server = start(_plan())
    text, usage = _ask(server)
    assert text == _ORACLE
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (43, 16)
    assert re.fullmatch(r"b\d+", server.version)
    assert server.endpoint.model == "tiny"
    server.stop()
    assert server.alive() == "killed by signal 15"
    assert _gone(server.life.pid)


def test_arguments_reach_the_server(start):
    """Known ones by flag, others by field: slots, context and the metrics page are as asked."""
    server = start(_plan(n_parallel=3, ctx_size=3072, slot_prompt_similarity=0.5))
    props = httpx.get(f"{server.endpoint.base_url}/props").json()
    assert props["total_slots"] == 3
    assert props["default_generation_settings"]["n_ctx"] == 1024
    page = httpx.get(server.endpoint.base_url + LLAMA.metrics_path).text
    assert LLAMA.published["generated_tokens"][0] in page


def test_a_running_server_can_be_attached_by_its_address(start):
    """Whoever attaches does not end it."""
    server = start(_plan())
    attached = attach_url(f"{server.endpoint.base_url}/v1", EXTERNAL, model="", timeout_s=_LIMIT_S, clock=SYSTEM_CLOCK)
    assert attached.endpoint == server.endpoint
    attached.stop()
    assert server.alive() is None
    assert _ask(attached)[0] == _ORACLE


def test_two_servers_stand_side_by_side(start):
    """Each at its port, with its log; the end of one is not the other's."""
    first, second = start(_plan(name="first")), start(_plan(name="second"))
    assert first.endpoint.base_url != second.endpoint.base_url
    assert first.log_path != second.log_path
    first.stop()
    assert _ask(second)[0] == _ORACLE


@pytest.mark.parametrize(
    ("content", "meaning"),
    [(b"<html>" * 100, "not a model"), (builtin_model("tiny").read_bytes()[:100_000], "cut model")],
    ids=["page", "cut"],
)
def test_a_bad_model_is_told_at_once(start, tmp_path, content, meaning):
    """With log lines and what they mean, in a small part of the time limit."""
    model = tmp_path / "bad.gguf"
    model.write_bytes(content)
    began = SYSTEM_CLOCK.now_ns()
    with pytest.raises(ProvisionError, match=rf"(?s)exited with status 1.*{meaning}.*bad\.gguf") as caught:
        start(_plan(model))
    assert (SYSTEM_CLOCK.now_ns() - began) / 1e9 < _LIMIT_S / 6
    assert any("failed to load model" in line for line in caught.value.log_tail)


def test_an_argument_nobody_knows_is_told_with_its_neighbours(start):
    """The server itself refuses it."""
    with pytest.raises(ProvisionError, match=r"(?s)exited with status 2.*unknown argument.*near it: n_ctx"):
        start(_plan(n_ctxx=1))


def test_a_killed_server_is_seen(start):
    """By whoever asks whether it is alive."""
    server = start(_plan())
    assert server.alive() is None
    os.kill(server.life.pid, signal.SIGKILL)
    assert _gone(server.life.pid)
    for _ in range(500):
        if server.alive():
            break
        SYSTEM_CLOCK.sleep(0.02)
    assert server.alive() == "killed by signal 9"


def test_a_killed_owner_leaves_no_server(tmp_path):
    """Not even when the process that started it is killed with SIGKILL."""
    owner = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from pytest_inferbench.backends.backend import ServerPlan\n"
        "from pytest_inferbench.backends.llama import LLAMA\n"
        "from pytest_inferbench.clock import SYSTEM_CLOCK\n"
        "from pytest_inferbench.servers.server import start_process\n"
        "plan = ServerPlan('llama', sys.argv[1], 'tiny')\n"
        "server = start_process(plan, LLAMA, log_dir=Path(sys.argv[2]), timeout_s=60, clock=SYSTEM_CLOCK)\n"
        "print(server.life.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    source = str(Path(pytest_inferbench.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", owner, str(builtin_model("tiny")), str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": source},
    ) as process:
        server = int(process.stdout.readline())
        assert psutil.pid_exists(server)
        process.kill()
    assert _gone(server)
