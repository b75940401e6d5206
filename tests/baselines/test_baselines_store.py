"""Baseline files on disk: reading, and writes that are whole or not at all."""

import errno
import fcntl
import gc
import multiprocessing
import os
import subprocess

import pytest

from baselines.baseline_made import CASE, HARDWARE, OLDER, TABLE, YAML, candidate, session
from pytest_inferbench.baselines.names import safe_name
from pytest_inferbench.baselines.older import plan_takeover
from pytest_inferbench.baselines.store import BaselineStore
from pytest_inferbench.baselines.update import plan_update
from pytest_inferbench.clock import SystemClock
from pytest_inferbench.errors import BaselineError, OlderSpellingWarning
from pytest_inferbench.stats.verdict import Verdict

KEY = ("qwen3-8b", "vllm", HARDWARE)


class Impatient(SystemClock):
    """A clock that does not wait."""

    def sleep(self, seconds):
        pass


class Folder:
    """A baselines folder and what is in it."""

    def __init__(self, root):
        self.path = root / "baselines"
        self.yaml = self.path / "qwen3-8b--vllm.yaml"
        self.jsonl = self.path / "qwen3-8b--vllm" / "1x-nvidia-h200.jsonl"
        self.store = BaselineStore(self.path, root, TABLE, Impatient())

    def put(self, text, *sessions):
        self.jsonl.parent.mkdir(parents=True, exist_ok=True)
        self.yaml.write_text(text)
        self.jsonl.write_text("".join(f"{made.to_text()}\n" for made in sessions))
        return self.files()

    def files(self):
        return {str(path.relative_to(self.path)): path.read_bytes() for path in self.path.rglob("*") if path.is_file()}

    def refused(self):
        with pytest.raises(BaselineError) as caught:
            self.store.read(*KEY)
        return str(caught.value)

    def plan(self, *candidates, run_id="run-9"):
        return plan_update(self.store.read(*KEY), candidates or [candidate()], run_id=run_id, date="2025-02-03")


def test_one_hardware_over_all_models(tmp_path):
    """Every model and backend with lines there is found, with or without people's file, and nobody from elsewhere."""
    folder = Folder(tmp_path)
    folder.put(YAML, session())
    other = YAML.replace("qwen3-8b", "org/other").replace("vllm\n", "sglang\n")
    (folder.path / "org-other--sglang").mkdir()
    (folder.path / "org-other--sglang.yaml").write_text(other)
    (folder.path / "org-other--sglang" / "1x-nvidia-h200.jsonl").write_text(f"{session(2).to_text()}\n")
    (folder.path / "org-other--sglang" / "laptop.jsonl").write_text("never read\n")
    (folder.path / "no-yaml--vllm").mkdir()
    (folder.path / "no-yaml--vllm" / "1x-nvidia-h200.jsonl").write_text(f"{session(3).to_text()}\n")
    found = folder.store.read_hardware(HARDWARE)
    assert [(each.name, each.file.model, list(each.accepted)) for each in found] == [
        ("baselines/no-yaml--vllm.yaml", "", [CASE]),
        ("baselines/org-other--sglang.yaml", "org/other", [CASE]),
        ("baselines/qwen3-8b--vllm.yaml", "qwen3-8b", [CASE]),
    ]
    with pytest.raises(BaselineError, match=r"laptop\.jsonl:1: not a whole line of JSON"):
        folder.store.read("org/other", "sglang", "laptop")


def record(root, name, start, outcomes):
    """What one of several processes does: read, wait for the others, write; it says what came of it."""
    folder = Folder(root)
    folder.store = BaselineStore(folder.path, root, TABLE)
    update = folder.plan(run_id=name)
    start.wait(60)
    try:
        folder.store.write(update)
    except BaselineError as error:
        outcomes.put((name, str(error)))
    else:
        outcomes.put((name, ""))


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_nothing_there(folder):
    """Without files there is an empty baseline, and nothing is made on disk."""
    baseline = folder.store.read(*KEY)
    assert (baseline.text, baseline.accepted, baseline.file.cases) == (None, {}, {})
    assert not folder.path.exists()


