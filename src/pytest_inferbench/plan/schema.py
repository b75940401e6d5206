"""The shape of `config/models.yaml`: which keys there are and what type each has.

Limits: shapes only. Where a value comes from is the document's to say, which backend takes which argument is the
backend's, what wins over what is `plan`'s. A key that is not set is None or empty.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, field_validator, model_validator

from pytest_inferbench.config.validate import Shape
from pytest_inferbench.config.variables import Variable
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.metrics.table import slo_metric
from pytest_inferbench.policy import SuitePolicy

_SIZE: Final = re.compile(r"(?P<number>[0-9]{1,18}(?:\.[0-9]{1,18})?)(?P<unit>[kmgt])?b?")
_SAFE: Final = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*")


def _safe(name: str) -> str:
    if not _SAFE.fullmatch(name):
        raise ValueError("a name of letters, digits and . _ + - that does not begin with a dot")
    return name


def _not_empty(text: str) -> str:
    if not text.strip():
        raise ValueError("text that is not empty")
    return text


Name = Annotated[str, AfterValidator(_safe)]
"""A name that stands in test ids and file names."""


def size_in_bytes(written: object) -> int:
    """A size in bytes: a number, or one with k, m, g or t (powers of 1024) behind it."""
    found = _SIZE.fullmatch(str(written).strip().lower())
    if isinstance(written, bool) or found is None:
        raise ValueError("a size in bytes, like 8g or 512m")
    return int(float(found["number"]) * 1024 ** " kmgt".index(found["unit"] or " "))


Text = Annotated[str, AfterValidator(_not_empty)]
Memory = Annotated[int, BeforeValidator(size_in_bytes, json_schema_input_type=int | str)]
Argument = str | bool | int | float
Backends = Annotated[
    Name | Annotated[list[Name], Field(min_length=1)] | None,
    Field(validation_alias=AliasChoices("backend", "framework")),
]


class BackendSettings(Shape):
    """How a backend is brought up; the same keys under `defaults.backends`, a model's `backends` and `variants`."""

    version: Text | None = None
    """The release to run; an image tag, a git ref, or `installed`."""
    image_type: Literal["build", "prebuilt"] | None = None
    """Make the image here, or take the one its makers publish."""
    image: Text | None = None
    """A Docker image to use instead of the backend's own."""
    args: dict[Text, Argument] = Field(default_factory=dict)
    """Server arguments by name."""
    provision: Literal["docker", "process", "url"] | None = None
    """How the server comes up."""
    memory: Memory | None = None
    """The most memory that its container may take, like `8g`."""
    pids: Annotated[int, Field(ge=1, strict=True)] | None = None
    """The most processes and threads that its container may have."""
    program: Text | None = None
    """Another installation for `provision: process`."""
    python: Text | None = None
    """Another installation for `provision: process`."""
    url: Text | None = None
    """Where it already runs, for `provision: url`."""
    api_key: Variable | None = None
    """The key that the server at `url` asks for, as `${NAME}` of the environment variable that holds it."""
    engine_cache: Text | None = None
    """The folder of built engines (TensorRT-LLM)."""


class ModelEntry(Shape):
    """One model, and where it differs from the defaults."""

    repo_id: Text | None = None
    """The model's repository, `org/model`."""
    path: Text | None = None
    """A file or folder instead, or `builtin:<name>` for a model that ships with the package."""
    name: Name | None = None
    """What test ids and baselines call it; derived from the above where absent."""
    backend: Backends = None
    """One backend, or several to run it on (`framework:` is an older spelling)."""
    backends: dict[Name, BackendSettings] = Field(default_factory=dict)
    """Settings for single backends."""
    variants: dict[Name, BackendSettings] = Field(default_factory=dict)
    """Further cells, and the arms of `--compare`, by name."""
    slo: dict[Text, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """Limits that a request must meet to count as goodput, by metric."""
    policy: SuitePolicy = SuitePolicy()
    """Gates and how strictly they are judged."""

    @field_validator("slo")
    @classmethod
    def _of_requests(cls, slo: dict[str, float]) -> dict[str, float]:
        for name in slo:
            try:
                slo_metric(name)
            except ConfigError as error:
                raise ValueError(str(error)) from None
        return slo

    @model_validator(mode="after")
    def _one_place(self) -> ModelEntry:
        if self.repo_id is None and self.path is None:
            raise ValueError("neither repo_id nor path; say where the model is: repo_id: org/model, or path: ~/x.gguf")
        if self.repo_id is not None and self.path is not None:
            raise ValueError("both repo_id and path; keep one of them")
        return self

    @property
    def wanted_backends(self) -> tuple[str, ...]:
        """The backends the entry names, in order; empty where the format decides."""
        if self.backend is None:
            return ()
        return (self.backend,) if isinstance(self.backend, str) else tuple(self.backend)


class Defaults(Shape):
    """What holds for every model unless its entry says otherwise."""

    backend: Annotated[Name | None, Field(validation_alias=AliasChoices("backend", "framework"))] = None
    """Used where a model's format allows several."""
    backends: dict[Name, BackendSettings] = Field(default_factory=dict)
    """Settings by backend."""
    hub_token: Variable | None = None
    """The token for the model hub, as `${NAME}` of the variable that holds it; HF_TOKEN where absent."""
    policy: SuitePolicy = SuitePolicy()
    """Gates and how strictly they are judged."""


class ModelsFile(Shape):
    """The whole of `config/models.yaml`; `extends:` has been followed before."""

    defaults: Defaults = Defaults()
    """What holds for every model."""
    models: Annotated[list[ModelEntry], Field(min_length=1)]
    """What is measured."""
