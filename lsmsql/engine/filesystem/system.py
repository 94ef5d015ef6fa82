"""What differs between operating systems: locks, and what makes a write durable."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt

    # The locked byte lies beyond the owner's text, which others could not read otherwise.
    _LOCKED_BYTE = 1 << 30

    def try_lock(fd: int) -> bool:
        os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        finally:
            os.lseek(fd, 0, os.SEEK_SET)
        return True

    def sync_directory(path: str) -> None:
        """Windows writes directory entries through; a directory cannot be opened to sync it."""

    sync_file = os.fsync
else:
    import fcntl

    def try_lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def sync_directory(path: str) -> None:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    if sys.platform == "darwin":

        def sync_file(fd: int) -> None:
            # fsync on macOS leaves the data in the drive's own cache.
            try:
                fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            except OSError:  # a network or foreign file system that does not know it
                os.fsync(fd)
    else:
        sync_file = getattr(os, "fdatasync", os.fsync)
