"""The program's lines on a git branch of their own, which several jobs read and add to.

Idea: sessions come every night, and a pipeline may not commit to a protected branch. They are only added to, so two
that push at once need no merge: the second adds its lines to what the first has pushed.
Limits: only `*/*.jsonl` of the baselines folder goes to the branch, and nothing that was taken off it comes back: a
clone knows what it last saw there. The working tree changes by `pull` alone, in those files; its index and its branch
never do.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_inferbench.baselines.staging import stage, staged_beside
from pytest_inferbench.errors import BaselineError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Texts = dict[str, str]
"""Path of a file of lines, from the repository's top -> its text."""
_REFS: Final = "refs/inferbench/"  # what was last pulled from, or pushed to, each branch
_ATTEMPTS: Final = 8
_NO_BRANCH: Final = 2  # git ls-remote --exit-code
# Who commits where the environment names nobody.
_AUTHOR: Final = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "inferbench"), ("EMAIL", "inferbench@localhost"))
}


class Moved(NamedTuple):
    """What `pull` or `push` did.

    Attributes:
        found: whether the branch was there.
        lines: how many lines went to each file.
        gone: how many lines left each file here, because somebody took them off the branch since.
    """

    found: bool
    lines: Mapping[str, int]
    gone: Mapping[str, int] = MappingProxyType({})


def pulled_branch(folder: Path) -> str | None:
    """The branch that sessions of this clone come from; None where none was pulled, or nobody can tell."""
    top = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)
    if top is None:
        return None
    try:
        done = _git(top, "for-each-ref", "--count=1", "--format=%(refname)", _REFS)
    except BaselineError:  # no git here: a report that asks is not to fall over it
        return None
    return done.stdout.strip().removeprefix(_REFS) or None


