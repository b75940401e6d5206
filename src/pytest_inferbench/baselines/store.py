"""Baseline files on disk: the only file access of `baselines/`.

Limits: a file that cannot be understood is left untouched. A write replaces whole files, each in one step, and only one
writer at a time: it adds its lines to whatever is there then. People's file is written where there is none.
"""

from __future__ import annotations

import contextlib
import gc
import os
import warnings
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_inferbench.baselines.committed import read_at_commit
from pytest_inferbench.baselines.names import budget_file, lines_file, safe_name
from pytest_inferbench.baselines.older import first_line
from pytest_inferbench.baselines.owner import check_owner
from pytest_inferbench.baselines.read import read_file
from pytest_inferbench.baselines.read_lines import read_lines
from pytest_inferbench.baselines.schema import Baseline, BaselineFile
from pytest_inferbench.baselines.staging import folders_of, stage, staged_beside
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.config.load import shown_path
from pytest_inferbench.config.parse import parse
from pytest_inferbench.config.wording import shorten_name
from pytest_inferbench.errors import BaselineError, ConfigError, OlderSpellingWarning
from pytest_inferbench.files import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_inferbench.baselines.accepted import Accepted
    from pytest_inferbench.baselines.changes import Update
    from pytest_inferbench.clock import Clock
    from pytest_inferbench.metrics.table import Metric

_PATIENCE_S: Final = 10.0
_STEP_S: Final = 0.05


class Listed(NamedTuple):
    """A file of lines for people: whose it is (`model--backend`, hardware), and people's file beside it, if any."""

    owner: str
    hardware: str
    name: str
    text: str | None
    accepted: Mapping[str, Accepted]