def test_write_and_read_again(folder):
    """What is written reads back, session by session, and leaves no other file behind."""
    for number in range(3):
        written = folder.store.write(folder.plan(run_id=f"run-{number}"))
        assert ("baselines/qwen3-8b--vllm.yaml" in written) == (number == 0), "people's file is written once"
    assert [made.id for made in folder.store.read(*KEY).of(CASE).sessions] == ["run-0", "run-1", "run-2"]
    assert set(folder.files()) == {"qwen3-8b--vllm.yaml", "qwen3-8b--vllm/1x-nvidia-h200.jsonl"}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_appending_keeps_what_was_there(folder, end):
    """Old lines stay byte for byte, also where the last has no line end; so do permissions and the kind of line end."""
    folder.put(YAML, session(1), session(2))
    old = folder.jsonl.read_bytes().replace(b"\n", end.encode()).removesuffix(end.encode())
    folder.jsonl.write_bytes(old)
    folder.jsonl.chmod(0o640)
    folder.store.write(folder.plan())
    added = folder.jsonl.read_bytes().removeprefix(old).decode()
    assert added.startswith(f'{end}{{"schema":3,"kind":"session","id":"run-9"')
    assert added.endswith(f"}}{end}")
    assert folder.jsonl.stat().st_mode & 0o777 == 0o640
    assert folder.yaml.read_text() == YAML


def test_a_link_stays_one(folder, tmp_path):
    """Where the file is a link, its target gets the line."""
    folder.put(YAML, session())
    target = tmp_path / "elsewhere.jsonl"
    folder.jsonl.rename(target)
    folder.jsonl.symlink_to(target)
    folder.store.write(folder.plan())
    assert folder.jsonl.is_symlink()
    assert len(target.read_text().splitlines()) == 2


def test_a_file_of_version_1(folder):
    """It is read with one warning, and the next update takes the program's part out and leaves people's."""
    folder.put(OLDER, session())
    with pytest.warns(OlderSpellingWarning, match="the next --update-baselines takes them out") as told:
        assert folder.store.read(*KEY) == folder.store.read(*KEY)
    assert len(told) == 1
    written = folder.store.write(plan_takeover([folder.store.read(*KEY)]))
    assert written == ["baselines/qwen3-8b--vllm/1x-nvidia-h200.jsonl", "baselines/qwen3-8b--vllm.yaml"]
    assert folder.yaml.read_text() == YAML
    assert folder.store.read(*KEY).of(CASE).noise.pairs == 11


def test_nothing_to_append_writes_nothing(folder):
    """An update without a session touches no file."""
    update = folder.plan(candidate(verdict=Verdict.INVALID))
    folder.store.write(update)
    assert not folder.path.exists()


def test_unchanged_files_are_parsed_once(folder):
    """Reading again gives the same values as long as the files hold the same text."""
    folder.put(YAML, session())
    first = folder.store.read(*KEY)
    assert folder.store.read(*KEY).accepted is first.accepted
    assert folder.store.read(*KEY).file is first.file
    folder.yaml.write_text(YAML + "# more\n")
    again = folder.store.read(*KEY)
    assert (again.text, again.accepted is first.accepted) == (YAML + "# more\n", True)


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("schema: 1\nmodel: [\n", "baselines/qwen3-8b--vllm.yaml:3: not YAML: "),
        ("schema: 7\n", "baselines/qwen3-8b--vllm.yaml:1: schema 7 is newer than 1"),
        (YAML.replace("max: 250", "max: fast"), "baselines/qwen3-8b--vllm.yaml:12: cases.concurrency[c08].hardware."),
        (
            YAML.replace("p95: {max: 4", "p95: {min: 4"),
            "baselines/qwen3-8b--vllm.yaml:8: ttft_ms.p95: got min: 400",
        ),
        (
            YAML.replace("cases:", "<<<<<<< ours\ncases:"),
            "baselines/qwen3-8b--vllm.yaml:6: an unresolved merge conflict",
        ),
    ],
    ids=["cut off", "newer", "wrong type", "wrong side", "conflict"],
)
def test_broken_yaml_is_left_untouched(folder, yaml, message):
    """A YAML file that cannot be understood is named with its line and stays as it is."""
    before = folder.put(yaml, session())
    assert folder.refused().startswith(message)
    assert folder.files() == before


def test_truncated_sessions_are_left_untouched(folder):
    """A session file that ends in the middle of a line is named with that line and stays as it is."""
    folder.put(YAML, session(1), session(2))
    folder.jsonl.write_bytes(folder.jsonl.read_bytes()[:-30])
    before = folder.files()
    assert folder.refused().startswith(
        "baselines/qwen3-8b--vllm/1x-nvidia-h200.jsonl:2: not a whole line of JSON (column 366: Expecting "
    )
    assert folder.files() == before


def test_not_utf8(folder):
    """Bytes of another encoding are refused with their line."""
    folder.put(YAML)
    folder.yaml.write_bytes(YAML.encode() + b"# \xe9\n")
    assert folder.refused() == "baselines/qwen3-8b--vllm.yaml:13: not UTF-8; restore the file from version control"


