"""What a case's plan and facts take from its workload."""

import pytest

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.backends.vllm import VLLM
from pytest_inferbench.bench.case import case_facts, case_plan
from pytest_inferbench.bench.case_result import server_account
from pytest_inferbench.bench.context import RunContext
from pytest_inferbench.bench.progress import Progress
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.measure.evidence import CacheState
from pytest_inferbench.options import OPTIONS, Setting, Settings
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.plan.extensions import Extensions
from pytest_inferbench.servers.server import Server
from pytest_inferbench.servers.url import NotOurs
from pytest_inferbench.workloads.cold_start import ColdStart
from pytest_inferbench.workloads.multi_turn import MultiTurn
from pytest_inferbench.workloads.prefix import Prefix
from pytest_inferbench.workloads.saturation import Saturation
from pytest_inferbench.workloads.single import Single


def context(root):
    """A run of three rounds, all else as it is where nobody says anything."""
    values = {option.dest: Setting(option.default, "default") for option in OPTIONS}
    settings = Settings(values | {"inferbench_rounds": Setting(3, "command line")}, root)
    return RunContext("run", settings, Progress(None, SYSTEM_CLOCK), Extensions(None))


def facts(workload, root):
    return case_facts(case_plan("x", workload, None, context(root)), 3, 1, 12)


@pytest.mark.parametrize(
    ("workload", "cache", "share"),
    [
        (Single(), CacheState.COLD, 0.0),
        (Prefix(cache="cold"), CacheState.COLD, 0.0),
        (Prefix(cache="warm", prefix_tokens=300, suffix_tokens=100), CacheState.WARM, 0.75),
    ],
)
def test_the_workload_declares_the_cache(workload, cache, share, tmp_path):
    """Its state, and how much of a warm one the case plans to use."""
    found = facts(workload, tmp_path)
    assert (found.cache, found.cached_share) == (cache, share)


def test_conversations_of_a_file_declare_no_share(tmp_path):
    """Their lengths are not known, so any cache state is theirs."""
    (tmp_path / "p.jsonl").write_text('{"conversations": [{"from": "human", "value": "a"}]}')
    assert facts(MultiTurn(prompts="p.jsonl"), tmp_path).cache is CacheState.ANY


def test_planned_requests_over_all_rounds(tmp_path):
    """Unknown where the workload does not know them."""
    assert facts(Single(requests=5), tmp_path).planned_requests == 15
    assert facts(Saturation(slo={"ttft_ms": 1.0}), tmp_path).planned_requests is None


def test_a_cold_start_wants_fresh_servers(tmp_path):
    """And says so to the rules."""
    assert facts(ColdStart(), tmp_path).wants_fresh
    assert not facts(Single(), tmp_path).wants_fresh


def test_files_are_found_from_the_root(tmp_path):
    """A plan reads what the workload names, or says that it cannot, before anything runs."""
    (tmp_path / "p.jsonl").write_text('{"prompt": "a"}')
    plan = case_plan("x", Single(prompts="p.jsonl"), None, context(tmp_path), {"ttft_ms": 5.0})
    assert plan.workload.prompt_file.prompts[0].messages[0].content == "a"
    assert plan.slo == {"ttft_ms": 5.0}
    with pytest.raises(ConfigError, match=r"prompts: none\.jsonl"):
        case_plan("x", Single(prompts="none.jsonl"), None, context(tmp_path))


@pytest.mark.parametrize("rounds", [0, -1])
def test_a_case_without_a_round_is_refused(tmp_path, rounds):
    """A test that asks for none is told; it is not given the run's own number instead."""
    with pytest.raises(ConfigError, match=f"x: rounds={rounds}: expected at least 1"):
        case_plan("x", Single(), rounds, context(tmp_path))


def test_the_arguments_of_a_result_are_those_the_server_was_started_with():
    """Also what the number of GPUs added; of a server that is not ours, what the config says of it."""
    cell = Cell(model="m", backend="vllm", version="v1", protocol="openai-chat", args=(("max_num_seqs", 8),))

    def account(args):
        server = Server(Endpoint("http://x", "m"), VLLM, "v1", "process", 1.0, None, NotOurs(), args)
        return server_account(cell, server, 0, None, "")

    one, two = account({"max_num_seqs": 8}), account({"tensor_parallel_size": 2, "max_num_seqs": 8})
    assert one.args_hash != two.args_hash
    assert two.args == {"tensor_parallel_size": 2, "max_num_seqs": 8}
    assert account({"max_num_seqs": 8, "tensor_parallel_size": 2}).args_hash == two.args_hash
    assert account(None) == one
