"""From a cell to its server: what a backend is told to start, and what it is not started without."""

from __future__ import annotations

import pytest

from pytest_inferbench.backends.catalogue import backend_named
from pytest_inferbench.errors import CellUnavailable
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.servers.launch import check_model, server_plan

VLLM, LLAMA = backend_named("vllm"), backend_named("llama")


def cell(**changes):
    usual = {"model": "m", "backend": "vllm", "version": "v0.8.1", "protocol": "openai-chat", "location": "org/model"}
    return Cell(**{**usual, **changes})


def test_a_plan_has_the_arguments_of_its_gpus() -> None:
    """What the backend needs for so many GPUs, unless the config says otherwise."""
    assert server_plan(cell(), VLLM, "org/model", 2).args == {"tensor_parallel_size": 2}
    own = cell(args=(("tensor_parallel_size", 1), ("pipeline_parallel_size", 2)))
    assert server_plan(own, VLLM, "org/model", 2).args == {"tensor_parallel_size": 1, "pipeline_parallel_size": 2}
    assert server_plan(cell(), VLLM, "org/model", 0).args == VLLM.gpu_args(0)


def test_a_plan_names_the_model_as_the_cell_does() -> None:
    """The server answers to the cell's name, whatever its file is called."""
    plan = server_plan(cell(python="/opt/python"), VLLM, "/models/weights", 0)
    assert (plan.model_path, plan.model_name, plan.version, plan.python) == (
        "/models/weights",
        "m",
        "v0.8.1",
        "/opt/python",
    )


def test_a_server_that_fetches_nothing_has_its_model_here() -> None:
    """Else it says how to fetch it; one that fetches models itself, or a container, needs none here."""
    with pytest.raises(
        CellUnavailable, match=r"org/model is not on this machine; fetch it: inferbench fetch --model m"
    ):
        check_model(cell(backend="llama", provision="process"), LLAMA, "org/model")
    check_model(cell(backend="llama", provision="process"), LLAMA, "/models/m.gguf")
    check_model(cell(backend="llama", provision="docker"), LLAMA, "org/model")
    check_model(cell(provision="process"), VLLM, "org/model")
