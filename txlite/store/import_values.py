"""The values of a line of an import, each checked: ids, text, numbers, times.

Each function returns the value in the form in which the database keeps it, or raises InvalidValue, which names `what`
it is. Used by `import_lines`.
"""

from __future__ import annotations

import re

from ..errors import InvalidValue
from ..text import check_line, check_text, shorten

LARGEST_SCORE = 1e15
LARGEST_NUMBER = 1 << 53  # what any reader of JSON holds exactly; and room for as many tokens after it

_ID = re.compile(r"tx-[a-z0-9]{8,}", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z", re.ASCII)


def task_id(value: object, what: str) -> str:
    """Return an id."""
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise InvalidValue(f"{what} {shown(value)} is not an id: tx- and 8 or more of a-z and 0-9")


def text(value: object, what: str) -> str:
    """Return text without NUL."""
    if not isinstance(value, str):
        raise InvalidValue(f"{what} is {shown(value)} and not text")
    return check_text(value, what)


def line(value: object, what: str) -> str:
    """Return text that is not empty."""
    if not isinstance(value, str):
        raise InvalidValue(f"{what} is {shown(value)} and not text")
    return check_line(value, what)


def optional_text(value: object, what: str) -> str | None:
    """Return text, or None."""
    return None if value is None else text(value, what)


def tail(value: object) -> str:
    """Return the end of output, which may hold anything."""
    if not isinstance(value, str):
        raise InvalidValue(f"tail is {shown(value)} and not text")
    check_text(value.replace("\0", ""), "tail")
    return value


def score(value: object) -> float:
    """Return a score: a number below 1e15 in size."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < LARGEST_SCORE:
        raise InvalidValue(f"score {shown(value)} is not a number")
    return value


def seconds(value: object, what: str) -> float:
    """Return a number of seconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < LARGEST_SCORE:
        raise InvalidValue(f"{what} {shown(value)} is not a number of seconds")
    return value


def count(value: object, what: str, limit: int, least: int = 0) -> int:
    """Return a whole number from `least` on, below `limit`."""
    if type(value) is not int or not least <= value < limit:
        raise InvalidValue(f"{what} {shown(value)} is not a whole number from {least} on")
    return value


_dates: set[str] = set()  # those found to be right: many lines have the same


def moment(value: object, what: str) -> str:
    """Return a time as `clock` writes it: UTC text with milliseconds."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None or not _is_date(match[1]):
        raise InvalidValue(f"{what} {shown(value)} is not a time as 2025-10-24T15:00:00.000Z")
    return value if match[2] and len(match[2]) == 4 else f"{match[0][:19]}{(match[2] or '.').ljust(4, '0')[:4]}Z"  # type: ignore[return-value]


def optional_moment(value: object, what: str) -> str | None:
    """Return a time, or None."""
    return None if value is None else moment(value, what)


def _is_date(text: str) -> bool:
    if text not in _dates:
        import calendar

        year, month, day = map(int, text.split("-"))
        if not (year >= 1970 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
            return False
        _dates.add(text)
    return True


def refuse_rest(fields: dict[str, object]) -> None:
    """Raise InvalidValue for a key that nobody has taken."""
    for name in fields:
        raise InvalidValue(f"unknown key {shown(name)}")


def shown(value: object) -> str:
    """Return a value as messages show it."""
    return "(missing)" if value is None else shorten(repr(value)[:200], 40)