def test_folder_in_place_of_a_file(folder):
    """What cannot be read at all says why."""
    folder.yaml.mkdir(parents=True)
    assert folder.refused() == "baselines/qwen3-8b--vllm.yaml: this is a folder; move it away"


def test_another_models_file(folder):
    """Two models whose names make one file name do not share a baseline."""
    folder.put(YAML.replace("model: qwen3-8b", "model: qwen3/8b"), session())
    assert folder.refused() == (
        "baselines/qwen3-8b--vllm.yaml: holds qwen3/8b on vllm, expected qwen3-8b on vllm: two names that make one "
        "file name; rename one of the models in the config"
    )


def test_concurrent_writer(folder):
    """While another process writes, a writer is refused and changes nothing."""
    before = folder.put(YAML, session())
    update = folder.plan()
    lock = folder.path / ".qwen3-8b--vllm.yaml.lock"
    with lock.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BaselineError) as caught:
            folder.store.write(update)
        assert str(caught.value) == (
            "baselines/qwen3-8b--vllm.yaml: another run is writing it (lock .qwen3-8b--vllm.yaml.lock); "
            "wait for its end and update again"
        )
        assert {**folder.files(), lock.name: b""} == {**before, lock.name: b""}


def test_two_writers_at_once(folder):
    """Of processes that update at the same moment each is recorded, one after the other."""
    folder.put(YAML, session())
    spawn = multiprocessing.get_context("spawn")
    start, outcomes = spawn.Barrier(2), spawn.Queue()
    writers = [spawn.Process(target=record, args=(folder.path.parent, name, start, outcomes)) for name in "ab"]
    for writer in writers:
        writer.start()
    said = dict(outcomes.get(timeout=60) for _ in writers)
    for writer in writers:
        writer.join(60)
    assert said == {"a": "", "b": ""}
    assert {made.id for made in folder.store.read(*KEY).of(CASE).sessions} == {"run-1", "a", "b"}
    assert set(folder.files()) == {"qwen3-8b--vllm.yaml", "qwen3-8b--vllm/1x-nvidia-h200.jsonl"}


def test_lock_of_a_dead_writer(folder):
    """A lock file that nobody holds any more locks nobody out."""
    folder.put(YAML, session())
    (folder.path / ".qwen3-8b--vllm.yaml.lock").touch()
    folder.store.write(folder.plan())
    assert len(folder.store.read(*KEY).of(CASE).sessions) == 2


def test_lock_taken_in_the_moment_its_holder_leaves(folder, monkeypatch):
    """A lock on a file that its holder has just removed is no lock."""
    before = folder.put(YAML, session())
    update = folder.plan()
    real = fcntl.flock

    def left_behind(descriptor, how):
        real(descriptor, how)
        (folder.path / ".qwen3-8b--vllm.yaml.lock").unlink()

    monkeypatch.setattr(fcntl, "flock", left_behind)
    with pytest.raises(BaselineError, match="another run is writing it"):
        folder.store.write(update)
    assert folder.files() == before


def test_what_changed_since_it_was_read(folder):
    """A line that was added meanwhile stays before the new one; a file that people made meanwhile is theirs."""
    update = folder.plan()
    folder.put(YAML, session())
    folder.store.write(update)
    assert [made.id for made in folder.store.read(*KEY).of(CASE).sessions] == ["run-1", "run-9"]
    assert folder.yaml.read_text() == YAML


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("seam", ["os.fsync", "pathlib.Path.replace"])
def test_full_disk(folder, monkeypatch, seam):
    """A disk that refuses leaves both files as they were and no temporary file beside them."""
    before = folder.put(YAML, session())
    update = folder.plan()
    monkeypatch.setattr(seam, full)
    with pytest.raises(BaselineError) as caught:
        folder.store.write(update)
    assert str(caught.value) == (
        "baselines/qwen3-8b--vllm.yaml: cannot be written: No space left on device; nothing was changed; "
        "mend that and update again"
    )
    assert folder.files() == before


def test_disk_fails_between_the_two_files(folder, monkeypatch):
    """Where only the second file could not be replaced, the message says that the first one was."""
    update = folder.plan()
    real = type(folder.yaml).replace
    monkeypatch.setattr("pathlib.Path.replace", lambda path, to: full() if to == folder.yaml else real(path, to))
    with pytest.raises(BaselineError) as caught:
        folder.store.write(update)
    assert str(caught.value) == (
        "baselines/qwen3-8b--vllm.yaml: cannot be written: No space left on device; "
        "baselines/qwen3-8b--vllm/1x-nvidia-h200.jsonl has been: restore it from version control, then update again"
    )


