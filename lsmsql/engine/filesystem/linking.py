"""Second names for files, and copies where those cannot be had."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil

from lsmsql.engine.filesystem.files import reporting
from lsmsql.engine.filesystem.system import sync_file

_CANNOT_LINK = {
    getattr(errno, name)
    for name in ("EXDEV", "EPERM", "EACCES", "EMLINK", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EINVAL")
    if hasattr(errno, name)
}


def link_or_copy(source: str, target: str) -> bool:
    """As ``FileSystem.link``. A copy has the time of its source, by which it is known again."""
    with reporting("link", f"{source} to {target}"):
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise
        else:
            return True
        _copy(source, target)
        return False


def _copy(source: str, target: str) -> None:
    with open(source, "rb") as original, open(target, "xb") as copy:
        try:
            shutil.copyfileobj(original, copy, 1 << 20)
            copy.flush()
            shutil.copystat(source, target)
            sync_file(copy.fileno())
        except BaseException:
            with contextlib.suppress(OSError):
                os.remove(target)
            raise
