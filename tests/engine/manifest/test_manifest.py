"""The manifest remembers what was recorded, through crashes and rotation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsmsql.engine.errors import CorruptionError, FailedError, FormatError, StorageError
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.manifest import manifest as module
from lsmsql.engine.manifest.edit import AddedFile, Edit, Sample, decode_edit, encode_edit
from lsmsql.engine.manifest.manifest import (
    Manifest,
    ManifestState,
    manifest_name,
    parse_manifest,
    read_manifest,
)
from lsmsql.engine.manifest.version import LEVELS
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.wal.format import Kind, edit_record, put_record
from lsmsql.engine.wal.writer import LogWriter

fs = OsFileSystem()


def meta(number: int, table_id: int = 1) -> FileMeta:
    return FileMeta(number, table_id, 100, 10, 10, 0, b"a", b"z", 1, number)


def add(number: int, level: int = 0) -> Edit:
    return Edit(added=(AddedFile(level, meta(number)),), next_file=number + 1)


@pytest.fixture
def directory(tmp_path) -> str:
    return str(tmp_path)


def begun(directory: str) -> Manifest:
    return Manifest.begin(fs, directory, 1, ManifestState())


def test_an_edit_comes_back():
    edit = Edit((AddedFile(3, meta(7)),), (1, 2), 5, 99, 8)
    assert decode_edit(encode_edit(edit), "m", 0) == edit
    past = Edit(floor=0, samples=(Sample(1_700_000_000, 7), Sample(1_700_000_060, 9)))
    assert decode_edit(encode_edit(past), "m", 0) == past
    assert decode_edit(encode_edit(Edit()), "m", 0) == Edit()


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x90", b"\x81\xa7removed\xa1x", b"\x91" * 10_000])
def test_a_malformed_edit_is_corruption(data):
    with pytest.raises(CorruptionError, match="m, offset 32: manifest edit"):
        decode_edit(data, "m", 32)


def test_a_new_manifest_holds_the_state_it_was_begun_with(directory):
    state = ManifestState({7: (2, meta(7))}, 5, 99, 8)
    Manifest.begin(fs, directory, 9, state).close()
    loaded = parse_manifest(read_manifest(fs, directory))
    assert loaded.state == ManifestState({7: (2, meta(7))}, 5, 99, 10)
    assert (loaded.number, loaded.edits, loaded.torn) == (9, 1, False)
    assert fs.list(directory) == ["CURRENT", manifest_name(9)]


edits = st.lists(
    st.tuples(
        st.sets(st.integers(1, 12), max_size=4),
        st.sets(st.integers(1, 12), max_size=4),
        st.integers(0, LEVELS - 1),
        st.none() | st.integers(0, 99),
    ),
    max_size=10,
)


@settings(max_examples=40)
@given(edits, st.integers(0, 10))
def test_what_was_recorded_is_loaded(tmp_path_factory, steps, reopen_at):
    directory = str(tmp_path_factory.mktemp("store"))
    manifest = begun(directory)
    files: dict[int, int] = {}
    for step, (added, removed, level, sequence) in enumerate(steps):
        gone = tuple(sorted(removed & set(files)))
        fresh = tuple(AddedFile(level, meta(n)) for n in sorted(added))
        manifest.record(Edit(fresh, gone, last_sequence=sequence))
        files = {n: old for n, old in files.items() if n not in gone}
        files |= dict.fromkeys(added, level)
        if step == reopen_at:
            manifest.close()
            manifest = Manifest.resume(fs, directory, parse_manifest(read_manifest(fs, directory)))
    manifest.close()
    state = parse_manifest(read_manifest(fs, directory)).state
    assert state == manifest.state
    assert {n: level for n, (level, _) in state.files.items()} == files
    sequences = [sequence for *_, sequence in steps if sequence is not None]
    assert state.last_sequence == max(sequences, default=0)  # it never goes back


def test_the_floor_is_that_of_the_last_edit_that_changes_files(directory):
    manifest = begun(directory)
    oldest = []
    samples = (Sample(1_700_000_000, 7),)
    for edit in [
        Edit(add(2).added, last_sequence=5, floor=3, samples=samples),
        Edit(log_number=9),
        Edit(add(3).added, last_sequence=7, floor=6, samples=samples),
        Edit(add(4).added, last_sequence=8),  # by a release, or an opening, without a history
        Edit(log_number=12),
        Edit(removed=(3,), floor=8),
        Edit(removed=(2,), floor=9, samples=samples),
    ]:
        manifest.record(edit)
        oldest.append((manifest.state.oldest, manifest.state.samples))
    assert oldest == [(3, samples)] * 2 + [(6, samples)] + [(8, ())] * 3 + [(9, samples)]
    manifest.close()
    state = parse_manifest(read_manifest(fs, directory)).state
    assert state == manifest.state
    Manifest.begin(fs, directory, 99, state).close()
    whole = parse_manifest(read_manifest(fs, directory)).state
    assert (whole.oldest, whole.samples) == (9, samples)


def test_a_file_moves_by_being_removed_and_added(directory):
    manifest = begun(directory)
    manifest.record(add(3))
    manifest.record(Edit((AddedFile(1, meta(3)),), (3,)))
    assert manifest.state.files == {3: (1, meta(3))}
    manifest.close()


def test_a_torn_tail_is_cut_off_and_gone_on_after(directory):
    manifest = begun(directory)
    manifest.record(add(2))
    whole = manifest.size
    manifest.record(add(3))
    path, size = manifest.path, manifest.size
    manifest.close()
    data = fs.read_all(path)
    for end in range(whole, size):
        with open(path, "wb") as file:
            file.write(data[:end])
        loaded = parse_manifest(read_manifest(fs, directory))
        assert set(loaded.state.files) == {2}
        assert (loaded.end, loaded.torn) == (whole, end > whole)
    resumed = Manifest.resume(fs, directory, loaded)
    resumed.record(add(4))
    resumed.close()
    assert set(parse_manifest(read_manifest(fs, directory)).state.files) == {2, 4}


def test_rotation_carries_the_state_over(directory, monkeypatch):
    monkeypatch.setattr(module, "ROTATE_BYTES", 400)
    manifest = begun(directory)
    for number in range(2, 1000):
        manifest.record(Edit(add(number).added, (number - 1,) if number > 2 else ()))
        if manifest.wants_rotation:
            break
    state = manifest.state
    assert manifest.wants_rotation and len(state.files) == 1
    manifest.close()
    rotated = Manifest.begin(fs, directory, state.next_file, state)
    assert not rotated.wants_rotation
    rotated.close()
    loaded = parse_manifest(read_manifest(fs, directory))
    assert loaded.number == state.next_file
    assert loaded.state.files == state.files
    assert loaded.state.next_file == state.next_file + 1


def test_a_manifest_that_would_stay_as_long_is_not_begun_anew(directory, monkeypatch):
    monkeypatch.setattr(module, "ROTATE_BYTES", 400)
    manifest = begun(directory)
    for number in range(2, 30):
        manifest.record(add(number))
        assert not manifest.wants_rotation
    assert manifest.size > 400
    manifest.close()


def test_a_rotation_that_was_cut_short_leaves_the_old_manifest_in_force(directory):
    manifest = begun(directory)
    manifest.record(add(2))
    manifest.close()
    fs.create(f"{directory}/CURRENT.new").close()
    LogWriter.create(fs, f"{directory}/{manifest_name(3)}", Kind.MANIFEST, 3).close()
    assert set(parse_manifest(read_manifest(fs, directory)).state.files) == {2}
    Manifest.begin(fs, directory, 4, parse_manifest(read_manifest(fs, directory)).state).close()
    assert parse_manifest(read_manifest(fs, directory)).number == 4


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"MANIFEST-000001",
        b"MANIFEST-1\n",
        b"MANIFEST-00000x\n",
        b"MANIFEST-000001\n\n",
        b"../MANIFEST-000001\n",
        b"000001.log\n",
        b"MANIFEST-\xff\n",
        b"MANIFEST-" + b"9" * 5000 + b"\n",
        b"MANIFEST-000001\n",
        b"lsmsql 1\nMANIFEST-1\n",
        b"lsmsql 0\nMANIFEST-000001\n",
        b"lsmsql 01\nMANIFEST-000001\n",
        b"lsmsql 1\nMANIFEST-000001",
    ],
)
def test_a_damaged_pointer_is_corruption(directory, content):
    begun(directory).close()
    with open(f"{directory}/CURRENT", "wb") as file:
        file.write(content)
    with pytest.raises(CorruptionError, match="CURRENT, offset 0: .* does not name a manifest"):
        parse_manifest(read_manifest(fs, directory))


def test_a_store_of_a_newer_format_is_refused(directory):
    begun(directory).close()
    with open(f"{directory}/CURRENT", "wb") as file:
        file.write(b"lsmsql 2\nMANIFEST-000001\nand more\n")
    with pytest.raises(FormatError, match="CURRENT: store format 2; this release reads up to 1"):
        read_manifest(fs, directory)


def test_a_missing_file_is_named(directory):
    with pytest.raises(StorageError, match="CURRENT"):
        parse_manifest(read_manifest(fs, directory))
    manifest = begun(directory)
    manifest.close()
    fs.remove(manifest.path)
    with pytest.raises(CorruptionError, match="CURRENT.* names MANIFEST-000001, which is missing"):
        parse_manifest(read_manifest(fs, directory))


def written(directory: str, kind: Kind, number: int, *records: bytes) -> None:
    """Manifest 1 in force, with a log of these records in its place."""
    begun(directory).close()
    path = f"{directory}/{manifest_name(1)}"
    fs.remove(path)
    log = LogWriter.create(fs, path, kind, number)
    for sequence, record in enumerate(records, 1):
        log.append(sequence, 1, record)
        log.sync()
    log.close()


@pytest.mark.parametrize(
    ("kind", "number", "records", "problem"),
    [
        (Kind.MANIFEST, 1, [], "without an edit"),
        (Kind.LOG, 1, [edit_record(encode_edit(Edit()))], "this is log 1, not manifest 1"),
        (Kind.MANIFEST, 2, [edit_record(encode_edit(Edit()))], "this is manifest 2, not"),
        (Kind.MANIFEST, 1, [put_record(b"k", b"v")], "a record of type 1"),
        (Kind.MANIFEST, 1, [edit_record(b"\xc1")], "manifest edit"),
        (Kind.MANIFEST, 1, [edit_record(encode_edit(Edit(removed=(4,))))], "file 4, .* not live"),
        (Kind.MANIFEST, 1, [edit_record(encode_edit(add(2, LEVELS)))], "none of the 32"),
        (Kind.MANIFEST, 1, [edit_record(encode_edit(add(2, -1)))], "none of the 32"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_corruption(directory, kind, number, records, problem):
    written(directory, kind, number, *records)
    with pytest.raises(CorruptionError, match=f"MANIFEST-000001, offset .*{problem}"):
        parse_manifest(read_manifest(fs, directory))


def test_damage_before_a_later_edit_is_corruption(directory):
    manifest = begun(directory)
    manifest.record(add(2))
    manifest.record(add(3))
    manifest.close()
    with open(manifest.path, "r+b") as file:
        file.seek(40)
        file.write(b"\xff\xff")
    with pytest.raises(CorruptionError, match="offset 32"):
        parse_manifest(read_manifest(fs, directory))


def test_an_edit_that_cannot_be_written_is_not_told_of(directory):
    manifest = begun(directory)
    manifest.close()
    for error in (StorageError, FailedError):
        with pytest.raises(error):
            manifest.record(add(2))
        assert manifest.state.files == {}