class BaselineStore:
    """The baselines folder.

    Args:
        folder: where the files lie; made by the first write.
        root: the folder that paths in messages are shown from.
        metrics: every metric by its name.
        clock: tells which dates lie ahead.
    """

    def __init__(self, folder: Path, root: Path, metrics: Mapping[str, Metric], clock: Clock = SYSTEM_CLOCK) -> None:
        self._folder = folder
        self._root = root
        self._metrics = metrics
        self._clock = clock
        self._files: dict[Path, tuple[str, BaselineFile]] = {}
        self._lines: dict[Path, tuple[str, Mapping[str, Accepted]]] = {}

    def read(self, model: str, backend: str, hardware: str) -> Baseline:
        """Both files of a model, backend and hardware; empty where there are none yet. Parsed again only if changed.

        Raises:
            BaselineError: a file is unreadable, broken, newer, or another model's.
        """
        path = self._folder / budget_file(model, backend)
        return self._at(path, hardware, (model, backend))

    def _at(
        self, path: Path, machine: str, expected: tuple[str, str] | None = None, *, by_stem: bool = False
    ) -> Baseline:
        """The baseline whose file of people's is at `path`; `expected`: whose it must be, and is without one.

        Its lines are to be those of the machine of that name, which may be any with `by_stem`: it is the file's.
        """
        hardware = safe_name(machine)
        lines_path = path.with_suffix("") / f"{hardware}.jsonl"
        name, lines_name = shown_path(path, self._root), shown_path(lines_path, self._root)
        text, lines = _read(path, name), _read(lines_path, lines_name)
        file = BaselineFile(*(expected or ("", "")), {}) if text is None else self._file(path, name, text)
        if expected is not None and (file.model, file.backend) != expected:
            raise BaselineError(
                f"{name}: holds {shorten_name(file.model)} on {shorten_name(file.backend)}, expected "
                f"{shorten_name(expected[0])} on {shorten_name(expected[1])}: two names that make one file "
                "name; rename one of the models in the config"
            )
        accepted = {} if lines is None else self._read_accepted(lines_path, lines_name, lines)
        if not by_stem:
            check_owner(accepted.values(), machine, lines_name)
        return Baseline(hardware, name, lines_name, text, file, accepted)

    def _file(self, path: Path, name: str, text: str) -> BaselineFile:
        last = self._files.get(path)
        if last is not None and last[0] == text:
            return last[1]
        try:
            document = parse(text, name)
            file = read_file(document, self._metrics)
        except ConfigError as error:
            raise BaselineError(str(error)) from None
        if file.older is not None:
            line = first_line(document)
            told = (
                f"{name}:{line}: `accepted:` and `noise:` are the program's, and lie in the folder beside it; the next "
                "--update-baselines takes them out"
            )
            warnings.warn_explicit(told, OlderSpellingWarning, name, line)
        self._files[path] = text, file
        return file

    def _read_accepted(self, path: Path, name: str, text: str) -> Mapping[str, Accepted]:
        last = self._lines.get(path)
        if last is not None and last[0] == text:
            return last[1]
        accepted = read_lines(text, name, self._clock.wall())
        self._lines[path] = text, accepted
        return accepted

    def read_all(self, model: str, backend: str, hardware: str) -> tuple[Baseline, ...]:
        """The files of a model and backend on every hardware that has lines, and on `hardware`.

        Raises:
            BaselineError: as `read`.
        """
        folder = (self._folder / lines_file(model, backend, hardware)).parent
        path, whose = self._folder / budget_file(model, backend), (model, backend)
        others = {each.stem for each in folder.glob("*.jsonl")} - {safe_name(hardware)}
        found = [self._at(path, hardware, whose), *(self._at(path, name, whose, by_stem=True) for name in others)]
        return tuple(sorted(found, key=lambda each: each.hardware))

    def read_backend(self, backend: str, hardware: str) -> tuple[Baseline, ...]:
        """The files of every model on a backend.

        Raises:
            BaselineError: as `read`.
        """
        files = sorted(self._folder.glob(f"*--{safe_name(backend)}.yaml"))
        return tuple(self._at(file, hardware) for file in files)

    def read_hardware(self, hardware: str) -> tuple[Baseline, ...]:
        """The files of every model and backend that have lines on a hardware.

        Raises:
            BaselineError: as `read`.
        """
        name = safe_name(hardware)
        folders = sorted(path.parent for path in self._folder.glob(f"*/{name}.jsonl"))
        with _without_garbage_collection():
            return tuple(self._at(folder.with_name(f"{folder.name}.yaml"), hardware) for folder in folders)

    def list_files(self, commit: str | None = None) -> tuple[Listed, ...]:
        """Every file of lines, with people's text beside it; as they were at a commit where one is given.

        Raises:
            BaselineError: a file of lines cannot be used, or git knows no such commit.
        """
        then = None if commit is None else read_at_commit(self._folder, commit)
        found = []
        for path in sorted(self._folder.glob("*/*.jsonl")):
            people = path.parent.with_name(f"{path.parent.name}.yaml")
            name, lines_name = shown_path(people, self._root), shown_path(path, self._root)
            lines = _read(path, lines_name) if then is None else then(path.relative_to(self._folder))
            where = lines_name if commit is None else f"{commit}:{lines_name}"
            accepted = read_lines(lines or "", where, self._clock.wall())
            found.append(Listed(path.parent.name, path.stem, name, _read(people, name), accepted))
        return tuple(found)

    def write(self, update: Update) -> list[str]:
        """Carry out a planned update; nothing where nothing changes.

        Returns:
            the files that it wrote, as people are shown them.

        Raises:
            BaselineError: another writer does not come to its end, or the disk refuses.
        """
        if not update.writes:
            return []
        path = self._folder / budget_file(update.model, update.backend)
        name = shown_path(path, self._root)
        edits = {
            self._folder / lines_file(update.model, update.backend, hardware): edit
            for hardware, edit in update.lines.items()
            if edit.changes
        }
        try:
            with folders_of((path, *edits)), self._lock(self._folder / f".{path.name}.lock", name):
                texts = {
                    target: edit.apply(_read(target, shown_path(target, self._root)) or "")
                    for target, edit in edits.items()
                }
                if update.file is not None and _read(path, name) == update.file.old:
                    texts[path] = update.file.new
                self._replace(texts)
        except OSError as error:
            raise BaselineError(
                f"{name}: cannot be written: {error.strerror}; nothing was changed; mend that and update again"
            ) from None
        return [shown_path(target, self._root) for target in texts]

    def _replace(self, texts: Mapping[Path, str]) -> None:
        """Put new files in place of old ones, none before all of them are safely on the disk."""
        staged: dict[Path, Path] = {}
        replaced: list[str] = []
        try:
            for path, text in texts.items():
                target = path.resolve()  # a link stays one
                staged[target] = staged_beside(target)
                stage(target, text)
            for path, temporary in staged.items():
                temporary.replace(path)
                replaced.append(shown_path(path, self._root))
        except OSError as error:
            if not replaced:
                raise
            raise BaselineError(
                f"{shown_path(path, self._root)}: cannot be written: {error.strerror}; {', '.join(replaced)} has been: "
                "restore it from version control, then update again"
            ) from None
        finally:
            for temporary in staged.values():
                temporary.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _lock(self, path: Path, name: str) -> Iterator[None]:
        """Hold the writers' lock; the system frees it when its holder dies, so a left-over file locks nobody out."""
        for _ in range(int(_PATIENCE_S / _STEP_S)):
            descriptor = _open_lock(path)
            if descriptor is not None:
                break
            self._clock.sleep(_STEP_S)
        else:
            raise BaselineError(
                f"{name}: another run is writing it (lock {path.name}); wait for its end and update again"
            )
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(descriptor)


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Read many values that all stay: looking for cycles among them, over and over, is a third of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _read(path: Path, name: str) -> str | None:
    """The file's text with its line ends as they are; None where there is no such file."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BaselineError(f"{name}:{line}: not UTF-8; restore the file from version control") from None
    except IsADirectoryError:
        raise BaselineError(f"{name}: this is a folder; move it away") from None
    except OSError as error:
        raise BaselineError(f"{name}: cannot be read: {error.strerror}; check its permissions") from None


def _open_lock(path: Path) -> int | None:
    """A descriptor that holds the lock; None while another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        # A holder removes the file before it lets go: what was opened before that locks nothing any more.
        if try_lock(descriptor) and os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except FileNotFoundError:
        pass
    os.close(descriptor)
    return None
