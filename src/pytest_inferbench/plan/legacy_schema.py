"""The older schema of `config/models.yaml`: the same document with today's keys, and which keys were replaced.

Limits: pure. A value keeps the place where it was written; a file is renewed before `extends:` lays it over another.
Where the older and the newer key are both given, that is an error, for nobody can say which was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_inferbench.backends.backend import Backend
from pytest_inferbench.backends.catalogue import BACKENDS, backend_named
from pytest_inferbench.config.document import Items, Section, Source, plain
from pytest_inferbench.config.wording import quote_value, unknown_key
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.plan.backend_args import parse_backend_args

_DEFAULTS: Final = {
    "vllm_version": ("backends", "vllm", "version"),
    "llama_version": ("backends", "llama", "version"),
    "trtllm_version": ("backends", "trtllm", "version"),
    "vllm_image_type": ("backends", "vllm", "image_type"),
}
_SERVE: Final = ("backend", "backend_args", "model_path", "gpu_layers", "max_ctx_size")
_LLAMA: Final = "llama"

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replaced:
    """An older key that was read: its name, today's name, and where it stands."""

    old: str
    new: str
    source: Source

    def __str__(self) -> str:
        return f"{self.source}: {self.old} is now {self.new}"


def renew_document(document: Section) -> tuple[Section, tuple[Replaced, ...]]:
    """A document of either schema with today's keys.

    Raises:
        ConfigError: an older key is given beside the one that replaced it, or cannot be read.
    """
    edit = _Edit(document)
    _renew_defaults(edit)
    _renew_models(edit)
    _renew_serve(edit)
    return edit.document, tuple(edit.replaced)


@dataclass(slots=True)
class _Edit:
    """A document being renewed, and what was replaced in it."""

    document: Section
    replaced: list[Replaced] = field(default_factory=list)

    def section(self, *path: str) -> Section:
        """The mapping at a path; an empty one where there is none, or something else that validation will refuse."""
        node: Any = self.document
        for key in path:
            node = node.get(key) if isinstance(node, Section) else None
        return node if isinstance(node, Section) else Section({}, self.document.source)

    def move(self, old: Path, new: Path) -> None:
        """Put what stands at `old` to `new`; a mapping that is there already takes its keys."""
        holder = self.section(*old[:-1])
        if old[-1] not in holder:
            return
        value, source = holder[old[-1]], holder.source_of(old[-1])
        self.document = _without(self.document, old)
        if value is not None:
            self.document = _put(self.document, new, value, source, ".".join(old))
            self.replaced.append(Replaced(".".join(old), ".".join(new), source))


def _renew_defaults(edit: _Edit) -> None:
    for old, new in _DEFAULTS.items():
        edit.move(("defaults", old), ("defaults", *new))
    for name in edit.section("defaults", "backends"):
        holder = ("defaults", "backends", name)
        edit.move((*holder, "default_args"), (*holder, "args"))


def _renew_models(edit: _Edit) -> None:
    models = edit.document.get("models")
    if not isinstance(models, Items):
        return
    default = edit.section("defaults").get("backend") or edit.section("serve").get("backend")
    entries = []
    for index, model in enumerate(models):
        one = _Edit(model) if isinstance(model, Section) else None
        if one is not None:
            _renew_model(one, f"models[{index}]", default)
            edit.replaced += one.replaced
        entries.append((one.document if one else model, models.source_of(index)))
    edit.document = _with(edit.document, "models", Items(entries, models.source), edit.document.source_of("models"))


def _renew_model(edit: _Edit, name: str, default: object) -> None:
    """What a model said of its one backend goes under each backend it may run on."""
    for old, new in (("backend_version", "version"), ("backend_args", "args")):
        value, source = edit.document.get(old), edit.document.source_of(old)
        if old not in edit.document:
            continue
        edit.document = _without(edit.document, (old,))
        if value is None:
            continue
        wanted = _texts(edit.document.get("backend") or edit.document.get("framework") or default)
        targets = wanted or [backend.name for backend in BACKENDS]
        value = _arguments(value, source, f"{name}.{old}") if new == "args" else value
        for target in targets:
            edit.document = _put(edit.document, ("backends", target, new), value, source, f"{name}.{old}")
        shown = targets[0] if len(targets) == 1 else "<backend>"
        edit.replaced.append(Replaced(f"{name}.{old}", f"{name}.backends.{shown}.{new}", source))


