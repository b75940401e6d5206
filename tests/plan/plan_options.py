"""The options of a run as planning asks for them, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Options:
    """The options of a run, as planning asks for them."""

    rootdir: Path
    model: tuple[str, ...] = ()
    backend: tuple[str, ...] = ()
    backend_version: tuple[str, ...] = ()
    compare: str | None = None
    compare_pairs: str = "5..12"
    backend_args: tuple[str, ...] = ()
    server_url: str | None = None
    protocol: str | None = None
    provision: str | None = None
    image: str | None = None
    image_type: str | None = None
    build_from_source: bool = False
    n_gpu_layers: int | None = None
    gpu_memory_utilization: float | None = None
    max_model_len: int | None = None
    tensor_parallel: int | None = None
    sources: dict[str, str] = field(default_factory=dict)

    def path(self, name):
        return self.rootdir / "config" / "models.yaml"

    def source(self, name):
        return "default"