class HistoryBranch:
    """The branch of a remote repository that holds sessions.

    Args:
        folder: the baselines folder, in a clone.
        branch: its name.
    """

    def __init__(self, folder: Path, branch: str) -> None:
        self._branch = branch
        # From the nearest folder that is there: the first night has no baselines folder.
        self._top = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.is_dir())
        self._top = Path(self._git("rev-parse", "--show-toplevel").strip())
        self._prefix = f"{folder.resolve().relative_to(self._top.resolve()).as_posix()}/"
        self._pulled = f"{_REFS}{branch}"

    def pull(self) -> Moved:
        """Add the branch's lines to the files in the folder; drop those that were taken off it since the last time.

        Raises:
            BaselineError: git refuses.
        """
        tip = self._fetch()
        if tip is None:
            self._git("update-ref", "-d", self._pulled)
            return Moved(found=False, lines={})
        before, theirs, here = self._at(self._pulled), self._at(tip), self._here()
        gone = {path: _missing(text, theirs.get(path, "")) for path, text in before.items()}
        kept = {path: _without(text, gone.get(path, ())) for path, text in here.items()}
        added = {path: _missing(text, kept.get(path, "")) for path, text in theirs.items()}
        for path in dict.fromkeys((*kept, *added)):
            text = _append_lines(kept.get(path, ""), added.get(path, ()))
            if text != here.get(path, ""):
                _replace(self._top / path, text)
        self._git("update-ref", self._pulled, tip)
        dropped = {path: here[path].count("\n") - text.count("\n") for path, text in kept.items() if text != here[path]}
        return Moved(found=True, lines={path: len(lines) for path, lines in added.items()}, gone=dropped)

    def push(self) -> Moved:
        """Add to the branch the lines that are neither committed here nor were pulled; make it where there is none.

        Raises:
            BaselineError: git refuses.
        """
        known = [self._at("HEAD"), self._at(self._pulled)]
        tip = self._fetch()
        for _ in range(_ATTEMPTS):
            theirs = {} if tip is None else self._at(tip)
            old = {
                path: "".join(_append_lines(each.get(path, ""), ()) for each in (*known, theirs))
                for path in self._here()
            }
            new = {path: lines for path, text in self._here().items() if (lines := _missing(text, old[path]))}
            moved = Moved(found=tip is not None, lines={path: len(lines) for path, lines in new.items()})
            if not new:
                return moved
            refused = self._push(
                {path: _append_lines(theirs.get(path, ""), lines) for path, lines in new.items()}, tip, moved
            )
            if refused is None:
                return moved
            before, tip = tip, self._fetch()
            if tip == before:  # nobody came first: it is refused for good
                raise BaselineError(f"git push of {self._branch}: {refused}")
        raise BaselineError(f"git push of {self._branch}: others pushed first, {_ATTEMPTS} times; push again")

    def committed_files(self) -> list[str]:
        """Files of the branch that this checkout's commit has too: what is taken off the branch stays in them."""
        if self._run("merge-base", "--is-ancestor", "HEAD", self._pulled).returncode == 0:  # it is the same branch
            return []
        return sorted(self._at("HEAD").keys() & self._at(self._pulled).keys())

    def unmerged_branch(self) -> str | None:
        """The default branch of origin where this commit is not on it; None where it is, or nobody knows."""
        done = self._run("rev-parse", "--abbrev-ref", "origin/HEAD")
        if done.returncode or self._run("merge-base", "--is-ancestor", "HEAD", "origin/HEAD").returncode != 1:
            return None
        return done.stdout.strip().removeprefix("origin/")

    def untracked_files(self) -> list[str]:
        """People's files in the folder that git does not know yet, from the repository's top."""
        return self._git("ls-files", "--others", "--full-name", "--", f":(top,glob){self._prefix}*.yaml").splitlines()

    def _push(self, texts: Texts, tip: str | None, moved: Moved) -> str | None:
        """Commit the texts on top of the tip and push; why not, where it was refused."""
        with tempfile.TemporaryDirectory(prefix="inferbench-") as scratch:
            index = {"GIT_INDEX_FILE": f"{scratch}/index"}
            self._git("read-tree", "--empty" if tip is None else tip, environ=index)
            for path, text in texts.items():
                blob = self._git("hash-object", "-w", "--stdin", given=text).strip()
                self._git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", environ=index)
            tree = self._git("write-tree", environ=index).strip()
        parent = [] if tip is None else ["-p", tip]
        message = f"Record {sum(moved.lines.values())} lines\n\n" + "".join(
            f"{path}: {count}\n" for path, count in moved.lines.items()
        )
        commit = self._git("commit-tree", tree, *parent, given=message).strip()
        done = self._run("push", "--quiet", "origin", f"{commit}:refs/heads/{self._branch}")
        if done.returncode:
            return _reason(done)
        self._git("update-ref", self._pulled, commit)
        return None

    def _fetch(self) -> str | None:
        """The branch's newest commit, fetched; None where origin has no such branch."""
        asked = self._run("ls-remote", "--exit-code", "--heads", "origin", f"refs/heads/{self._branch}")
        if asked.returncode == _NO_BRANCH:
            return None
        if asked.returncode:
            raise BaselineError(f"git ls-remote origin: {_reason(asked)}")
        self._git("fetch", "--quiet", "--no-tags", "origin", f"refs/heads/{self._branch}")
        return self._git("rev-parse", "FETCH_HEAD").strip()

    def _at(self, commit: str) -> Texts:
        """The files of lines at a commit; none where there is no such commit."""
        if self._run("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").returncode:
            return {}
        names = self._git("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, self._prefix).split("\0")
        return {name: self._git("show", f"{commit}:{name}") for name in names if self._is_lines(name)}

    def _is_lines(self, name: str) -> bool:
        return name.endswith(".jsonl") and name.removeprefix(self._prefix).count("/") == 1

    def _here(self) -> Texts:
        files = sorted((self._top / self._prefix).glob("*/*.jsonl"))
        return {f"{self._prefix}{path.parent.name}/{path.name}": _text(path) for path in files}

    def _git(self, *arguments: str, given: str | None = None, environ: Mapping[str, str] | None = None) -> str:
        done = self._run(*arguments, given=given, environ=environ)
        if done.returncode:
            raise BaselineError(f"git {arguments[0]}: {_reason(done)}")
        return done.stdout

    def _run(
        self, *arguments: str, given: str | None = None, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return _git(self._top, *arguments, given=given, environ=environ)


def _git(
    folder: Path, *arguments: str, given: str | None = None, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - fixed program, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - git is where the user has it
            capture_output=True,
            input=given or "",
            env={**_AUTHOR, **os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(environ or {})},
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise BaselineError(f"git cannot be started: {error.strerror}; install it") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(f"{path}: cannot be read: {error}; restore it from version control") from None


def _missing(text: str, there: str) -> list[str]:
    """The lines of a text that another lacks."""
    seen = set(there.splitlines())
    return [line for line in text.splitlines() if line and line not in seen]


def _without(text: str, lines: Collection[str]) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if line.rstrip("\n") not in lines) if lines else text


def _append_lines(text: str, lines: Iterable[str]) -> str:
    head = text if not text or text.endswith("\n") else f"{text}\n"
    return head + "".join(f"{line}\n" for line in lines)


def _replace(path: Path, text: str) -> None:
    path = path.resolve()  # a link stays one
    staged = staged_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stage(path, text)
        staged.replace(path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise BaselineError(f"{path}: cannot be written: {error.strerror}; mend that and pull again") from None


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Why git ended, in its own words."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "!"))]
    return "; ".join((telling or lines)[-3:]) or f"exit status {done.returncode}"
