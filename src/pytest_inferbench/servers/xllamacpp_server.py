"""The llama.cpp server of the xllamacpp wheel, as a program: `xllamacpp_server.py --model FILE [--port N ...]`.

Limits: standalone, standard library and the wheel only, run by path with any interpreter that has the wheel (builds
from 8672 on). Flags are those of `llama-server`; `--set FIELD=VALUE` reaches every other field of the wheel's
CommonParams.

When it listens it prints one JSON line, {"listening": "http://127.0.0.1:8080"}; the server logs to standard error.
Exit status: 1 the server could not start, 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import difflib
import enum
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

_CANNOT_START, _USAGE = 1, 2

# The numbers that are fixed here and not by llama.cpp.
_PARALLEL = 4  # as `llama-server` itself has it
_TOKENS_PER_SLOT = 2048
_SPARE_HTTP_THREADS = 8

# Flag -> field of CommonParams.
_NUMBERS = {
    "ctx-size": "n_ctx",
    "parallel": "n_parallel",
    "threads": "cpuparams.n_threads",
    "threads-batch": "cpuparams_batch.n_threads",
    "threads-http": "n_threads_http",
    "batch-size": "n_batch",
    "ubatch-size": "n_ubatch",
    "gpu-layers": "n_gpu_layers",
}
_SWITCHES = {
    "cache-prompt": "cache_prompt",
    "cont-batching": "cont_batching",
    "kv-unified": "kv_unified",
    "warmup": "warmup",
}
_CHOICES = {"cache-type-k": "cache_type_k", "cache-type-v": "cache_type_v"}
_LOAD_MODE = {"true": "mmap", "false": "none"}  # what `--mmap` became in builds without the field use_mmap
_FLASH_ATTENTION = {"on": "enabled", "off": "disabled", "auto": "auto"}


class BadFieldError(Exception):
    """A field that CommonParams does not have, or a value that does not fit it."""


def main(argv: list[str]) -> int:
    """Serve until a signal ends the process; returns an exit status where it cannot."""
    # This file's folder is first on the path, and its modules are not the wheel's business.
    sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).resolve().parent)]
    options = vars(_parser().parse_args(argv))
    try:
        import xllamacpp  # noqa: PLC0415 - after the path is clean, and only when there is something to serve
    except ImportError as error:
        return _fail(f"the xllamacpp wheel cannot be used by {sys.executable}: {error}", _CANNOT_START)
    params = xllamacpp.CommonParams()
    try:
        _configure(params, options)
    except BadFieldError as error:
        return _fail(str(error), _USAGE)
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        return _fail(str(error), _CANNOT_START)
    sys.stdout.write(json.dumps({"listening": server.listening_address}) + "\n")
    sys.stdout.flush()
    # End at once: the server's own end waits for running generations, and in some builds (8672) for ever.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        signal.pause()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="xllamacpp_server.py", description=__doc__)
    parser.add_argument("--model", required=True, help="GGUF file")
    parser.add_argument("--alias", help="name the model answers to")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    for flag in _NUMBERS:
        parser.add_argument(f"--{flag}", type=int)
    for flag in _SWITCHES:
        parser.add_argument(f"--{flag}", action=argparse.BooleanOptionalAction)
    for flag in _CHOICES:
        parser.add_argument(f"--{flag}")
    parser.add_argument("--flash-attn", choices=tuple(_FLASH_ATTENTION))
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="any field of CommonParams")
    return parser


def _configure(params: Any, options: dict[str, Any]) -> None:  # noqa: ANN401 - the wheel has no types
    """Put the options into `params`.

    Raises:
        BadFieldError: `--set` names no field, or a value does not fit.
    """
    params.model.path = options["model"]
    params.port = options["port"]
    params.endpoint_metrics = True
    if options["alias"]:
        params.model_alias = {options["alias"]}
    if hasattr(params, "hostnames"):
        params.hostnames = [options["host"]]
    else:  # builds before the list
        params.hostname = options["host"]
    _fill_in(options)
    for flag, field in (_NUMBERS | _SWITCHES | _CHOICES).items():
        value = options[flag.replace("-", "_")]
        if value is not None:
            assign(params, field, str(value))
    if options["flash_attn"]:
        assign(params, "flash_attn_type", _FLASH_ATTENTION[options["flash_attn"]])
    for pair in options["set"]:
        field, separator, text = pair.partition("=")
        if not separator:
            raise BadFieldError(f"--set {pair}: expected FIELD=VALUE")
        assign(params, *_switch(params, field, text))


def _switch(params: Any, field: str, text: str) -> tuple[str, str]:  # noqa: ANN401 - the wheel has no types
    """The field and value that a switch of `llama-server` sets where CommonParams calls it otherwise.

    Some of its fields are opposites (`no_kv_offload`), some flags are (`--no-mmap`): either is taken by both names.
    """
    if hasattr(params, field) or text.lower() not in _LOAD_MODE:
        return field, text
    positive, opposite = field.removeprefix("no_"), "false" if text.lower() == "true" else "true"
    on = text.lower() if positive == field else opposite
    if positive == "mmap" and hasattr(params, "load_mode"):
        return "load_mode", _LOAD_MODE[on]
    named = {positive: on, f"use_{positive}": on, f"no_{positive}": "false" if on == "true" else "true"}
    return next(((name, value) for name, value in named.items() if hasattr(params, name)), (field, text))


def _fill_in(options: dict[str, Any]) -> None:
    """Defaults that a benchmark on one machine needs, for what was not given.

    The client is measured on the same machine: where there are two cores or more, one is left to it, or the server's
    threads and the client's stamps would disturb each other. The context holds prompts and answers of 2048 tokens in
    every slot. An idle keep-alive connection holds an HTTP thread, so there are more of those than slots.
    """
    if options["parallel"] is None:
        options["parallel"] = _PARALLEL
    if options["threads"] is None:
        options["threads"] = max(1, _usable_cores() - 1)
    if options["threads_batch"] is None:
        options["threads_batch"] = options["threads"]
    if options["ctx_size"] is None:
        options["ctx_size"] = options["parallel"] * _TOKENS_PER_SLOT
    if options["threads_http"] is None:
        options["threads_http"] = options["parallel"] + _SPARE_HTTP_THREADS


def _usable_cores() -> int:
    """Physical cores this process may use: its affinity, cut by a container's processor quota (cgroup v2)."""
    cpus = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    topology = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    cores = len({_words_of(topology.format(cpu)) or (str(cpu),) for cpu in cpus})
    match _words_of("/sys/fs/cgroup/cpu.max"):
        case quota, period if quota.isdigit():  # else "max"
            return max(1, min(cores, int(quota) // int(period)))
    return cores


def _words_of(path: str) -> tuple[str, ...]:
    """The words of a small system file; none where there is no such file."""
    try:
        return tuple(Path(path).read_text(encoding="ascii").split())
    except OSError:
        return ()


def assign(params: Any, path: str, text: str) -> None:  # noqa: ANN401 - the wheel has no types
    """Set the field at the dotted `path` to `text`, read as the type that the field has now.

    Raises:
        BadFieldError: there is no such field, or the text is not of its type.
    """
    *owners, name = path.split(".")
    target = params
    for owner in [*owners, name]:
        if owner.startswith("_") or not hasattr(target, owner):
            fields = [field for field in dir(target) if not field.startswith("_")]
            near = difflib.get_close_matches(owner, fields, n=3)
            hint = f"; near it: {', '.join(near)}" if near else ""
            raise BadFieldError(f"CommonParams has no field {path!r}{hint}")
        holder, target = target, getattr(target, owner)
    try:
        setattr(holder, name, _read(target, text))
    except (TypeError, ValueError, OverflowError) as error:
        raise BadFieldError(f"{path}={text}: {error}; it is now {target!r}") from None


def _read(current: Any, text: str) -> Any:  # noqa: ANN401 - any field's type
    """`text` as a value of the type of `current`."""
    if isinstance(current, bool):
        words = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
        if text.lower() not in words:
            raise ValueError("expected true or false")
        return words[text.lower()]
    if isinstance(current, enum.Enum):
        # Members are called LLAMA_FLASH_ATTN_TYPE_AUTO and the like; iterating over a flag type leaves out 0 and -1.
        wanted, members = text.upper(), type(current).__members__
        found = [member for name, member in members.items() if name == wanted or name.endswith(f"_{wanted}")]
        if len(found) != 1:
            raise ValueError("expected one of " + ", ".join(members))
        return found[0]
    if isinstance(current, int | float | str):
        return type(current)(text)
    if isinstance(current, list | dict):
        value = json.loads(text)
        if not isinstance(value, type(current)):
            raise TypeError(f"expected a JSON {'list' if isinstance(current, list) else 'object'}")
        return value
    raise TypeError("this field cannot be set by text")


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"xllamacpp_server: {message}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
