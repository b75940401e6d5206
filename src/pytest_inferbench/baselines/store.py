"""Baseline files on disk: the only file access of `baselines/`.

Law: a file that cannot be understood is left untouched. A write replaces whole files, each in one step, only if they
still are what was read, and only one writer at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.agree import disagreements
from pytest_inferbench.baselines.names import budget_file, safe_name, session_file
from pytest_inferbench.baselines.read import read_file, read_sessions
from pytest_inferbench.baselines.schema import Baseline, BaselineFile
from pytest_inferbench.config.load import shown
from pytest_inferbench.config.parse import parse
from pytest_inferbench.errors import BaselineError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_inferbench.baselines.update import Update
    from pytest_inferbench.metrics.table import Metric


class BaselineStore:
    """The baselines folder.

    Args:
        folder: where the files lie; made by the first write.
        root: the folder that paths in messages are shown from.
        metrics: every metric by its name.
    """

    def __init__(self, folder: Path, root: Path, metrics: Mapping[str, Metric]) -> None:
        self._folder = folder
        self._root = root
        self._metrics = metrics
        self._last: dict[tuple[Path, str], Baseline] = {}

    def read(self, model: str, backend: str, hardware: str) -> Baseline:
        """Both files of a model, backend and hardware; empty where there are none yet. Parsed again only if changed.

        Raises:
            BaselineError: a file is unreadable, broken, newer, another model's, or the two disagree.
        """
        path = self._folder / budget_file(model, backend)
        return self._at(path, safe_name(hardware), (model, backend))

    def _at(self, path: Path, hardware: str, expected: tuple[str, str] | None = None) -> Baseline:
        """The baseline whose YAML file is at `path`; `expected`: whose it must be, and is where there is no file."""
        sessions_path = path.with_suffix("") / f"{hardware}.jsonl"
        name, sessions_name = shown(path, self._root), shown(sessions_path, self._root)
        text, sessions_text = _read(path, name), _read(sessions_path, sessions_name)
        last = self._last.get((path, hardware))
        unchanged = last is not None and (last.text, last.sessions_text) == (text, sessions_text)
        if last is not None and unchanged and expected in (None, (last.file.model, last.file.backend)):
            return last
        file = BaselineFile(*(expected or ("", "")), {})
        if text is not None:
            try:
                file = read_file(parse(text, name), self._metrics)
            except ConfigError as error:
                raise BaselineError(str(error)) from None
        if expected is not None and (file.model, file.backend) != expected:
            raise BaselineError(
                f"{name}: holds {file.model} on {file.backend}, expected {expected[0]} on {expected[1]}: two names "
                "that make one file name; rename one of the models in the config"
            )
        sessions = read_sessions(sessions_text or "", sessions_name)
        baseline = Baseline(hardware, name, sessions_name, text, sessions_text, file, sessions)
        problems = disagreements(baseline)
        if problems:
            raise BaselineError("\n".join(problems))
        self._last[path, hardware] = baseline
        return baseline

    def read_all(self, model: str, backend: str, hardware: str) -> tuple[Baseline, ...]:
        """The files of a model and backend on every hardware that has sessions, and on `hardware`.

        Raises:
            BaselineError: as `read`.
        """
        folder = (self._folder / session_file(model, backend, hardware)).parent
        names = {path.stem for path in folder.glob("*.jsonl")} | {safe_name(hardware)}
        return tuple(self.read(model, backend, name) for name in sorted(names))

    def read_backend(self, backend: str, hardware: str) -> tuple[Baseline, ...]:
        """The files of every model on a backend.

        Raises:
            BaselineError: as `read`.
        """
        files = sorted(self._folder.glob(f"*--{safe_name(backend)}.yaml"))
        return tuple(self._at(file, safe_name(hardware)) for file in files)

    def read_hardware(self, hardware: str) -> tuple[Baseline, ...]:
        """The files of every model and backend that have sessions on a hardware.

        Raises:
            BaselineError: as `read`.
        """
        name = safe_name(hardware)
        folders = sorted(path.parent for path in self._folder.glob(f"*/{name}.jsonl"))
        files = [folder.with_name(f"{folder.name}.yaml") for folder in folders]
        return tuple(self._at(file, name) for file in files if file.exists())

    def write(self, update: Update) -> None:
        """Carry out a planned update; nothing where nothing changes.

        Raises:
            BaselineError: another writer is at work or has been since the files were read, or the disk refuses.
        """
        if not update.writes:
            return
        path = self._folder / budget_file(update.model, update.backend)
        # The sessions come first: `accepted` is derived from them and can be mended from them.
        targets = {
            self._folder / session_file(update.model, update.backend, hardware): change
            for hardware, change in update.sessions.items()
        }
        targets[path] = update.budgets
        name = shown(path, self._root)
        try:
            for target in targets:
                target.parent.mkdir(parents=True, exist_ok=True)
            with _lock(self._folder / f".{path.name}.lock", name):
                for target, change in targets.items():
                    if _read(target, shown(target, self._root)) != change.old:
                        raise BaselineError(f"{shown(target, self._root)}: changed since it was read; update again")
                self._replace(
                    {
                        target: change.new
                        for target, change in targets.items()
                        if change.new is not None and change.new != change.old
                    }
                )
        except OSError as error:
            raise BaselineError(
                f"{name}: cannot be written: {error.strerror}; nothing was changed; mend that and update again"
            ) from None

    def written(self, update: Update) -> list[str]:
        """The files that an update changes, as people are shown them."""
        model, backend = update.model, update.backend
        names = [budget_file(model, backend)] if update.budgets.old != update.budgets.new else []
        names += [session_file(model, backend, name) for name, each in update.sessions.items() if each.old != each.new]
        return [shown(self._folder / name, self._root) for name in names]

    def _replace(self, texts: Mapping[Path, str]) -> None:
        """Put new files in place of old ones, none before all of them are safely on the disk."""
        staged: dict[Path, Path] = {}
        replaced: list[str] = []
        try:
            for path, text in texts.items():
                staged[path] = path.with_name(f".{path.name}.{os.getpid()}.tmp")
                _stage(staged[path], path, text)
            for path, temporary in staged.items():
                temporary.replace(path)
                replaced.append(shown(path, self._root))
        except OSError as error:
            if not replaced:
                raise
            raise BaselineError(
                f"{shown(path, self._root)}: cannot be written: {error.strerror}; {', '.join(replaced)} has been: "
                "restore it from version control, then update again"
            ) from None
        finally:
            for temporary in staged.values():
                temporary.unlink(missing_ok=True)


def _read(path: Path, name: str) -> str | None:
    """The file's text with its line ends as they are; None where there is no such file."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BaselineError(f"{name}:{line}: not UTF-8; restore the file from version control") from None
    except OSError as error:
        raise BaselineError(f"{name}: cannot be read: {error.strerror}; check its permissions") from None


def _stage(temporary: Path, target: Path, text: str) -> None:
    with temporary.open("w", encoding="utf-8", newline="") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    if target.exists():
        shutil.copymode(target, temporary)


@contextlib.contextmanager
def _lock(path: Path, name: str) -> Iterator[None]:
    """Hold the writers' lock; the system frees it when its holder dies, so a left-over file locks nobody out."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A holder removes the file before it lets go: what was opened before that locks nothing any more.
            held = os.path.samestat(os.fstat(descriptor), path.stat())
        except (BlockingIOError, FileNotFoundError):
            held = False
        if not held:
            raise BaselineError(
                f"{name}: another run is writing it (lock {path.name}); wait for its end and update again"
            )
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
