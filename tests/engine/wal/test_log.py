"""A log that is written, torn, damaged and read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.errors import CorruptionError, FailedError, StorageError, UsageError
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.wal.format import (
    DELETE,
    FRAME_HEADER_SIZE,
    HEADER_SIZE,
    PUT,
    Kind,
    delete_record,
    encode_frame,
    encode_header,
    put_record,
    put_records,
)
from lsmsql.engine.wal.reader import LogReader
from lsmsql.engine.wal.writer import LogWriter

NUMBER = 7
fs = OsFileSystem()


class MemoryFile:
    """An AppendFile in memory whose operations fail on request."""

    def __init__(self) -> None:
        self.content = b""
        self.failure: BaseException | None = None

    def write(self, data: bytes) -> None:
        if self.failure:
            raise self.failure
        self.content += data

    def sync(self) -> None:
        if self.failure:
            raise self.failure

    def tell(self) -> int:
        return len(self.content)

    def close(self) -> None: ...


def new_writer(file: MemoryFile) -> LogWriter:
    file.write(encode_header(Kind.LOG, NUMBER))
    return LogWriter(file, "log", NUMBER, durable=0)


def make_log(values: list[bytes], sync_after: int | None = None) -> tuple[bytes, list[int]]:
    """A log with a frame for each value, synced after so many, and where each frame ends."""
    file = MemoryFile()
    writer = new_writer(file)
    ends = []
    for i, value in enumerate(values):
        if i == sync_after:
            writer.sync()
        writer.append(i, 1, put_record(b"k", value))
        ends.append(writer.size)
    return file.content, ends


def read(data: bytes, *, newest: bool) -> tuple[list[bytes], LogReader]:
    reader = LogReader(data, "log", newest=newest)
    values = [record.value for frame in reader.frames() for record in frame.records()]
    return values, reader


VALUES = [b"one", b"", b"three" * 20, b"four"]


@given(st.lists(st.binary(max_size=100), max_size=10), st.booleans())
def test_what_was_appended_is_read_back(values, newest):
    data, _ = make_log(values)
    read_back, reader = read(data, newest=newest)
    assert read_back == values
    assert reader.end == len(data)
    assert not reader.torn


@pytest.mark.parametrize("synced", [None, 2])
def test_a_newest_log_torn_anywhere_gives_the_frames_before(synced):
    data, ends = make_log(VALUES, synced)
    for cut in range(len(data) + 1):
        values, reader = read(data[:cut], newest=True)
        whole = sum(end <= cut for end in ends)
        assert values == VALUES[:whole]
        assert reader.end == ([0 if cut < HEADER_SIZE else HEADER_SIZE, *ends][whole])
        assert reader.torn == (cut != reader.end or cut < HEADER_SIZE)


@pytest.mark.parametrize("synced", [None, 2])
def test_a_newest_log_torn_anywhere_before_space_set_aside_gives_the_frames_before(synced):
    data, ends = make_log(VALUES, synced)
    for cut in range(HEADER_SIZE, len(data) + 1):
        values, reader = read(data[:cut] + bytes(100), newest=True)
        whole = sum(len(data[:end].rstrip(b"\0")) <= cut for end in ends)
        assert values == VALUES[:whole]
        assert reader.end == [HEADER_SIZE, *ends][whole]
        assert reader.torn == (data[reader.end : cut].strip(b"\0") != b"")


@given(st.binary(max_size=300), st.binary(max_size=300), st.sampled_from([PUT, DELETE]))
def test_a_frame_of_one_record_is_as_any_other(key, value, kind):
    value = value if kind == PUT else b""
    record = put_record(key, value) if kind == PUT else delete_record(key)
    short, long = MemoryFile(), MemoryFile()
    new_writer(short).append_one(5, kind, key, value)
    new_writer(long).append(5, 1, record)
    assert short.content == long.content


@given(st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=300))))
def test_many_records_are_encoded_as_one_by_one(entries):
    keys, values = [key for key, _ in entries], [value for _, value in entries]
    assert put_records(keys, values) == b"".join(put_record(k, v) for k, v in entries)


def test_a_complete_log_torn_anywhere_is_damaged():
    data, ends = make_log(VALUES)
    for cut in set(range(len(data))) - {HEADER_SIZE, *ends}:
        with pytest.raises(CorruptionError):
            read(data[:cut], newest=False)


def test_every_flipped_byte_in_what_was_synced_is_damage():
    data, ends = make_log(VALUES, sync_after=2)
    for place in range(ends[1]):
        bad = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
        with pytest.raises(CorruptionError) as caught:
            read(bad, newest=True)
        assert caught.value.offset in (0, HEADER_SIZE, ends[0])


def test_every_flipped_byte_in_what_was_not_synced_is_a_torn_tail():
    data, ends = make_log(VALUES, sync_after=2)
    for place in range(ends[1], len(data)):
        bad = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
        values, reader = read(bad, newest=True)
        assert values == VALUES[: sum(end <= place for end in ends)]
        assert reader.torn


def test_a_hole_of_zeros_in_what_was_synced_is_damage():
    data, ends = make_log(VALUES, sync_after=2)
    bad = data[: ends[0]] + bytes(ends[1] - ends[0]) + data[ends[1] :]
    with pytest.raises(CorruptionError, match="later frame proves"):
        read(bad, newest=True)


def test_a_flipped_byte_anywhere_in_a_complete_log_is_damage():
    data, _ = make_log(VALUES)
    for place in range(len(data)):
        bad = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
        with pytest.raises(CorruptionError):
            read(bad, newest=False)


@pytest.mark.parametrize("newest", [True, False])
@pytest.mark.parametrize("size", [1, FRAME_HEADER_SIZE - 1, FRAME_HEADER_SIZE, 5000])
def test_space_set_aside_and_not_used_is_the_end(newest, size):
    data, ends = make_log(VALUES)
    values, reader = read(data + bytes(size), newest=newest)
    assert values == VALUES
    assert reader.end == ends[-1]
    assert not reader.torn


def test_a_newest_file_of_zeros_was_never_written():
    values, reader = read(bytes(100), newest=True)
    assert (values, reader.header, reader.end, reader.torn) == ([], None, 0, True)
    with pytest.raises(CorruptionError, match="not a log"):
        read(bytes(100), newest=False)


@pytest.mark.parametrize("zeros", [0, 5000])
def test_a_newest_file_whose_header_lacks_its_beginning_was_never_written_to(zeros):
    header = bytes(16) + encode_header(Kind.LOG, NUMBER)[16:]
    values, reader = read(header + bytes(zeros), newest=True)
    assert (values, reader.header, reader.end, reader.torn) == ([], None, 0, True)
    with pytest.raises(CorruptionError, match="not a log"):
        read(header + bytes(zeros) + b"x", newest=True)
    with pytest.raises(CorruptionError, match="not a log"):
        read(header + bytes(zeros), newest=False)


def test_a_stale_frame_of_another_file_is_no_frame_and_proves_nothing():
    data, ends = make_log(VALUES)
    stale = encode_frame(NUMBER + 1, 9, 1, put_record(b"k", b"old"), durable=ends[-1] + 1)
    values, reader = read(data + b"\1" + stale, newest=True)
    assert values == VALUES
    assert reader.torn


def test_a_log_too_costly_to_search_counts_as_damaged():
    header = encode_header(Kind.LOG, NUMBER)
    size = 20_000
    fake = encode_frame(NUMBER, 1, 1, b"", durable=HEADER_SIZE + 1)[8:]
    parts = [header, b"\1"]
    for i in range(size // 32):
        length = size - 32 * (i + 1)
        parts.append(b"badcheck" + length.to_bytes(4, "little") + fake[4:])
    with pytest.raises(CorruptionError):
        read(b"".join(parts), newest=True)


@given(st.binary(max_size=300), st.booleans())
def test_nothing_after_a_header_crashes_the_reader(garbage, newest):
    data = encode_header(Kind.LOG, NUMBER) + garbage
    try:
        values, reader = read(data, newest=newest)
    except CorruptionError:
        return
    assert values == []
    assert reader.end == HEADER_SIZE


def test_durable_never_exceeds_what_was_synced():
    file = MemoryFile()
    writer = new_writer(file)
    assert writer.unsynced == HEADER_SIZE
    for i in range(3):
        writer.append(i, 1, put_record(b"k", b"v"))
        synced = writer.size
        writer.sync()
        assert writer.unsynced == 0
        writer.append(i, 1, put_record(b"k", b"v"))
        assert writer.unsynced == writer.size - synced
    frames = list(LogReader(file.content, "log", newest=True).frames())
    assert [frame.durable for frame in frames[1::2]] == [frame.end for frame in frames[0::2]]
    assert all(frame.durable <= frame.offset for frame in frames)


@pytest.mark.parametrize("operation", ["append", "sync"])
@pytest.mark.parametrize("failure", [StorageError("write to log: disk full"), KeyboardInterrupt()])
def test_a_writer_that_failed_refuses_and_names_the_first_cause(operation, failure):
    file = MemoryFile()
    writer = new_writer(file)
    calls = {"append": lambda: writer.append(1, 0, b""), "sync": writer.sync}
    file.failure = failure
    with pytest.raises(type(failure)):
        calls[operation]()
    file.failure = None
    content = file.content
    for call in calls.values():
        with pytest.raises(FailedError, match="disk full|KeyboardInterrupt") as caught:
            call()
        assert caught.value.__cause__ is failure
    assert file.content == content


def test_a_torn_log_is_cut_and_goes_on(tmp_path):
    path = str(tmp_path / "1.log")
    writer = LogWriter.create(fs, path, Kind.LOG, NUMBER)
    writer.append(1, 1, put_record(b"k", b"one"))
    writer.append(2, 1, put_record(b"k", b"two"))
    writer.sync()
    writer.close()
    fs.truncate(path, writer.size - 1)
    _, reader = read(fs.read_all(path), newest=True)
    assert reader.torn

    writer = LogWriter.resume(fs, path, Kind.LOG, NUMBER, reader.end)
    assert (writer.size, writer.unsynced) == (reader.end, 0)
    writer.append(2, 1, put_record(b"k", b"again"))
    writer.close()
    values, reader = read(fs.read_all(path), newest=False)
    assert values == [b"one", b"again"]
    assert reader.header is not None
    assert (reader.header.kind, reader.header.number) == (Kind.LOG, NUMBER)


def test_a_log_without_a_header_is_not_resumed(tmp_path):
    path = str(tmp_path / "1.log")
    fs.create(path).close()
    with pytest.raises(UsageError, match="no header"):
        LogWriter.resume(fs, path, Kind.LOG, NUMBER, 0)
