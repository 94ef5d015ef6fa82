"""File systems on which a lock holds on one machine only, though others reach the files too."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from typing import NamedTuple

_NEVER = {"fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.curlftpfs", "davfs"}
"""Types that have no locks between machines at all."""

_UNLESS_OPTIONS = {
    "nfs": {"nolock", "local_lock=all", "local_lock=flock"},
    "nfs4": {"nolock", "local_lock=all", "local_lock=flock"},
    "cifs": {"nobrl"},
    "smb3": {"nobrl"},
}
"""Types that have locks, unless they are mounted with one of these options."""


class Mount(NamedTuple):
    """A mounted file system, as the kernel tells of it."""

    point: str
    type: str
    options: frozenset[str]


def why_locks_are_local(path: str) -> str | None:
    """Why a lock at ``path`` is not seen by all who reach it; None if nothing is known against it.

    Only Linux tells. Elsewhere a lock that cannot be had is the operating system's own error.
    """
    if not sys.platform.startswith("linux"):
        return None
    with contextlib.suppress(OSError), open("/proc/self/mountinfo", errors="surrogateescape") as f:
        return reason_of(mount_of(os.path.realpath(path), f.read()))
    return None


def mount_of(path: str, mountinfo: str) -> Mount | None:
    """The file system that ``path`` is on; ``mountinfo`` is as proc(5) describes it."""
    found: Mount | None = None
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, (kind, *rest) = before.split(" "), after.split(" ") or [""]
        if len(fields) < 6:
            continue
        point = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        within = path == point or path.startswith(point.rstrip("/") + "/")
        if within and (found is None or len(point) >= len(found.point)):
            options = ",".join([fields[5], *rest[1:]])
            found = Mount(point, kind, frozenset(options.split(",")))
    return found


def reason_of(mount: Mount | None) -> str | None:
    """What is to be said against locks on a file system; None if nothing is."""
    if mount is None:
        return None
    if mount.type in _NEVER:
        return f"{mount.point} is a network file system ({mount.type}) without locks"
    local = _UNLESS_OPTIONS.get(mount.type, set()) & mount.options
    if local:
        option = ", ".join(sorted(local))
        return (
            f"{mount.point} is a network file system ({mount.type}) whose locks are switched off"
            f" ({option})"
        )
    return None
