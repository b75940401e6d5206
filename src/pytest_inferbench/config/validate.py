"""A section checked against a pydantic model: either the model, or every problem at once, each with its `file:line`.

Limits: pure; a model is its owner's. A validator's ValueError says what was expected ("letters and digits") where it
judges a scalar, and is the whole complaint where it judges a mapping or a list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

from pydantic import AliasChoices, BaseModel, ConfigDict, ValidationError, model_validator

from pytest_inferbench.config.document import Items, Section, Source
from pytest_inferbench.config.wording import (
    HiddenValueError,
    alternatives,
    expectation,
    nearest,
    quote_value,
    quoting_hint,
    shorten_name,
    unknown_key,
)
from pytest_inferbench.errors import ConfigError

_MOST_PROBLEMS = 20
_LARGEST = 10**100

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    Path = tuple[str | int, ...]


class Shape(BaseModel):
    """The parent of every model of something people write: no unknown keys, no conversion (YAML has types), frozen.

    A known key without a value (`args:` with all its lines commented out) counts as absent.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, data: Any) -> Any:  # noqa: ANN401 - whatever was written
        if not isinstance(data, dict):
            return data
        known = _known_keys(cls, ())
        for key, value in data.items():
            if isinstance(value, int) and abs(value) >= _LARGEST:  # from Python; no file has such a one
                raise ValueError(f"{key}: got a number of more than 100 digits, expected a smaller one")
        return {key: value for key, value in data.items() if value is not None or key not in known}


S = TypeVar("S", bound=BaseModel)


def validate(model: type[S], section: Section) -> S:
    """The section as an instance of `model`.

    Raises:
        ConfigError: one line for each problem: `file:line: key.path: got 'x', expected an integer`.
    """
    try:
        return model.model_validate(section.plain())
    except ValidationError as error:
        found = error
    except ConfigError as error:  # of a model that words what Python gave it itself, and knows no lines of a file
        if not isinstance(error.__cause__, ValidationError):
            raise
        found = error.__cause__
    raise validation_error(found, model, section)


def validation_error(error: ValidationError, model: type[BaseModel], section: Section) -> ConfigError:
    """The error that says what pydantic found wrong with a section, one line for each problem."""
    problems = _problems(error.errors(include_url=False), model, section)
    problems.sort(key=lambda problem: (problem.source.file or "", problem.source.line or 0))
    told = [problem.text() for problem in problems[:_MOST_PROBLEMS]]
    if len(problems) > _MOST_PROBLEMS:
        told.append(f"and {len(problems) - _MOST_PROBLEMS} more problems; mend these first")
    return ConfigError("\n".join(told))


def path_text(path: Path) -> str:
    """A path as people write it: `models[0].backends.vllm`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{shorten_name(part)}"
    return text


@dataclass(slots=True)
class _Problem:
    """What is wrong in one place: a complaint, or what each member of a union expected there.

    `depth` is how far validation got into the value: a wrong or missing key of a mapping lies one below it. `key` is
    what is missing, `meant` what an unknown key is likely to be.
    """

    path: Path
    source: Source
    value: Any
    depth: int
    in_union: bool
    complaint: str = ""
    key: str = ""
    meant: str | None = None
    expected: list[str] = field(default_factory=list)

    def text(self) -> str:
        where = f"{self.source}: {path_text(self.path)}: " if self.path else f"{self.source}: "
        if self.complaint:
            return where + self.complaint
        expected = alternatives(self.expected)
        shown = quote_value(self.value, self.source.written)
        return f"{where}got {shown}, expected {expected}{quoting_hint(self.value, shown, expected)}"


def _problems(errors: Iterable[ErrorDetails], model: type[BaseModel], section: Section) -> list[_Problem]:
    problems: list[_Problem] = []
    for error in errors:
        problem = _problem(error, model, section)
        same = next((other for other in problems if other.path == problem.path and other.expected), None)
        if same is not None and problem.expected:
            same.expected += problem.expected
        else:
            problems.append(problem)
    meant = {(problem.path, problem.meant) for problem in problems}
    problems = [problem for problem in problems if not problem.key or (problem.path, problem.key) not in meant]
    # Where one member of a union got further into the value than another, the one that got further is meant.
    return [problem for problem in problems if not (problem.in_union and _is_outdone(problem, problems))]


def _is_outdone(problem: _Problem, others: list[_Problem]) -> bool:
    at = len(problem.path)
    return any(other.depth > problem.depth and other.path[:at] == problem.path for other in others)


def _problem(error: ErrorDetails, model: type[BaseModel], section: Section) -> _Problem:
    path, source = _locate(section, error["loc"])
    problem = _Problem(path, source, error["input"], len(path), in_union=len(path) < len(error["loc"]))
    if error["type"] == "missing":
        problem.depth += 1
        problem.key = str(error["loc"][-1])
        problem.complaint = f"missing key {str(error['loc'][-1])!r}; add it"
    elif error["type"] == "extra_forbidden":
        problem.path = path[:-1]
        known = _known_keys(model, path[:-1])
        problem.complaint, problem.meant = unknown_key(str(path[-1]), known), nearest(str(path[-1]), known)
    elif error["type"] == "value_error" and (
        isinstance(error["input"], dict | list) or isinstance(error["ctx"]["error"], HiddenValueError)
    ):
        problem.complaint = expectation(error)
    else:
        problem.expected.append(expectation(error))
    return problem


def _locate(section: Section, location: Path) -> tuple[Path, Source]:
    """How far a pydantic location leads into what was written; its other parts name union members and missing keys."""
    value: Any = section
    path: Path = ()
    source = section.source
    for part in location:
        if _holds(value, part):
            source, value = value.source_of(part), value[part]
            path = (*path, part)
    return path, source


def _holds(value: Any, part: str | int) -> bool:  # noqa: ANN401 - any node of a tree
    return (isinstance(value, Section) and part in value) or (isinstance(value, Items) and isinstance(part, int))


def _known_keys(annotation: Any, path: Path) -> set[str]:  # noqa: ANN401 - any type annotation
    """The keys that the model at `path` below `annotation` reads."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {key: info for name, info in annotation.model_fields.items() for key in _spellings(name, info)}
        if not path:
            return set(fields)
        return _known_keys(fields[str(path[0])].annotation, path[1:]) if path[0] in fields else set()
    inside = path[1:] if get_origin(annotation) in {list, dict} else path
    return {key for argument in get_args(annotation) for key in _known_keys(argument, inside)}


def _spellings(name: str, info: FieldInfo) -> list[str]:
    alias = info.validation_alias
    if isinstance(alias, AliasChoices):
        return [choice for choice in alias.choices if isinstance(choice, str)]
    return [alias if isinstance(alias, str) else name]
