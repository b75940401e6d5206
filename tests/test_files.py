"""Files that several processes share, and the errors that carry a server's last lines."""

from __future__ import annotations

import hashlib
import os
import threading

import pytest

from pytest_inferbench.errors import ProvisionError, ServerError
from pytest_inferbench.files import alone, short_hash, try_lock, write_whole


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("content", "written"),
    [("a\r\nb", b"a\r\nb"), (b"\xff\x00", b"\xff\x00"), ("\u00e9\udcff", b"\xc3\xa9\\udcff"), ("", b"")],
)
def test_a_file_is_written_whole_into_folders_that_are_made(tmp_path, content, written):
    """Line ends as they are; half a character, which no encoding knows, does not stop it; nothing else is left."""
    path = tmp_path / "a/b/run.json"
    write_whole(path, content)
    assert path.read_bytes() == written
    write_whole(path, "again")
    assert path.read_bytes() == b"again"
    assert names(path.parent) == ["run.json"]


def test_a_file_that_cannot_be_moved_to_its_place_leaves_nothing_behind(tmp_path):
    """What stood there stays, and the passing name is gone."""
    (tmp_path / "run.json" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"run\.json"):
        write_whole(tmp_path / "run.json", "text")
    assert names(tmp_path) == ["run.json"]


@pytest.fixture
def twice(tmp_path):
    """Two descriptors of one file, as two processes have them."""
    path = tmp_path / "lock"
    path.touch()
    both = [os.open(path, os.O_RDWR) for _ in range(2)]
    yield both
    for each in both:
        os.close(each)


@pytest.mark.parametrize(
    ("first", "second", "had"),
    [(False, False, False), (False, True, False), (True, False, False), (True, True, True)],
)
def test_a_lock_is_had_alone_or_shared_by_those_who_share(twice, first, second, had):
    """Who cannot have it is told at once."""
    assert try_lock(twice[0], shared=first)
    assert try_lock(twice[1], shared=second) is had


def test_who_is_alone_makes_the_others_wait_and_say_so_once(tmp_path):
    """The lock's file is made with its folder; the second waits until the first has done."""
    path, order, inside = tmp_path / "locks/machine", [], threading.Event()

    def second():
        with alone(path, lambda: (order.append("waits"), inside.set())):
            order.append("second")

    other = threading.Thread(target=second)
    with alone(path, lambda: order.append("never")):
        other.start()
        assert inside.wait(10)
        order.append("first")
    other.join(10)
    assert order == ["waits", "first", "second"]


@pytest.mark.parametrize("digits", [16, 8])
def test_a_short_hash_is_the_beginning_of_the_whole_one(digits):
    """Of any text, also of one that no encoding knows."""
    assert short_hash("a\u00e9", digits) == hashlib.sha256("a\u00e9".encode()).hexdigest()[:digits]
    assert len(short_hash("\udcff")) == 16
    assert short_hash("\udcff") != short_hash("\udcfe")


@pytest.mark.parametrize("kind", [ProvisionError, ServerError])
def test_an_error_of_a_server_ends_with_its_last_lines(kind):
    """In order and set in; without a log the message stands alone."""
    error = kind("it ended", ("loading", "out of memory"))
    assert str(error) == "it ended\n  last 2 log lines:\n    loading\n    out of memory"
    assert error.log_tail == ("loading", "out of memory")
    assert (str(kind("it ended")), kind("it ended").log_tail) == ("it ended", ())
