"""What a fuzzer begins with: files, and parts of them, that are as they should be."""

from __future__ import annotations

from collections.abc import Iterator

from tests.damage.fields import data_blocks, table_footer
from tests.damage.samples import SAMPLES, Sample, sample

_MOST = 6000
"""Larger files teach a fuzzer nothing more."""


def seeds(target: str) -> list[bytes]:
    """Inputs for a target, each different."""
    found = {data: None for name in SAMPLES for data in _of_sample(target, sample(name))}
    return [data for data in found if len(data) <= _MOST]


def _of_sample(target: str, whole: Sample) -> Iterator[bytes]:
    for name, data in whole.files.items():
        if _is_whole(target, name):
            yield data
        elif target in ("block", "index") and name.endswith(".sst"):
            yield from _parts(target, name, data)


def _is_whole(target: str, name: str) -> bool:
    """Whether the file is an input as it is."""
    if target == "manifest":
        return name.startswith("MANIFEST-")
    return (target, name[-4:]) in {("log", ".log"), ("footer", ".sst")}


def _parts(target: str, name: str, data: bytes) -> Iterator[bytes]:
    """Blocks, or the index, for every codec: the input's first byte says which."""
    footer = table_footer(data, name)
    blocks = data_blocks(data, name, footer) if target == "block" else [footer.index]
    for section in blocks:
        for codec in range(3):
            yield bytes([codec]) + data[section.offset : section.end]
