"""The real file system keeps its promises and names what it could not do."""

from __future__ import annotations

import errno
import mmap
import os
import re
import subprocess
import sys

import pytest

from lsmsql.engine.errors import BusyError, StorageError
from lsmsql.engine.filesystem import OsFileSystem, files, locking, mapped, network

fs = OsFileSystem()


def make_file(path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def test_what_is_appended_is_read_back(tmp_path):
    path = str(tmp_path / "file")
    file = fs.create(path)
    file.write(b"one")
    file.sync()
    file.write(b"two")
    assert file.tell() == 6
    file.close()
    assert fs.read_all(path) == b"onetwo"


def test_append_to_goes_on_at_the_end(tmp_path):
    path = make_file(tmp_path / "file", b"one")
    file = fs.append_to(path)
    assert file.tell() == 3
    file.write(b"two")
    file.close()
    assert fs.read_all(path) == b"onetwo"


def test_short_writes_are_continued(tmp_path, monkeypatch):
    whole = os.write
    file = fs.create(str(tmp_path / "file"))
    monkeypatch.setattr(os, "write", lambda fd, data: whole(fd, data[:3]))
    file.write(b"0123456789")
    file.close()
    assert fs.read_all(str(tmp_path / "file")) == b"0123456789"


def test_a_full_disk_is_a_storage_error_with_its_cause(tmp_path, monkeypatch):
    def full(fd, data):
        raise OSError(28, "No space left on device")

    file = fs.create(str(tmp_path / "file"))
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError, match=r"write to .*file: No space left on device") as caught:
        file.write(b"x")
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("kind", [files.OsReadFile, files.SeekingReadFile])
def test_reads_are_short_only_at_the_end(tmp_path, kind, monkeypatch):
    path = make_file(tmp_path / "file", b"0123456789")
    monkeypatch.setattr(files, "read_file", kind)
    file = fs.open(path)
    assert file.size() == 10
    assert file.read_at(2, 3) == b"234"
    assert file.read_at(8, 5) == b"89"
    assert file.read_at(10, 5) == b""
    file.close()


def test_short_reads_are_continued(tmp_path, monkeypatch):
    whole = os.pread
    file = fs.open(make_file(tmp_path / "file", b"0123456789"))
    monkeypatch.setattr(os, "pread", lambda fd, length, offset: whole(fd, min(length, 3), offset))
    assert file.read_at(1, 8) == b"12345678"
    assert file.read_at(5, 100) == b"56789"


def test_create_refuses_a_file_that_exists(tmp_path):
    path = make_file(tmp_path / "file", b"mine")
    with pytest.raises(StorageError, match="create .*file: File exists"):
        fs.create(path)
    assert fs.read_all(path) == b"mine"


@pytest.mark.parametrize(
    "operation",
    [
        fs.open,
        fs.append_to,
        fs.read_all,
        fs.remove,
        fs.list,
        fs.sync_directory,
        lambda path: fs.truncate(path, 0),
        lambda path: fs.rename(path, path + "x"),
    ],
)
def test_a_missing_file_is_a_storage_error_that_names_it(tmp_path, operation):
    with pytest.raises(StorageError, match="missing.*: No such file") as caught:
        operation(str(tmp_path / "missing"))
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_use_after_close_is_a_storage_error(tmp_path):
    file = fs.create(str(tmp_path / "file"))
    file.close()
    file.close()
    with pytest.raises(StorageError, match="Bad file descriptor"):
        file.write(b"x")


def test_directories_and_names(tmp_path):
    directory = str(tmp_path / "a" / "b")
    fs.make_directory(directory)
    fs.make_directory(directory)
    for name in ("2", "1", "3"):
        fs.create(f"{directory}/{name}").close()
    fs.rename(f"{directory}/3", f"{directory}/1")
    fs.sync_directory(directory)
    assert fs.list(directory) == ["1", "2"]
    fs.remove(f"{directory}/2")
    assert fs.exists(f"{directory}/1")
    assert not fs.exists(f"{directory}/2")


