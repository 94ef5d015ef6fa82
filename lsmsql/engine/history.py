"""How much of the past is kept: the numbers from the *floor* on may all be asked for.

The floor is registered like the number of a reader, so memtables keep what belongs to it and to all
later numbers; flush and compaction are told, too, that every version above it stays (see
``retention``). It moves up when one of these is about to throw versions away anyway. To be late
with that only keeps more.

With a history of so many commits the floor is that many below the newest. With one of a time it
comes from *samples*: at ``time``, ``sequence`` was the newest commit. So what was asked for is kept
at least, and some more: samples have a distance, of which this is a small part.

    samples    (0 s, 17)    (60 s, 390)    (120 s, 394)
    floor, for a history of 50 s, after 130 s    390

The manifest keeps floor and samples. Of commits that it has no sample for, because they are only in
logs when the store is opened, nobody knows when they were made: they count as made then.
"""

from __future__ import annotations

import math
import threading
import time

from lsmsql.engine.errors import TypeMismatchError, UsageError
from lsmsql.engine.manifest.edit import Sample
from lsmsql.engine.merge import Retention
from lsmsql.engine.options import Options
from lsmsql.engine.registry import Snapshots

_SAMPLES = 64
"""About so many samples lie within the time that is kept."""


class Clock:
    """Unix time in whole seconds, rounded up; it does not jump when somebody sets the clock."""

    def __init__(self) -> None:
        self._start = time.time() - time.monotonic()

    def __call__(self) -> int:
        """The time."""
        return math.ceil(self._start + time.monotonic())


class History:
    """The past of one store. ``wanted``: whether any is to be kept.

    ``floor`` is the oldest number that may be asked for though no reader is at it; None: there is
    none but the newest commit.
    """

    def __init__(self, snapshots: Snapshots, options: Options) -> None:
        self.wanted = options.history is not None
        self.floor: int | None = None
        self.samples: tuple[Sample, ...] = ()
        self.clock = Clock()
        self._snapshots = snapshots
        self._reader = snapshots.reader()
        self._commits = options.history_commits
        self._seconds = options.history_seconds
        self._lock = threading.Lock()

    def begin(self, floor: int, samples: tuple[Sample, ...] = ()) -> None:
        """Begin with what the manifest says, when it is known what the newest commit is.

        A power cut may have taken later ones away: then others will have their numbers.
        """
        published = self._snapshots.published
        self.follow(min(floor, published))
        self.samples = tuple(Sample(at, min(sequence, published)) for at, sequence in samples)
        self.tick()

    def follow(self, floor: int) -> None:
        """``floor`` is what another process says, whose newest commits may not be known yet."""
        if self.wanted:
            self.floor = floor
            self._snapshots.hold(self._reader, min(floor, self._snapshots.published))

    @property
    def oldest(self) -> int:
        """The oldest number that may be asked for though no reader is at it."""
        published = self._snapshots.published
        return published if self.floor is None else min(self.floor, published)

    # ------------------------------------------------------------------------------- readers

    def hold(self, reader: int, sequence: object) -> int:
        """Register a reader at a commit of the past, and return its number.

        Raises UsageError if it is no longer kept, or none yet, TypeMismatchError for no number.
        """
        if type(sequence) is not int:
            raise TypeMismatchError(f"a commit is named by its number, an int, not {sequence!r}")
        snapshots = self._snapshots
        if sequence <= snapshots.published:
            with self._lock:
                # Registered first: whoever looks from now on keeps what belongs to it. Those who
                # have looked before had moved the floor, or seen the others.
                snapshots.hold(reader, sequence)
                if sequence >= self.oldest or snapshots.is_steady(sequence):
                    snapshots.steady(reader)
                    return sequence
                snapshots.release(reader)
            raise UsageError(
                f"commit {sequence} is no longer kept; the oldest is {self.oldest}"
                " (see the option history)"
            )
        raise UsageError(f"there is no commit {sequence} yet; the newest is {snapshots.published}")

    def share(self, reader: int) -> None:
        """Others may register at the number of ``reader``, which keeps it until it is released."""
        self._snapshots.steady(reader)

    # ------------------------------------------------------------------------------- upkeep

    @property
    def interval(self) -> int | None:
        """Seconds between two samples; None if there are none to be taken."""
        return None if self._seconds is None else max(1, self._seconds // _SAMPLES)

    def tick(self) -> None:
        """Take a sample, if there is a commit since the last one and it is time."""
        with self._lock:
            self._sample()

    def _sample(self) -> None:
        interval = self.interval
        if interval is None:
            return
        sequence = self._snapshots.published  # first: at the time that follows it was there
        now = self.clock()
        if self.samples:
            last = self.samples[-1]
            if sequence == last.sequence or now - last.at < interval:
                return
        self.samples = (*self.samples, Sample(now, sequence))

    def retention(self, *, drop_tombstones: bool = False, forget: bool = False) -> Retention:
        """What a rewrite must keep for those who read now, or begin to while it goes on.

        Moves the floor up before. ``forget``: sequence numbers that nobody asks for may go, see
        ``Retention``.
        """
        published = self._snapshots.published  # first: who is not registered yet will read at this
        floor = self.move_floor()  # number, or a later one
        active = self._snapshots.active()
        snapshots = active if floor is None else tuple(sorted({*active, floor}))
        return Retention(
            snapshots=snapshots,
            floor=floor,
            drop_tombstones=drop_tombstones,
            forget_sequences_up_to=min((published, *snapshots)) if forget else 0,
        )

    def move_floor(self) -> int | None:
        """Let go of what is older than was asked for; the floor afterwards, None if there is none.

        Its commits stay readable until the next rewrite, but nobody may ask for them.
        """
        with self._lock:
            if self.floor is None:
                return None
            self._sample()
            floor = self.floor
            if self._commits is not None:
                floor = max(floor, self._snapshots.published - self._commits)
            elif self._seconds is not None:
                then = self.clock() - self._seconds
                old = [sample for sample in self.samples if sample.at <= then]
                floor = max([floor, *(sample.sequence for sample in old)])
                self.samples = self.samples[len(old) :]
            self.floor = floor
            self._snapshots.hold(self._reader, floor)
            return floor
