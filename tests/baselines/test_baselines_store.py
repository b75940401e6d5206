"""Baseline files on disk: reading, agreement of the two files, and writes that are whole or not at all."""

import errno
import fcntl
import multiprocessing
import os

import pytest
from baseline_made import TABLE, YAML, candidate, session

from pytest_inferbench.baselines.read import read_sessions
from pytest_inferbench.baselines.store import BaselineStore
from pytest_inferbench.baselines.update import plan_update
from pytest_inferbench.errors import BaselineError
from pytest_inferbench.stats.verdict import Verdict

KEY = ("qwen3-8b", "vllm", "1x-nvidia-h200")
CASE = "concurrency[c08]"


class Folder:
    """A baselines folder and what is in it."""

    def __init__(self, root):
        self.path = root / "baselines"
        self.yaml = self.path / "qwen3-8b--vllm.yaml"
        self.jsonl = self.path / "qwen3-8b--vllm" / "1x-nvidia-h200.jsonl"
        self.store = BaselineStore(self.path, root, TABLE)

    def put(self, text, *sessions):
        self.jsonl.parent.mkdir(parents=True, exist_ok=True)
        self.yaml.write_text(text)
        self.jsonl.write_text("".join(f"{made.to_line()}\n" for made in sessions))
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
    """Every model and backend with sessions there is found by its own names, and nobody from elsewhere."""
    folder = Folder(tmp_path)
    folder.put(YAML, session())
    other = YAML.replace("qwen3-8b", "org/other").replace("vllm\n", "sglang\n")
    (folder.path / "org-other--sglang").mkdir()
    (folder.path / "org-other--sglang.yaml").write_text(other)
    (folder.path / "org-other--sglang" / "1x-nvidia-h200.jsonl").write_text(f"{session(2).to_line()}\n")
    (folder.path / "org-other--sglang" / "laptop.jsonl").write_text("never read\n")
    (folder.path / "no-yaml--vllm").mkdir()
    (folder.path / "no-yaml--vllm" / "1x-nvidia-h200.jsonl").write_text(f"{session(3).to_line()}\n")
    found = folder.store.read_hardware("1x-nvidia-h200")
    assert [(each.file.model, each.file.backend) for each in found] == [("org/other", "sglang"), ("qwen3-8b", "vllm")]
    assert found[1] is folder.store.read(*KEY)
    with pytest.raises(BaselineError, match=r"laptop\.jsonl:1: not a whole line of JSON"):
        folder.store.read("org/other", "sglang", "laptop")


def record(root, name, start, outcomes):
    """What one of several processes does: read, wait for the others, write; it says what came of it."""
    folder = Folder(root)
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
    assert (baseline.text, baseline.sessions, baseline.file.cases) == (None, (), {})
    assert not folder.path.exists()


def test_write_and_read_again(folder):
    """What is written reads back, session by session, and leaves no other file behind."""
    for number in range(3):
        folder.store.write(folder.plan(run_id=f"run-{number}"))
    baseline = folder.store.read(*KEY)
    assert [made.id for made in baseline.sessions] == ["run-0", "run-1", "run-2"]
    assert baseline.file.cases[CASE].hardware[KEY[2]].accepted.sessions == 3
    assert set(folder.files()) == {"qwen3-8b--vllm.yaml", "qwen3-8b--vllm/1x-nvidia-h200.jsonl"}


def test_appending_keeps_what_was_there(folder):
    """Old lines stay byte for byte, also where the last has no line end; permissions stay too."""
    folder.put(YAML, session())
    old = folder.jsonl.read_text().rstrip("\n")
    folder.jsonl.write_text(old)
    folder.yaml.chmod(0o640)
    folder.store.write(folder.plan())
    assert folder.jsonl.read_text().startswith(f'{old}\n{{"schema":1,"id":"run-9"')
    assert folder.jsonl.read_text().endswith("}\n")
    assert folder.yaml.stat().st_mode & 0o777 == 0o640