def test_truncate_keeps_the_front(tmp_path):
    path = make_file(tmp_path / "file", b"0123456789")
    fs.truncate(path, 4)
    assert fs.read_all(path) == b"0123"


def test_a_lock_excludes_this_process_too_and_names_its_owner(tmp_path):
    path = str(tmp_path / "LOCK")
    lock = fs.lock(path, "process 1 on here")
    with pytest.raises(BusyError, match="held by process 1 on here"):
        fs.lock(path, "somebody else")
    lock.release()
    lock.release()
    assert fs.exists(path)
    fs.lock(path, "2").release()
    assert fs.read_all(path)[:120].split() == [b"2"]


def test_what_the_holder_of_a_lock_announces_is_seen_by_those_who_watch(tmp_path):
    path = str(tmp_path / "LOCK")
    with pytest.raises(StorageError, match="watch .*LOCK: No such file"):
        fs.watch(path)
    lock = fs.lock(path, "1")
    watch = fs.watch(path)
    seen = [watch.seen()]
    lock.announce()
    seen.append(watch.seen())
    lock.release()
    seen.append(watch.seen())
    lock = fs.lock(path, "2")
    seen.append(watch.seen())
    lock.announce()
    seen.append(watch.seen())
    assert seen[1] == seen[2]
    assert len(set(seen)) == 4
    assert seen == sorted(seen)
    watch.close()
    watch.close()
    lock.release()


def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch):
    def no_locks(fd):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locking, "try_lock", no_locks)
    with pytest.raises(StorageError, match="has no locks, so that two .* put it on a local disk"):
        fs.lock(str(tmp_path / "LOCK"), "1")


MOUNTS = r"""22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:31 / /home rw,relatime shared:9 - nfs4 server:/home rw,vers=4.2,local_lock=none
41 22 0:32 / /old\040data rw - nfs server:/old rw,vers=3,nolock,local_lock=all
42 22 0:33 / /far rw,nosuid - fuse.sshfs user@far:/ rw
43 22 0:34 / /share rw - cifs //server/share rw,nobrl
44 40 0:35 / /home/me/disk rw - ext4 /dev/sdb1 rw
"""


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/var/store", None),
        ("/home/me/store", None),
        ("/home/me/disk/store", None),
        ("/old data/store", "/old data .* switched off .local_lock=all, nolock."),
        ("/old data", "/old data"),
        ("/old dataset", None),
        ("/far/store", "sshfs. without locks"),
        ("/share/store", "nobrl"),
    ],
)
def test_network_file_systems_whose_locks_others_do_not_see_are_known(path, reason):
    found = network.reason_of(network.mount_of(path, MOUNTS))
    if reason is None:
        assert found is None
    else:
        assert re.search(reason, found or "")


def test_a_link_is_a_second_name(tmp_path):
    source, target = make_file(tmp_path / "a", b"content"), str(tmp_path / "b")
    assert fs.link(source, target)
    fs.remove(source)
    assert fs.read_all(target) == b"content"


def test_where_no_link_can_be_had_there_is_a_copy_of_the_same_time(tmp_path, monkeypatch):
    def other_disk(source, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    source, target = make_file(tmp_path / "a", b"content"), str(tmp_path / "b")
    monkeypatch.setattr(os, "link", other_disk)
    assert not fs.link(source, target)
    assert fs.read_all(target) == b"content"
    assert os.stat(target).st_mtime_ns == os.stat(source).st_mtime_ns
    with pytest.raises(StorageError, match="link .*a to .*b: File exists"):
        fs.link(source, target)


def test_a_lock_excludes_another_process(tmp_path):
    path = str(tmp_path / "LOCK")
    program = (
        "import sys; from lsmsql.engine.filesystem import OsFileSystem;"
        "OsFileSystem().lock(sys.argv[1], 'the other'); print('taken')"
    )

    def take_it_elsewhere() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, path], capture_output=True, text=True, check=False
        )

    lock = fs.lock(path, "the first")
    assert "BusyError" in (refused := take_it_elsewhere()).stderr
    assert "the first" in refused.stderr
    lock.release()
    assert take_it_elsewhere().stdout == "taken\n"
    fs.lock(path, "after its end").release()


