"""Which files of a hub's repository a server needs.

Limits: pure; names in, names out. A repository of GGUF files holds the same model many times over, once for each
quantisation: one is chosen as llama.cpp chooses (`org/model:Q8_0`, else Q4_K_M), never all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pytest_inferbench.backends.backend import ModelFormat
from pytest_inferbench.errors import ConfigError

_USUAL = "Q4_K_M"
_PART = re.compile(r"-\d{5}-of-\d{5}$")
_PROJECTOR = "mmproj"
# Beside the weights: configuration, tokenizer, chat template; not other formats' weights, pictures and papers.
_SMALL = (".json", ".txt", ".model", ".jinja", ".tiktoken")
# The same weights once more, in the form of their first publication.
_TWICE = ("consolidated",)


def split_quant(repo_id: str) -> tuple[str, str]:
    """Repository and quantisation of `org/model:Q8_0`; "" where none is named."""
    repository, _, quant = repo_id.partition(":")
    return repository, quant


def needed_files(repo_id: str, names: Iterable[str], model_format: ModelFormat) -> tuple[str, ...]:
    """The files to fetch, of those a repository has.

    Args:
        repo_id: the repository, with `:QUANT` where a quantisation is wanted.
        names: all its files, with folders.
        model_format: what the server loads.

    Raises:
        ConfigError: it has no such weights, or several and no rule to choose; names what there is.
    """
    there = sorted(names)
    if model_format is ModelFormat.GGUF:
        return _gguf(repo_id, [name for name in there if name.endswith(".gguf")])
    top = [name for name in there if "/" not in name and not name.startswith(_TWICE)]
    if not any(name.endswith(".safetensors") for name in top):
        raise ConfigError(f"{repo_id}: it has no safetensors ({_kinds(there)}); name another repository or backend")
    return tuple(name for name in top if name.endswith((".safetensors", *_SMALL)))


def _gguf(repo_id: str, names: Sequence[str]) -> tuple[str, ...]:
    models: dict[str, list[str]] = {}
    for name in names:
        stem = name.removesuffix(".gguf")
        if not stem.rpartition("/")[2].startswith(_PROJECTOR):
            models.setdefault(_PART.sub("", stem), []).append(name)
    if not models:
        raise ConfigError(f"{repo_id}: it has no GGUF file; name a repository that has, or another backend")
    if len(models) == 1 and ":" not in repo_id:
        return tuple(next(iter(models.values())))
    wanted = split_quant(repo_id)[1] or _USUAL
    found = [parts for stem, parts in models.items() if _is(stem, wanted)]
    if len(found) != 1:
        known = ", ".join(stem.rpartition("/")[2] for stem in models)
        raise ConfigError(
            f"{repo_id}: {'none' if not found else 'more than one'} of its files is {wanted}; write the one you want "
            f"behind a colon, like {split_quant(repo_id)[0]}:Q8_0; there are {known}"
        )
    return tuple(found[0])


def _is(stem: str, quant: str) -> bool:
    return bool(re.search(rf"(^|[-._/]){re.escape(quant)}$", stem, re.IGNORECASE))


def _kinds(names: Sequence[str]) -> str:
    kinds = sorted({name.rpartition(".")[2] for name in names if "." in name})
    return f"but {', '.join(kinds)} files" if kinds else "nor anything else"