def test_nothing_to_append_writes_nothing(folder):
    """An update without a session touches no file."""
    update = folder.plan(candidate(verdict=Verdict.INVALID))
    folder.store.write(update)
    assert not folder.path.exists()


def test_unchanged_files_are_parsed_once(folder):
    """Reading again gives the same values as long as the files hold the same text."""
    folder.put(YAML, session())
    first = folder.store.read(*KEY)
    assert folder.store.read(*KEY) is first
    folder.yaml.write_text(YAML + "# more\n")
    assert folder.store.read(*KEY).text == YAML + "# more\n"


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
        (YAML.replace("p50: 41.0", "p50: 41,0"), "baselines/qwen3-8b--vllm.yaml:13: "),
    ],
    ids=["cut off", "newer", "wrong type", "wrong side", "decimal comma"],
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
        "baselines/qwen3-8b--vllm/1x-nvidia-h200.jsonl:2: not a whole line of JSON (Expecting "
    )
    assert folder.files() == before


def test_not_utf8(folder):
    """Bytes of another encoding are refused with their line."""
    folder.put(YAML)
    folder.yaml.write_bytes(YAML.encode() + b"# \xe9\n")
    assert folder.refused() == "baselines/qwen3-8b--vllm.yaml:14: not UTF-8; restore the file from version control"


def test_folder_in_place_of_a_file(folder):
    """What cannot be read at all says why."""
    folder.yaml.mkdir(parents=True)
    assert folder.refused() == "baselines/qwen3-8b--vllm.yaml: cannot be read: Is a directory; check its permissions"


def test_another_models_file(folder):
    """Two models whose names make one file name do not share a baseline."""
    folder.put(YAML.replace("model: qwen3-8b", "model: qwen3/8b"), session())
    assert folder.refused() == (
        "baselines/qwen3-8b--vllm.yaml: holds qwen3/8b on vllm, expected qwen3-8b on vllm: two names that make one "
        "file name; rename one of the models in the config"
    )


def test_accepted_edited_by_hand(folder):
    """A figure of `accepted` that the sessions do not give is an error that says what the line should be."""
    folder.put(YAML.replace("p50: 41.0", "p50: 39.0"), session())
    assert folder.refused() == (
        "baselines/qwen3-8b--vllm.yaml:13: concurrency[c08]: accepted is not what "
        "baselines/qwen3-8b--vllm/1x-nvidia-h200.jsonl says (ttft_ms.p50 39.0, sessions say 41.0); mend this line: "
        "accepted: {version: v0.8.1, image: vllm/vllm@sha256:0f, sessions: 1, ttft_ms.p50: 41.0, tpot_ms.p50: 6.10}"
    )


def test_accepted_behind_the_sessions(folder):
    """Where the sessions have more, the YAML line is the one to mend."""
    folder.put(YAML, session(1), session(2, version="v0.9.0", image=None))
    message = folder.refused()
    assert "(version v0.8.1, sessions say v0.9.0, image vllm/vllm@sha256:0f, sessions say absent, " in message
    assert "sessions 1, sessions say 2); mend this line: accepted: {version: v0.9.0, sessions: 2," in message


def test_sessions_behind_accepted(folder):
    """Where sessions are missing, the session file is the one to restore."""
    folder.put(YAML)
    assert folder.refused() == (
        "baselines/qwen3-8b--vllm.yaml:13: concurrency[c08]: accepted says sessions: 1, but "
        "baselines/qwen3-8b--vllm/1x-nvidia-h200.jsonl has 0; "
        "restore baselines/qwen3-8b--vllm/1x-nvidia-h200.jsonl from version control"
    )


def test_a_case_renamed_by_hand(folder):
    """A case whose sessions go by a name that is nearly its own is misspelt: nothing is to be restored or deleted."""
    folder.put(YAML.replace("concurrency[c08]", "concurency[c08]"), session())
    assert folder.refused() == (
        "baselines/qwen3-8b--vllm.yaml:13: concurency[c08]: no session in "
        "baselines/qwen3-8b--vllm/1x-nvidia-h200.jsonl is of this case; did you mean 'concurrency[c08]', which has "
        "sessions and is not in this file?"
    )


