"""The real disk."""

from __future__ import annotations

import os

from lsmsql.engine.errors import StorageError
from lsmsql.engine.filesystem import files
from lsmsql.engine.filesystem.files import (
    OsAppendFile,
    file_size,
    open_descriptor,
    reporting,
    write_again,
)
from lsmsql.engine.filesystem.interface import AppendFile, FileNames, Lock, ReadFile, Watch
from lsmsql.engine.filesystem.linking import link_or_copy
from lsmsql.engine.filesystem.locking import OsWatch, take_lock
from lsmsql.engine.filesystem.mapped import log_file
from lsmsql.engine.filesystem.system import sync_directory


class OsFileSystem:
    """The disk, through the operating system."""

    def create(self, path: str) -> AppendFile:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        return OsAppendFile(open_descriptor("create", path, flags), path)

    def append_to(self, path: str) -> AppendFile:
        fd = open_descriptor("open", path, os.O_WRONLY | os.O_APPEND)
        return OsAppendFile(fd, path, file_size(fd, path))

    def create_log(self, path: str) -> AppendFile:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL
        fd = open_descriptor("create", path, flags)
        try:
            return log_file(fd, path)
        except StorageError:
            with reporting("remove", path):
                os.remove(path)
            raise

    def append_to_log(self, path: str) -> AppendFile:
        return log_file(open_descriptor("open", path, os.O_RDWR | os.O_APPEND), path)

    def open(self, path: str) -> ReadFile:
        return files.read_file(open_descriptor("open", path, os.O_RDONLY), path)

    def read_all(self, path: str) -> bytes:
        with reporting("read", path), open(path, "rb", buffering=0) as file:
            return file.read()

    def rename(self, source: str, target: str) -> None:
        with reporting("rename", f"{source} to {target}"):
            os.replace(source, target)

    def link(self, source: str, target: str) -> bool:
        return link_or_copy(source, target)

    def remove(self, path: str) -> None:
        with reporting("remove", path):
            os.remove(path)

    def truncate(self, path: str, size: int, synced: int | None = None) -> None:
        file = OsAppendFile(open_descriptor("truncate", path, os.O_RDWR), path)
        try:
            with reporting("truncate", path):
                os.ftruncate(file._fd, size)
                write_again(file._fd, size if synced is None else synced, size)
            file.sync()
        finally:
            file.close()

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def list(self, directory: str) -> FileNames:
        with reporting("list", directory):
            return sorted(os.listdir(directory))

    def make_directory(self, path: str) -> None:
        with reporting("make directory", path):
            os.makedirs(path, exist_ok=True)

    def sync_directory(self, path: str) -> None:
        with reporting("sync directory", path):
            sync_directory(path)

    def lock(self, path: str, owner: str) -> Lock:
        return take_lock(path, owner)

    def watch(self, path: str) -> Watch:
        return OsWatch(path)
