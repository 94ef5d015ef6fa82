"""The way to the disk: the only one that the engine uses.

All that the engine reads and writes passes through a ``FileSystem``, so that tests can put one in
its place that fails, tears or loses any operation. ``OsFileSystem`` is the real one.
"""

from lsmsql.engine.filesystem.disk import OsFileSystem
from lsmsql.engine.filesystem.interface import AppendFile, FileSystem, Lock, ReadFile, Watch

__all__ = ["AppendFile", "FileSystem", "Lock", "OsFileSystem", "ReadFile", "Watch"]
