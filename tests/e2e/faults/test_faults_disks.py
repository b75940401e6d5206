"""Disks that are full or cannot be written to, at five moments: the run fails, names the place, and loses nothing."""

from __future__ import annotations

import signal
import time

import pytest

from e2e.faults.conftest import fill

pytestmark = pytest.mark.e2e


def no_server_was_started(run):
    return not list(run.folder.glob("perf/*/servers/*.log"))


def test_results_that_are_full_before_the_start(fault_run, disk):
    """Nothing is started where nothing can be kept."""
    fill(disk("perf"))
    run = fault_run().start()
    ended = run.end()
    assert (ended.code, ended.left) == (4, ())
    assert "--bench-results: perf: nothing can be written there: No space left on device" in ended.output
    assert no_server_was_started(run)


def test_results_that_cannot_be_written_to(fault_run, disk):
    """The same of a disk that can only be read."""
    disk("perf", read_only=True)
    ended = fault_run().start().end()
    assert (ended.code, ended.left) == (4, ())
    assert "--bench-results: perf: nothing can be written there: Read-only file system" in ended.output


@pytest.mark.parametrize("arguments", [(), ("-n1",)], ids=["alone", "xdist"])
def test_results_that_fill_while_it_measures(fault_run, disk, arguments):
    """All cases are measured; the document and the records are where the run says they are, and it fails."""
    path = disk("perf", "4m")
    run = fault_run().start(*arguments)
    run.wait_for("second")
    fill(path)
    ended = run.end()
    assert (ended.code, ended.left) == (1, ())
    assert "run.json was not written: No space left on device: the disk of " in ended.output
    (document,) = [each for each in ended.documents if len(each["cases"]) == 3]
    assert document["finished"]
    lost = [case for case in document["cases"] if "records" not in case]
    assert len(list(run.folder.glob("tmp/inferbench-*/records/*.gz"))) == len(lost) > 0


def test_baselines_that_find_no_room(fault_run, disk):
    """What was measured is in the results; the update fails the run and leaves no half of a file."""
    path = disk("baselines")
    fill(path)
    ended = fault_run().start().end()
    assert (ended.code, ended.left) == (1, ())
    assert "baselines not updated: " in ended.output
    assert "No space left on device" in ended.output
    assert len(ended.cases) == 3
    assert [name for name in ended.baselines if not name.endswith("filler")] == []


def test_a_report_that_finds_no_room(fault_run, disk):
    """The others are written, and the run fails."""
    fill(disk("reports"))
    ended = fault_run().start("--bench-html=reports/page.html", "--bench-csv=table.csv").end()
    assert (ended.code, ended.left) == (1, ())
    assert "html was not written: " in ended.output
    assert "csv: table.csv" in ended.output
    assert len(ended.cases) == 3


def test_a_temporary_folder_that_is_full(fault_run, disk):
    """It is needed only for answers beyond what memory holds: nothing is lost."""
    fill(disk("tmp"))
    ended = fault_run().start().end()
    assert (ended.code, ended.left) == (0, ())
    assert len(ended.cases) == 3


def test_a_cache_that_cannot_be_written_to(fault_run, disk, tmp_path):
    """The lock by which benchmarks take turns is there; the folder is named before a server is started."""
    disk("cache", read_only=True)
    run = fault_run().start(INFERBENCH_CACHE=str(tmp_path / "cache"))
    ended = run.end()
    assert (ended.code, ended.left) == (4, ())
    assert f"{tmp_path / 'cache'}: benchmarks of one machine take turns by a lock there" in ended.output
    assert "Read-only file system" in ended.output
    assert no_server_was_started(run)


def test_a_cache_that_has_no_room(fault_run, disk):
    """A model that is made there does not fit: the benchmarks cannot run here, and no half of it stays."""
    path = disk("cache", "2m")
    run = fault_run().start("--model=builtin:small", INFERBENCH_CACHE=str(path))
    ended = run.end()
    assert (ended.code, ended.left) == (5, ())
    assert f"the built-in model 'small' cannot be made in {path}: " in ended.output
    assert "Traceback" not in ended.output
    assert no_server_was_started(run)
    assert sum(each.stat().st_size for each in path.rglob("*") if each.is_file()) < 2**20


def test_a_client_that_is_paused(fault_run):
    """A load worker that is stopped for a third of a second makes its case INVALID; the others are judged."""
    run = fault_run(requests=300).start()
    run.wait_for("measuring")
    time.sleep(1)
    (worker,) = run.ours("load.worker")
    worker.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    worker.send_signal(signal.SIGCONT)
    ended = run.end()
    assert (ended.code, ended.left) == (1, ())
    paused = [case for case in ended.cases if any(each["code"] == "paused" for each in case["validity"])]
    assert [case["verdict"] for case in paused] == ["invalid"]
    assert len(ended.cases) == 3
    assert "load worker 0 was away for " in ended.output


@pytest.mark.parametrize("words", ["load.worker", "xllamacpp_server.py"], ids=["load-worker", "server"])
def test_a_process_of_ours_that_is_killed(fault_run, words):
    """Its case is an error that says what died; the next has a fresh one."""
    run = fault_run(requests=300).start()
    run.wait_for("measuring")
    time.sleep(1)
    run.ours(words)[-1].kill()
    ended = run.end()
    assert (ended.code, ended.left) == (1, ())
    assert "killed by" in ended.output
    assert ended.cases[-1]["verdict"] != "invalid"
    assert ended.cases[-1]["case"] == "it[third]"


def test_a_server_that_stops_answering(fault_run):
    """A hung server costs its time limit once or twice, not once a request; its figures are INVALID."""
    run = fault_run(requests=300).start("--bench-timeout=2", "-k", "first")
    run.wait_for("measuring")
    time.sleep(1)
    server = run.ours("xllamacpp_server.py")[-1]
    server.suspend()
    ended = run.end()
    assert (ended.code, ended.left) == (1, ())
    assert [case["verdict"] for case in ended.cases] == ["invalid"]
    assert "not sent: 1 before it hung" in str(ended.documents)
