"""The records file of a case."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.records import (
    Failure,
    FailureKind,
    RequestRecord,
    RoundRecord,
    ServerReading,
    ServerTiming,
    Usage,
)
from pytest_inferbench.report import sidecar
from pytest_inferbench.report.sidecar import SCHEMA, pack, unpack

_ns = st.integers(0, 2**62)
_count = st.integers(0, 10**9)
_words = st.text(max_size=20)
_figures = st.floats(allow_nan=False, allow_infinity=False)
_requests = st.builds(
    RequestRecord,
    index=_count,
    worker=_count,
    stream=_count,
    tag=_words,
    scheduled_ns=st.none() | _ns,
    sent_ns=st.none() | _ns,
    output_ns=st.lists(_ns, max_size=5).map(sorted).map(tuple),
    answer_ns=st.none() | _ns,
    end_ns=_ns,
    planned_prompt_tokens=st.none() | _count,
    planned_output_tokens=st.none() | _count,
    usage=st.none() | st.builds(Usage, **dict.fromkeys(("prompt_tokens", "output_tokens"), st.none() | _count)),
    chunk_tokens=st.none() | st.lists(_count, max_size=5).map(tuple),
    finish=st.none() | _words,
    timing=st.none() | st.builds(ServerTiming, prompt_ms=st.none() | _figures, generation_ms=st.none() | _figures),
    text=st.none() | _words,
    failure=st.none() | st.builds(Failure, st.sampled_from(FailureKind), _words, st.none() | st.integers(100, 599)),
    load=_count,
    counted=st.booleans(),
)
_readings = st.builds(ServerReading, at_ns=_ns, values=st.dictionaries(_words, _figures, max_size=3))
_rounds = st.builds(
    RoundRecord,
    index=_count,
    requests=st.lists(_requests, max_size=4).map(tuple),
    workers=st.just(()),
    before=st.none() | _readings,
    after=st.none() | _readings,
    concurrency=st.none() | _count,
    found=st.dictionaries(_words, _figures, max_size=2),
)


def request(index: int, chunks: int) -> RequestRecord:
    arrivals = tuple(1_000_000 * (index + 1) + 7 * chunk for chunk in range(chunks))
    return RequestRecord(index, 0, 0, "", None, 5, arrivals, None, 10**9, chunk_tokens=tuple(range(chunks)))


@given(case=_words, rounds=st.lists(_rounds, max_size=3).map(tuple))
@settings(deadline=None, derandomize=True, max_examples=80)
def test_records_read_back_as_they_were_written(case, rounds) -> None:
    """Whatever a case's rounds hold, the file gives them back to the nanosecond, and the same bytes every time."""
    data = pack(case, rounds)
    read = unpack(data, "x")
    assert (read.case, read.rounds, read.thinned) == (case, rounds, frozenset())
    assert pack(read.case, read.rounds) == data


def test_arrivals_beyond_the_limit_are_thinned_and_say_so() -> None:
    """Requests beyond the limit keep their first and last arrival; which they are is in the file."""
    rounds = [RoundRecord(0, (request(0, 6), request(1, 6), request(2, 2)), ())]
    read = unpack(pack("single", rounds, chunk_limit=8), "x")
    whole, thin, short = read.rounds[0].requests
    assert whole == rounds[0].requests[0]
    assert thin.output_ns == (rounds[0].requests[1].output_ns[0], rounds[0].requests[1].output_ns[-1])
    assert thin.chunk_tokens == (0, 5)
    assert short == rounds[0].requests[2], "two arrivals are its first and its last"
    assert read.thinned == {(0, 1)}


def test_a_long_case_stays_small() -> None:
    """Two million arrivals of a steady server take less than 8 MB, whatever they are."""
    rounds = [RoundRecord(0, tuple(request(index, 1000) for index in range(2000)), ())]
    assert len(pack("soak", rounds)) < 8_000_000


def _changed(data: bytes, line: int, **fields: object) -> bytes:
    lines = gzip.decompress(data).decode().splitlines()
    lines[line] = json.dumps({**json.loads(lines[line]), **fields})
    return gzip.compress("\n".join(lines).encode())