def test_sessions_without_accepted(folder):
    """Sessions that the YAML file does not show say what to put there."""
    folder.put(YAML, session(), session(case="single", rounds={"ttft_ms.p50": [9.0]}))
    assert folder.refused() == (
        "baselines/qwen3-8b--vllm.yaml: single: no accepted figures for 1x-nvidia-h200, but "
        "baselines/qwen3-8b--vllm/1x-nvidia-h200.jsonl has sessions (1); "
        "put them under cases.single.hardware.1x-nvidia-h200: accepted: "
        "{version: v0.8.1, image: vllm/vllm@sha256:0f, sessions: 1, ttft_ms.p50: 9.00}, or delete those sessions"
    )


def test_only_the_current_segment_counts(folder):
    """Sessions of an earlier segment are history and do not enter the accepted figures."""
    folder.put(YAML, session(1, rounds={"ttft_ms.p50": [90.0]}), session(2, segment=2))
    assert folder.store.read(*KEY).file.cases[CASE].hardware[KEY[2]].accepted.sessions == 1


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
    """Of processes that update at the same moment each is recorded whole or refused whole, and the files agree."""
    folder.put(YAML, session())
    spawn = multiprocessing.get_context("spawn")
    start, outcomes = spawn.Barrier(2), spawn.Queue()
    writers = [spawn.Process(target=record, args=(folder.path.parent, name, start, outcomes)) for name in "ab"]
    for writer in writers:
        writer.start()
    said = dict(outcomes.get(timeout=60) for _ in writers)
    for writer in writers:
        writer.join(60)
    recorded = {made.id for made in folder.store.read(*KEY).sessions}
    assert recorded == {"run-1", *(name for name, problem in said.items() if not problem)}
    assert len(recorded) > 1
    for problem in filter(None, said.values()):
        assert "another run is writing it" in problem or "changed since it was read" in problem
    assert set(folder.files()) == {"qwen3-8b--vllm.yaml", "qwen3-8b--vllm/1x-nvidia-h200.jsonl"}


def test_lock_of_a_dead_writer(folder):
    """A lock file that nobody holds any more locks nobody out."""
    folder.put(YAML, session())
    (folder.path / ".qwen3-8b--vllm.yaml.lock").touch()
    folder.store.write(folder.plan())
    assert len(folder.store.read(*KEY).sessions) == 2


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


@pytest.mark.parametrize("file", ["yaml", "jsonl"])
def test_changed_since_it_was_read(folder, file):
    """A file that changed between reading and writing is not overwritten."""
    folder.put(YAML, session())
    update = folder.plan()
    path = getattr(folder, file)
    path.write_text(path.read_text() + "\n")
    before = folder.files()
    with pytest.raises(BaselineError) as caught:
        folder.store.write(update)
    assert str(caught.value) == f"baselines/{path.relative_to(folder.path)}: changed since it was read; update again"
    assert folder.files() == before


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("seam", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.mkdir"])
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
    folder.put(YAML, session())
    update = folder.plan()
    real = type(folder.yaml).replace
    monkeypatch.setattr("pathlib.Path.replace", lambda path, to: full() if to == folder.yaml else real(path, to))
    with pytest.raises(BaselineError) as caught:
        folder.store.write(update)
    assert str(caught.value) == (
        "baselines/qwen3-8b--vllm.yaml: cannot be written: No space left on device; "
        "baselines/qwen3-8b--vllm/1x-nvidia-h200.jsonl has been: restore it from version control, then update again"
    )
    assert "sessions 1, sessions say 2, " in folder.refused()


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
    assert folder.store.read("../../m", "/etc/b", "..").sessions == read_sessions(update.sessions["_"].new, "_.jsonl")
