from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_inferbench.servers import diagnosis
from pytest_inferbench.servers.diagnosis import Trouble, diagnose


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("E srv start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 36923", Trouble.ADDRESS_IN_USE),
        ("OSError: [Errno 98] Address already in use", Trouble.ADDRESS_IN_USE),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", Trouble.GPU_MEMORY),
        ("ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory", Trouble.GPU_MEMORY),
        ("ValueError: No available memory for the cache blocks. Try increasing", Trouble.GPU_MEMORY),
        ("terminate called after throwing an instance of 'std::bad_alloc'", Trouble.MEMORY),
        ("RuntimeError: can't start new thread", Trouble.PROCESSES),
        ("libgomp: Thread creation failed: Resource temporarily unavailable", Trouble.PROCESSES),
        ("  what():  Resource temporarily unavailable", Trouble.PROCESSES),
        ("OpenBLAS blas_thread_init: pthread_create: Resource temporarily unavailable", Trouble.PROCESSES),
        ("    self.pid = _fork_exec(\n\n  BlockingIOError: [Errno 11] Resource tem", Trouble.PROCESSES),
        ("/bin/sh: 1: Cannot fork", Trouble.PROCESSES),
        ("gguf_init_from_reader: invalid magic characters: 'hell', expected 'GGUF'", Trouble.NOT_A_MODEL),
        ("tensor 'x' data is not within the file bounds, model is corrupted or incomplete", Trouble.CUT_MODEL),
        ("error: invalid argument: --nonsense", Trouble.UNKNOWN_ARGUMENT),
        ("api_server.py: error: unrecognized arguments: --nonsense 3", Trouble.UNKNOWN_ARGUMENT),
        ("xllamacpp_server: CommonParams has no field 'nonsense'", Trouble.UNKNOWN_ARGUMENT),
        ("RuntimeError: Failed to infer device type", Trouble.NO_GPU),
        ("gguf_init_from_file: failed to open GGUF file 'x' (No such file or directory)", Trouble.MISSING_FILE),
    ],
)
def test_known_lines_are_understood(line, trouble):
    """Lines as servers have written them, among others."""
    found = diagnose(["loading", line, "exiting"])
    assert found is not None
    assert found.trouble is trouble
    assert found.meaning


def test_a_check_of_the_server_s_own_is_told_by_its_line():
    """It lies far above the backtrace, in which a debugger misses source files: no file of the server's is missing."""
    line = "ggml.c:7: GGML_ASSERT(n_outputs_max <= cparams.n_outputs_max) failed"
    log = [line, *["#1 main () at Modules/main.c:50"] * 50]
    log.append("50\t../sysdeps/unix/waitpid.c: No such file or directory.")
    found = diagnose(log, "killed by signal 6")
    assert found.trouble is Trouble.FAILED_CHECK
    assert found.meaning.startswith(f"{line}: a check of the server's own failed")
    assert diagnose(["Modules/main.c: No such file or directory."], "killed by signal 6") is None


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    """By the log's own words; and where the log itself found no room, by what its disk has left."""
    log = tmp_path / "servers" / "x.log"
    assert diagnose(["write failed: No space left on device"]).trouble is Trouble.DISK
    assert diagnose(["loading"], "exited with status 1", tmp_path / "x.log") is None
    monkeypatch.setattr(diagnosis.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=100))
    found = diagnose(["loading"], "exited with status 1", log)
    assert (found.trouble, str(log.parent) in found.meaning) == (Trouble.DISK, True)


def test_a_kill_without_words_is_most_often_the_kernel_s():
    """Only then, and only where the log tells nothing better; it may have been anybody else."""
    assert diagnose(["loading"], "killed by signal 9").trouble is Trouble.KILLED
    assert "memory limit" in diagnose(["loading"], "killed by signal 9: over its memory limit").meaning
    assert diagnose(["Address already in use"], "killed by signal 9").trouble is Trouble.ADDRESS_IN_USE
    assert diagnose(["loading"], "exited with status 1") is None
    assert diagnose([]) is None