_WHOLE = pack("single", [RoundRecord(0, (request(0, 3),), ())])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it begins with None"),
        (b"PK\x03\x04", "Not a gzipped file"),
        (_WHOLE[:-12], "end-of-stream|Compressed file ended"),
        (_WHOLE[:20] + b"\xff\xff" + _WHOLE[22:], "Error|invalid|CRC|incorrect|decode"),
        (gzip.compress(b"[]\n", mtime=0), r"it begins with \[\]"),
        (
            gzip.compress(b'{"kind": "inferbench-records", "schema": 1, "case": "x", "rounds": 1}', mtime=0),
            "ends before",
        ),
        (_changed(_WHOLE, 0, rounds=0), "goes on after"),
        (_changed(_WHOLE, 0, rounds="many"), "str"),
        (_changed(_WHOLE, 2, end_ns="soon"), "RequestRecord"),
        (_changed(_WHOLE, 2, output_ns=None), "NoneType"),
        (_changed(_WHOLE, 1, concurrency=[]), "RoundRecord"),
    ],
    ids=["empty", "not_gzip", "cut", "flipped", "other", "ends", "goes_on", "count", "time", "arrivals", "round"],
)
def test_a_damaged_file_is_one_clear_error(data, said) -> None:
    """What is no records file, or not a whole one, is an error with its path, what was seen and what to do."""
    with pytest.raises(
        InferbenchError, match=rf"(?s)records/x\.gz: not a whole records file: .*({said}).*delete"
    ) as it:
        unpack(data, "records/x.gz")
    assert "\n" not in str(it.value)


def test_a_newer_file_says_which_program_reads_it() -> None:
    """A schema that this version does not know is named, with what to upgrade."""
    with pytest.raises(InferbenchError, match=rf"its schema is {SCHEMA + 1}, .* Upgrade pytest-inferbench"):
        unpack(_changed(_WHOLE, 0, schema=SCHEMA + 1), "x")


def _bomb(*lines: str, times: int) -> bytes:
    """A small file that unpacks to the last line, so many times."""
    packer = zlib.compressobj(9, wbits=31)
    head, last = "".join(lines[:-1]).encode(), lines[-1].encode() * 1000
    return packer.compress(head) + b"".join(packer.compress(last) for _ in range(times // 1000)) + packer.flush()


_HEAD = '{"kind":"inferbench-records","schema":1,"case":"c","rounds":9000000}\n'


@pytest.mark.parametrize(
    ("bomb", "said"),
    [
        (("0", 100_000_000), "line 1 is longer than 3 MiB"),
        ((_HEAD, "0", 100_000_000), "line 2 is longer than 3 MiB"),
        ((_HEAD, '{"index":0,"requests":0}\n', 1_000_000), "it unpacks to more than 5 MiB"),
        ((_HEAD, '{"index":0,"requests":0}\n', 100_000), "it has more than 50000 lines"),
    ],
    ids=["one line", "the second line", "many lines", "more lines than requests"],
)
def test_a_small_file_cannot_fill_the_memory(bomb, said, monkeypatch) -> None:
    """What unpacks to more than any run writes is refused long before it is unpacked."""
    monkeypatch.setattr(sidecar, "_LINE_MIB", 3)
    monkeypatch.setattr(sidecar, "_FILE_MIB", 5)
    if "lines" in said:
        monkeypatch.setattr(sidecar, "_MOST_LINES", 50_000)
    *lines, times = bomb
    data = _bomb(*lines, times=times)
    assert len(data) < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(InferbenchError, match=rf"^x: not a whole records file: {said}.*delete this file"):
            unpack(data, "x")
        assert tracemalloc.get_traced_memory()[1] < 150_000_000
    finally:
        tracemalloc.stop()


@given(data=st.data())
@settings(deadline=None, derandomize=True, max_examples=150)
def test_no_damage_is_anything_but_one_clear_error(data) -> None:
    """Bytes and fields of any kind in the place of right ones are read, or refused in a few lines."""
    lines = gzip.decompress(pack("c", [RoundRecord(0, (request(0, 3),), ())])).decode().splitlines()
    line = data.draw(st.integers(0, len(lines) - 1))
    fields = json.loads(lines[line])
    fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=5,
        )
    )
    lines[line] = json.dumps(fields)
    try:
        unpack(gzip.compress("\n".join(lines).encode()), "x")
    except InferbenchError as error:
        said = str(error)
        assert len(said) <= 601, said
