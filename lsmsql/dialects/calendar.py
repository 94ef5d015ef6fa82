"""Dates and times as texts: ``2024-02-29``, ``2024-02-29 12:30:00`` and ``... 12:30:00.5``.

All raise UsageError for a text that is no date or time.
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

from lsmsql.engine.errors import UsageError

_SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_MONTHS = {"year": 12, "quarter": 3, "month": 1}
_STARTS = ("year", "month", "day", "hour", "minute", "second")


def date_of(text: object) -> str:
    """The date of a date or time."""
    return _read(text).date().isoformat()


def timestamp_of(text: object) -> str:
    """The time of a date (midnight) or time."""
    return _written(_read(text))


def truncate(unit: str, text: object) -> str:
    """The begin of the year, quarter, month, week, day, hour, minute or second of a time."""
    time = _read(text)
    if unit == "week":
        time, unit = time - timedelta(days=time.weekday()), "day"
    elif unit == "quarter":
        time, unit = time.replace(day=1, month=(time.month - 1) // 3 * 3 + 1), "month"
    kept = _STARTS[: _STARTS.index(unit) + 1]
    fields = {"month": 1, "day": 1} | {name: getattr(time, name) for name in kept}
    return _written(datetime(**fields))


def extract(unit: str, text: object) -> int | float:
    """One part of a time. ``week`` is that of ISO 8601, Sunday is ``dow`` 0 and ``isodow`` 7."""
    time = _read(text)
    if unit in _STARTS[:5]:
        return int(getattr(time, unit))
    second = time.second + time.microsecond / 1_000_000
    return {
        "quarter": (time.month + 2) // 3,
        "week": time.isocalendar().week,
        "dow": time.isoweekday() % 7,
        "isodow": time.isoweekday(),
        "doy": time.timetuple().tm_yday,
        "second": second,
        "whole_second": time.second,
        "epoch": (time - datetime(1970, 1, 1)).total_seconds(),
    }[unit]


def shift(text: object, count: str, unit: str) -> str:
    """A time some units later; a day that the month does not have becomes its last."""
    return _written(_shifted(_read(text), int(count), unit))


def shift_date(text: object, count: str, unit: str) -> str:
    """The same, but that of a date is a date, if the unit is a day at least."""
    shifted = _shifted(_read(text), int(count), unit)
    whole = len(str(text)) == 10 and unit not in ("hour", "minute", "second")
    return shifted.date().isoformat() if whole else _written(shifted)


def _shifted(time: datetime, count: int, unit: str) -> datetime:
    try:
        if unit in _SECONDS:
            return time + timedelta(seconds=count * _SECONDS[unit])
        year, month = divmod(time.year * 12 + time.month - 1 + count * _MONTHS[unit], 12)
        last = calendar.monthrange(year, month + 1)[1]
        return time.replace(year=year, month=month + 1, day=min(time.day, last))
    except (ValueError, OverflowError):
        raise UsageError(f"{time} and {count} {unit}: outside of the years 1 to 9999") from None


def _read(text: object) -> datetime:
    if isinstance(text, str):
        try:
            time = datetime.fromisoformat(text)
            if len(text) >= 10 and text[4:5] == "-" and time.tzinfo is None:
                return time
        except ValueError:
            pass
    raise UsageError(f"{text!r} is no date or time, as 2024-02-29 or 2024-02-29 12:30:00")


def _written(time: datetime) -> str:
    text = time.isoformat(" ")
    return text.rstrip("0") if time.microsecond else text
