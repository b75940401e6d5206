from __future__ import annotations

import enum
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_inferbench.servers import xllamacpp_server
from pytest_inferbench.servers.xllamacpp_server import BadFieldError, assign


class Flash(enum.IntFlag):
    FLASH_TYPE_AUTO = -1
    FLASH_TYPE_DISABLED = 0
    FLASH_TYPE_ENABLED = 1


class Load(enum.IntEnum):
    LOAD_MODE_AUTO = -1
    LOAD_MODE_NONE = 0
    LOAD_MODE_MMAP = 1


class FakeParams(SimpleNamespace):
    """The fields of CommonParams that the script itself names, and one of each kind."""

    def __init__(self, **more):
        super().__init__(
            model=SimpleNamespace(path=""),
            port=0,
            endpoint_metrics=False,
            model_alias=set(),
            n_ctx=0,
            n_parallel=1,
            n_threads_http=-1,
            cpuparams=SimpleNamespace(n_threads=-1),
            cpuparams_batch=SimpleNamespace(n_threads=-1),
            flash_attn_type=Flash.FLASH_TYPE_AUTO,
            warmup=True,
            rope_freq_base=0.0,
            chat_template="",
            api_keys=[],
            **more,
        )


def _configured(*argv, params=None):
    params = params or FakeParams(hostnames=["127.0.0.1"])
    xllamacpp_server._configure(params, vars(xllamacpp_server._parser().parse_args(["--model", "m.gguf", *argv])))
    return params


@pytest.mark.parametrize(
    ("fields", "pair", "field", "value"),
    [
        ({"no_kv_offload": False}, "kv_offload=False", "no_kv_offload", True),
        ({"no_kv_offload": False}, "no_kv_offload=True", "no_kv_offload", True),
        ({"use_jinja": True}, "no_jinja=True", "use_jinja", False),
        ({"use_mmap": True}, "no_mmap=True", "use_mmap", False),
        ({"load_mode": Load.LOAD_MODE_AUTO}, "no_mmap=True", "load_mode", Load.LOAD_MODE_NONE),
        ({"load_mode": Load.LOAD_MODE_AUTO}, "no_mmap=False", "load_mode", Load.LOAD_MODE_MMAP),
        ({}, "no_warmup=True", "warmup", False),
    ],
)
def test_a_switch_of_the_server_reaches_its_field(fields, pair, field, value):
    """Under whichever of both names, where the wheel has the opposite or another word for it."""
    params = _configured(f"--set={pair}", params=FakeParams(hostnames=[], **fields))
    assert getattr(params, field) == value


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("n_ctx", "4096", 4096),
        ("cpuparams.n_threads", "3", 3),
        ("warmup", "off", False),
        ("rope_freq_base", "1e4", 10000.0),
        ("chat_template", "a=b", "a=b"),
        ("api_keys", '["k"]', ["k"]),
        ("flash_attn_type", "disabled", Flash.FLASH_TYPE_DISABLED),
        ("flash_attn_type", "FLASH_TYPE_ENABLED", Flash.FLASH_TYPE_ENABLED),
    ],
)
def test_a_field_takes_text_as_its_own_type(path, text, value):
    """Nested fields and flag-like enumerations too."""
    params = FakeParams()
    assign(params, path, text)
    for name in path.split("."):
        params = getattr(params, name)
    assert params == value


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("n_ctxx", "1", "no field 'n_ctxx'; near it: n_ctx"),
        ("cpuparams.threads", "1", "no field 'cpuparams.threads'; near it: n_threads"),
        ("__class__", "x", "no field '__class__'"),
        ("n_ctx", "many", "n_ctx=many: invalid literal .*it is now 0"),
        ("warmup", "maybe", "expected true or false"),
        ("flash_attn_type", "never", "expected one of FLASH_TYPE_"),
        ("api_keys", "{}", "expected a JSON list"),
        ("api_keys", "[", "api_keys=\\["),
        ("model_alias", "x", "cannot be set by text"),
        ("model", "x", "cannot be set by text"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(path, text, reason):
    """Names near a wrong one, the members of an enumeration, the value as it is."""
    with pytest.raises(BadFieldError, match=reason):
        assign(FakeParams(), path, text)


def test_defaults_leave_a_core_and_give_every_slot_its_context(monkeypatch):
    """On one core the server has that one."""
    monkeypatch.setattr(xllamacpp_server, "_usable_cores", iter((8, 1)).__next__)
    params = _configured("--parallel", "6")
    assert (params.n_parallel, params.n_ctx, params.n_threads_http) == (6, 6 * 2048, 14)
    assert (params.cpuparams.n_threads, params.cpuparams_batch.n_threads) == (7, 7)
    assert _configured().cpuparams.n_threads == 1


def test_what_is_given_is_not_changed():
    """Flags win over defaults, and `--set` over flags."""
    params = _configured(
        *("--threads", "3", "--threads-batch", "5", "--ctx-size", "100", "--alias", "me", "--port", "81"),
        *("--flash-attn", "off", "--no-warmup", "--set", "n_ctx=200"),
    )
    assert (params.cpuparams.n_threads, params.cpuparams_batch.n_threads, params.n_ctx) == (3, 5, 200)
    assert (params.model.path, params.model_alias, params.port) == ("m.gguf", {"me"}, 81)
    assert params.flash_attn_type is Flash.FLASH_TYPE_DISABLED
    assert params.warmup is False
    assert params.endpoint_metrics is True


def test_both_ways_to_name_a_host_are_known():
    """Newer builds take a list, older ones a name."""
    assert _configured("--host", "::1").hostnames == ["::1"]
    assert _configured("--host", "::1", params=FakeParams(hostname="")).hostname == "::1"


def test_a_setting_without_a_value_is_refused():
    """It would otherwise set something to nothing."""
    with pytest.raises(BadFieldError, match="expected FIELD=VALUE"):
        _configured("--set", "n_ctx")


def test_it_runs_by_path_without_the_package_or_the_wheel(tmp_path):
    """An interpreter without the wheel gets a sentence; the script's neighbours do not hide other modules."""
    (tmp_path / "xllamacpp.py").write_text("import ready_or_not, sys")
    done = subprocess.run(
        [sys.executable, "-S", str(Path(xllamacpp_server.__file__)), "--model", "m.gguf"],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "the xllamacpp wheel cannot be used by" in done.stderr
    assert "ready_or_not" in done.stderr