def test_names_stay_in_the_folder(folder):
    """Names that look like paths make files in the folder all the same."""
    update = plan_update(
        folder.store.read("../../m", "/etc/b", ".."),
        [candidate(model="../../m", backend="/etc/b", hardware="..")],
        run_id="run-1",
        date="2025-02-03",
    )
    folder.store.write(update)
    assert set(folder.files()) == {"m--etc-b.yaml", "m--etc-b/_.jsonl"}
    (line,) = update.lines["_"].add
    assert folder.store.read("../../m", "/etc/b", "..").of(CASE).sessions == (line,)


def recorded_on(folder, machine, run_id="run-1"):
    """A session of a machine, written."""
    offered = candidate(hardware=machine)
    update = plan_update(
        folder.store.read("qwen3-8b", "vllm", machine), [offered], run_id=run_id, date="2025-02-03T00:00:00+00:00"
    )
    folder.store.write(update)


@pytest.mark.parametrize(("first", "second"), [("lab 1", "lab-1"), ("lab-1", "lab/1"), ("lab 1", "LAB\t1")])
def test_two_machines_never_share_a_file(folder, first, second):
    """A name that makes the file name of another's is refused by every way to read, and writes nothing there."""
    recorded_on(folder, first)
    before = folder.files()
    for read in (
        lambda: folder.store.read("qwen3-8b", "vllm", second.lower()),
        lambda: folder.store.read_all("qwen3-8b", "vllm", second.lower()),
        lambda: folder.store.read_backend("vllm", second.lower()),
        lambda: folder.store.read_hardware(second.lower()),
    ):
        with pytest.raises(BaselineError, match="two names that make one file name, 'lab-1'; give one of the two"):
            read()
    recorded_on(folder, first, "run-2")
    assert folder.files() != before
    assert [each.hardware for each in folder.store.read_all("qwen3-8b", "vllm", "box")] == ["box", safe_name(first)]


def test_a_machine_finds_what_an_earlier_version_wrote(folder):
    """A file whose lines say no machine's name is found by any name that makes its file name."""
    folder.put(YAML, session())
    for name in ("1x-nvidia-h200", "1x nvidia h200"):
        assert len(folder.store.read("qwen3-8b", "vllm", name).of(CASE).sessions) == 1


@pytest.mark.parametrize("seam", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.mkdir"])
def test_a_write_that_fails_leaves_no_folders(folder, monkeypatch, seam):
    """Where it says that nothing was changed, there is not even a folder that was not there before."""
    update = folder.plan()
    monkeypatch.setattr(seam, full)
    with pytest.raises(BaselineError, match="nothing was changed"):
        folder.store.write(update)
    assert not folder.path.exists()


def test_garbage_is_collected_again(folder):
    """Reading many files holds the collector for as long, also where one of them cannot be read."""
    folder.put(YAML, session())
    folder.store.read_hardware(HARDWARE)
    assert gc.isenabled()
    folder.jsonl.write_text("{")
    with pytest.raises(BaselineError):
        folder.store.read_hardware(HARDWARE)
    assert gc.isenabled()


def test_every_file_of_lines_is_listed_with_people_s_text_beside_it(tmp_path):
    """On any hardware, with or without a file of people's; in the order of their names."""
    folder = Folder(tmp_path)
    folder.put(YAML, session(), session(2))
    alone = folder.path / "other--vllm" / "lab.jsonl"
    alone.parent.mkdir()
    alone.write_text(session(3).to_text() + "\n")
    (other, known) = sorted(folder.store.list_files(), key=lambda each: each.owner)
    assert (other.owner, other.hardware, other.text) == ("other--vllm", "lab", None)
    assert (known.owner, known.hardware, known.text) == ("qwen3-8b--vllm", HARDWARE, YAML)
    assert [each.id for each in known.accepted[CASE].sessions] == ["run-1", "run-2"]


def test_files_are_listed_as_they_were_at_a_commit(tmp_path):
    """One that was not there then has no sessions; a fault in it is told with the commit."""

    def git(*arguments):
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)

    folder = Folder(tmp_path)
    folder.put(YAML, session())
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    folder.put(YAML, session(), session(2))
    new = folder.jsonl.with_name("lab.jsonl")
    new.write_text(session(3).to_text() + "\n")
    then = {each.hardware: each.accepted for each in folder.store.list_files("HEAD")}
    assert then.pop("lab") == {}
    assert [each.id for each in then[HARDWARE][CASE].sessions] == ["run-1"]
    folder.jsonl.write_text("{\n")
    git("commit", "-q", "-a", "-m", "two")
    with pytest.raises(BaselineError, match=r"HEAD:baselines/qwen3-8b--vllm/1x-nvidia-h200\.jsonl:1"):
        folder.store.list_files("HEAD")
