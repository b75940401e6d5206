"""The architecture, held by machine: layers, cycles, outside contact, sizes and names."""

from __future__ import annotations

import ast
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "pytest_inferbench"
PAGE = ROOT / "docs/architecture.md"
PACKAGE = "pytest_inferbench"

# The floors that docs/architecture.md tells, the lowest first.
LAYERS = tuple(map(set, reversed(runpy.run_path(str(ROOT / "scripts/floors_picture.py"))["floors"](PAGE.read_text()))))
# Modules of the standard library and third parties that touch the world outside, and who may.
OUTSIDE = {
    "time": {"clock", "load.truth_server"},  # the second is a program of its own, standard library only
    "socket": {"load", "servers", "bench.machine_lock"},
    "select": {"load"},
    "selectors": {"servers"},
    "subprocess": {
        "load",
        "servers",
        "measure.environment",
        "baselines.committed",
        "baselines.branch",
    },
    "httpx": {"http_client", "bench.api", "bench.manual_requests"},
    "httpcore": {"http_client"},
    "psutil": {"measure.environment", "servers"},
    "tempfile": {"load", "baselines.branch", "archive.rescue"},  # the second for an index of git's
    "docker": {"servers"},
    "huggingface_hub": {"models.hub"},
    "pynvml": {"devices.nvml"},
    "scipy": {"stats"},
    "pytest": {"plugin"},
    "ssl": {"load", "backends.endpoint", "http_client"},
}
BANNED_NAMES = {"utils", "util", "common", "helpers", "misc"}


def modules() -> list[Path]:
    return sorted(SRC.rglob("*.py"))


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module with its line, also lazy ones and those for typing."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            module = node.module or ""
            yield module, node.lineno
            for alias in node.names:
                target = SRC.parent / Path(*module.split("."), alias.name)
                if target.with_suffix(".py").exists() or target.is_dir():
                    yield f"{module}.{alias.name}", node.lineno


def top(module: str) -> str:
    return module.removeprefix(PACKAGE).lstrip(".").split(".")[0]


def layer_of(name: str) -> int:
    for number, names in enumerate(LAYERS):
        if name in names:
            return number
    pytest.fail(f"{name} has no floor: place it in docs/architecture.md")


def test_what_is_placed_exists() -> None:
    """Every layer names packages that are there, each once, and every seam is one that is gone through."""
    known = {dotted(path) for path in modules() if path != SRC / "__init__.py"}
    placed = [name for names in LAYERS for name in names]
    assert sorted(placed) == sorted({name.split(".")[0] for name in known})
    for outside, places in OUTSIDE.items():
        through = {
            dotted(path) for path in modules() if outside in {module.split(".")[0] for module, _ in imports(path)}
        }
        assert {place for place in places if not any(f"{name}.".startswith(f"{place}.") for name in through)} == set()


@pytest.mark.parametrize("path", [p for p in modules() if p != SRC / "__init__.py"], ids=dotted)
def test_imports_go_down(path: Path) -> None:
    """A module imports only lower layers or its own package."""
    own = top(f"{PACKAGE}.{dotted(path)}")
    for module, line in imports(path):
        if not module.startswith(f"{PACKAGE}."):
            continue
        other = top(module)
        if other != own:
            assert layer_of(other) < layer_of(own), f"{path.relative_to(SRC)}:{line}: {own} may not import {other}"


def test_no_cycles() -> None:
    """No module reaches itself through imports, lazily or for typing."""
    graph = {}
    for path in modules():
        name = f"{PACKAGE}.{dotted(path)}".removesuffix(".")
        if name == PACKAGE:
            continue
        known = {m for m, _ in imports(path) if m.startswith(f"{PACKAGE}.")}
        graph[name] = {m for m in known if m != name}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, "cycle: " + " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for child in graph.get(name, ()):
                visit(child, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("path", modules(), ids=lambda p: dotted(p) or "package")
def test_outside_contact(path: Path) -> None:
    """Only the seams import what touches the outside."""
    name = dotted(path)
    for module, line in imports(path):
        allowed = OUTSIDE.get(module.split(".")[0])
        if allowed is not None:
            assert any(name == place or name.startswith(f"{place}.") for place in allowed), (
                f"{path.relative_to(SRC)}:{line}: {module} belongs to {sorted(allowed)}"
            )


@pytest.mark.parametrize("path", modules(), ids=lambda p: dotted(p) or "package")
def test_sizes_and_names(path: Path) -> None:
    """Files stay below 300 lines, functions below 50, and no file is an attic."""
    text = path.read_text()
    assert text.count("\n") <= 300, f"{path.name}: {text.count(chr(10))} lines"
    assert path.stem not in BANNED_NAMES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 50, f"{path.name}:{node.lineno} {node.name}: {length} lines"


@pytest.mark.parametrize("path", modules(), ids=lambda p: dotted(p) or "package")
def test_every_file_says_what_it_is(path: Path) -> None:
    """A file opens with its idea."""
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"


def test_the_median_file_is_small() -> None:
    """Half of all files have at most 120 lines."""
    lengths = sorted(path.read_text().count("\n") for path in modules())
    assert lengths[len(lengths) // 2] <= 120


def test_every_request_of_a_run_goes_one_way() -> None:
    """No client but those of `http_client` and of a test's own requests; neither takes a proxy from the environment."""
    clients = {"Client", "AsyncClient", "get", "post", "put", "request", "stream", "ConnectionPool", "HTTPTransport"}
    made = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in clients:
                holder = node.func.value
                if isinstance(holder, ast.Name) and holder.id in {"httpx", "httpcore", "urllib", "requests"}:
                    told = {word.arg: ast.unparse(word.value) for word in node.keywords}
                    made.append((dotted(path), node.func.attr, told.get("trust_env")))
    assert sorted(made) == [("bench.api", "AsyncClient", "False"), ("http_client", "ConnectionPool", None)]