def _renew_serve(edit: _Edit) -> None:
    """The section `serve` described one server; today it is the defaults and the first model."""
    if "serve" not in edit.document:
        return
    serve = edit.document.section("serve")
    for key in serve:
        if key not in _SERVE:
            raise ConfigError(f"{serve.source_of(key)}: serve: {unknown_key(key, _SERVE)}")
    named = serve.get("backend") or edit.section("defaults").get("backend")
    backend = backend_named(str(named), str(serve.source_of("backend"))) if named is not None else None
    if serve.get("backend") == edit.section("defaults").get("backend"):
        edit.document = _without(edit.document, ("serve", "backend"))
    edit.move(("serve", "backend"), ("defaults", "backend"))
    llama = backend.name if backend is not None and "n_gpu_layers" in backend.neutral else _LLAMA
    edit.move(("serve", "gpu_layers"), ("defaults", "backends", llama, "args", "n_gpu_layers"))
    holder, context = _context_argument(backend)
    edit.move(("serve", "max_ctx_size"), ("defaults", "backends", holder, "args", context))
    if serve.get("backend_args") is not None:
        where = serve.source_of("backend_args")
        if backend is None:
            raise ConfigError(f"{where}: serve.backend_args: whose are they? Write `defaults: {{backend: NAME}}` too")
        args = _arguments(serve["backend_args"], where, "serve.backend_args")
        edit.document = _with(edit.document, "serve", _with(edit.section("serve"), "backend_args", args, where), where)
        edit.move(("serve", "backend_args"), ("defaults", "backends", backend.name, "args"))
    if serve.get("model_path") is not None:
        _served_model_first(edit, serve["model_path"], serve.source_of("model_path"))
    edit.document = _without(edit.document, ("serve",))


def _context_argument(backend: Backend | None) -> tuple[str, str]:
    """Whose argument the context's length is, and what it is called there."""
    if backend is None:
        return _LLAMA, "n_ctx"
    return backend.name, backend.neutral.get("max_model_len", "n_ctx")


def _served_model_first(edit: _Edit, path: object, source: Source) -> None:
    models = edit.document.get("models")
    listed = [(one, models.source_of(index)) for index, one in enumerate(models)] if isinstance(models, Items) else []
    if not any(isinstance(one, Section) and one.get("path") == path for one, _ in listed):
        listed.insert(0, (Section({"path": (path, source)}, source), source))
    where = edit.document.source_of("models") if "models" in edit.document else source
    edit.document = _with(edit.document, "models", Items(listed, where), where)
    edit.replaced.append(Replaced("serve.model_path", "models[0].path", source))


def _arguments(value: Any, source: Source, name: str) -> Section:  # noqa: ANN401 - whatever was written
    """Arguments by name, which older files also gave as the words of a command line.

    Raises:
        ConfigError: they are neither.
    """
    if isinstance(value, Section):
        return value
    words = list(value) if isinstance(value, Items) else [value]
    if not all(isinstance(word, str | int | float) and not isinstance(word, bool) for word in words):
        raise ConfigError(
            f"{source}: {name}: got {quote_value(plain(value), source.written)}, expected a mapping of "
            "arguments, or words"
        )
    pairs = parse_backend_args([" ".join(map(str, words))], f"{source}: {name}")
    return Section({key.lstrip("-").replace("-", "_"): (one, source) for key, one in pairs}, source)


def _texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value] if isinstance(value, Items) else []


def _entries(section: Section) -> Iterator[tuple[str, tuple[Any, Source]]]:
    return ((key, (section[key], section.source_of(key))) for key in section)


def _with(section: Section, key: str, value: object, source: Source) -> Section:
    return Section({**dict(_entries(section)), key: (value, source)}, section.source)


def _without(section: Section, path: Iterable[str]) -> Section:
    key, *rest = path
    if rest and isinstance(section.get(key), Section):
        return _with(section, key, _without(section[key], rest), section.source_of(key))
    return section if rest else Section({name: one for name, one in _entries(section) if name != key}, section.source)


def _put(section: Section, path: Path, value: Any, source: Source, old: str, at: str = "") -> Section:  # noqa: ANN401
    key, *rest = path
    there, at = section.get(key), f"{at}.{key}".lstrip(".")
    if rest or (isinstance(value, Section) and isinstance(there, Section)):
        inner = section.section(key)
        below = {tuple(rest): value} if rest else {(name,): value[name] for name in value}
        for steps, one in below.items():
            inner = _put(inner, steps, one, source if rest else value.source_of(steps[0]), old, at)
        return _with(section, key, inner, section.source_of(key) if key in section else source)
    if there is not None:
        raise ConfigError(f"{source}: {old}: {at} says the same ({section.source_of(key)}); keep that one")
    return _with(section, key, value, source)
