"""500 cells collected, beside 50: what `pytest --collect-only` takes beyond pytest's own, of as many tests."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .row import Row
from .timing import Took, shortest

CELLS = (50, 500)
_MOST_S = 2.0
_VARIANTS = 5
_SUITE = """
from pytest_inferbench import Concurrency

async def test_c08(bench):
    (await bench.run(Concurrency(streams=8))).check()
"""
_PLAIN = """
import pytest

@pytest.mark.parametrize("bench", [f"cell-{{n}}" for n in range({cells})])
def test_c08(bench):
    pass
"""
_MODELS = """
  - path: builtin:tiny
    name: tiny-{number:03d}
    backend: llama
    variants: {{{tiny}}}
  - repo_id: org/model-{number:03d}
    backend: vllm
    variants: {{{served}}}
"""


def rows() -> Iterator[Row]:
    """Both sizes, with the plugin on a matrix and without it on as many parameters."""
    with tempfile.TemporaryDirectory() as root:
        took = [_collect(Path(root, str(cells)), cells) for cells in CELLS]
    what = f"{CELLS[0]} and {CELLS[1]} cells collected"
    ours, plain = zip(*took, strict=True)
    beyond = [each.wall - own.wall for each, own in took]
    yield Row(what, "beyond pytest's own, s", *beyond, _MOST_S)
    yield Row(what, "all of it, s", *(each.wall for each in ours))
    yield Row(what, "processor time of it, s", *(each.cpu for each in ours))
    yield Row(what, "pytest's own, s", *(each.wall for each in plain))


def _collect(folder: Path, cells: int) -> tuple[Took, Took]:
    """The suite on so many cells; then a plain test with so many parameters."""
    (folder / "config").mkdir(parents=True)
    (folder / "config/models.yaml").write_text(models(cells // (2 * _VARIANTS)), encoding="utf-8")
    (folder / "test_ours.py").write_text(_SUITE, encoding="utf-8")
    (folder / "test_plain.py").write_text(_PLAIN.format(cells=cells), encoding="utf-8")
    # Plugins of other packages would be in both, and some of them load more than all of ours.
    base = (
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--collect-only",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
    )
    ours, plain = shortest(((*base, "test_ours.py"), (*base, "-p", "no:inferbench", "test_plain.py")), folder)
    return ours, plain


def models(pairs: int) -> str:
    """A config of so many pairs of models, each with its variants."""
    tiny = ", ".join(f"p{n}: {{args: {{n_ctx: {1024 * n}, n_parallel: {n}}}}}" for n in range(1, _VARIANTS + 1))
    served = ", ".join(f"s{n}: {{args: {{max_num_seqs: {16 * n}}}}}" for n in range(1, _VARIANTS + 1))
    return "models:" + "".join(_MODELS.format(number=number, tiny=tiny, served=served) for number in range(pairs))