# ------------------------------------------------------------------------------- preallocated files

EXTENT = 1 << 14
linux = pytest.mark.skipif(sys.platform != "linux", reason="only there files are preallocated")


@pytest.fixture
def small_extents(monkeypatch):
    monkeypatch.setattr(mapped, "EXTENT", EXTENT)
    monkeypatch.setattr(mapped, "LARGEST_STEP", EXTENT)


def full_disk(fd, offset, length):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_file_holds_what_was_written_and_then_zeros_until_it_is_closed(
    tmp_path, small_extents
):
    path = str(tmp_path / "log")
    file = fs.create_log(path)
    parts = [bytes([i % 255 + 1]) * (i * 37 % 1000) for i in range(100)] + [b"x" * 5 * EXTENT]
    written = b""
    for part in parts:
        file.write(part)
        written += part
        assert file.tell() == len(written)
    file.sync()
    before = fs.read_all(path)
    assert before[: len(written)] == written
    assert not any(before[len(written) :])
    file.close()
    file.close()
    assert fs.read_all(path) == written


def test_a_log_file_is_continued_where_it_ended(tmp_path, small_extents):
    path = make_file(tmp_path / "log", b"a" * (EXTENT + 17))
    file = fs.append_to_log(path)
    assert file.tell() == EXTENT + 17
    file.write(b"b" * 10)
    file.close()
    assert fs.read_all(path) == b"a" * (EXTENT + 17) + b"b" * 10


def test_a_log_file_that_exists_is_not_created(tmp_path):
    path = make_file(tmp_path / "log", b"mine")
    with pytest.raises(StorageError, match="create"):
        fs.create_log(path)
    assert fs.read_all(path) == b"mine"


@linux
def test_a_full_disk_shows_when_a_log_file_is_begun_and_leaves_none(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "posix_fallocate", full_disk)
    with pytest.raises(StorageError, match=r"preallocate .*log: No space left on device"):
        fs.create_log(str(tmp_path / "log"))
    assert os.listdir(tmp_path) == []
    path = make_file(tmp_path / "old", b"old")
    with pytest.raises(StorageError, match="preallocate"):
        fs.append_to_log(path)
    assert fs.read_all(path) == b"old"


@linux
def test_a_full_disk_shows_when_a_log_file_grows_and_what_was_written_stays(
    tmp_path, small_extents, monkeypatch
):
    path = str(tmp_path / "log")
    file = fs.create_log(path)
    file.write(b"x" * (EXTENT - 1))
    monkeypatch.setattr(os, "posix_fallocate", full_disk)
    with pytest.raises(StorageError, match=r"preallocate .*log: No space left on device"):
        file.write(b"yy")
    file.close()
    assert fs.read_all(path) == b"x" * (EXTENT - 1)


@linux
@pytest.mark.parametrize("call", ["posix_fallocate", "mmap"])
def test_a_log_file_is_a_plain_one_where_space_cannot_be_set_aside(tmp_path, monkeypatch, call):
    def refuse(*arguments):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os if call == "posix_fallocate" else mmap, call, refuse)
    path = str(tmp_path / "log")
    file = fs.create_log(path)
    file.write(b"one")
    file.write(b"two")
    assert file.tell() == 6
    assert fs.read_all(path) == b"onetwo"
    file.close()


@linux
def test_a_child_that_inherited_a_log_file_does_not_cut_it(tmp_path):
    path = str(tmp_path / "log")
    file = fs.create_log(path)
    file.write(b"before")
    child = os.fork()
    if child == 0:
        file.close()
        os._exit(0)
    os.waitpid(child, 0)
    file.write(b" and after")
    file.close()
    assert fs.read_all(path) == b"before and after"


def test_a_closed_log_file_takes_no_writes(tmp_path):
    file = fs.create_log(str(tmp_path / "log"))
    file.close()
    with pytest.raises(StorageError):
        file.write(b"x")
