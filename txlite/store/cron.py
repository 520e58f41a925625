"""Lines of cron: when they match, by this machine's wall clock (the form: crontab(5) of Vixie cron).

A line says times of day. One that a clock set forward leaves out comes right after the gap, and one that a clock set
back shows twice comes at its first showing: once in either case. Where every hour matches, the line says no time of day
but how often in the hour: then each minute that matches comes, an hour that is shown twice included. Used by
`schedule`; imported only where a task comes again.
"""

from __future__ import annotations

import re
import time

from .. import text
from ..errors import InvalidValue
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

ALIASES = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
DAY, HALF_A_DAY_MORE = 86_400, 129_600  # seconds: no zone is further from UTC, or from itself before it moved
_EPOCH = 719_163  # the ordinal of 1970-01-01
CYCLE = 40  # years in which each day of each month has been each day of the week


class Field(NamedTuple):
    """One of the five: its values, and their names from the least on."""

    name: str
    least: int
    greatest: int
    names: tuple[str, ...] = ()

    @property
    def range(self) -> str:
        """Return what can be given."""
        return f"{self.least} to {self.greatest}" + (f", or {self.names[0]} to {self.names[-1]}" if self.names else "")


FIELDS = (
    Field("minute", 0, 59), Field("hour", 0, 23), Field("day of the month", 1, 31), Field("month", 1, 12, MONTHS),
    Field("day of the week", 0, 7, WEEKDAYS),
)  # fmt: skip


class CronLine(NamedTuple):
    """What a line matches: numbers of each field; is_either: a day of the month or of the week is enough."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    is_either: bool


def parse_cron(line: str) -> CronLine:
    """Return what a line of five fields, or one of cron's words as @daily, matches. Raises InvalidValue, which names
    the field, and for a line that never matches."""
    shown = text.shorten(line, 60)
    words = ALIASES.get(line.strip().lower(), line).split()
    if words and words[0].startswith("@"):
        raise InvalidValue(f"{shown!r} is none of {', '.join(ALIASES)}")
    if len(words) != len(FIELDS):
        fields = ", ".join(field.name for field in FIELDS)
        raise InvalidValue(f"{shown!r} has {text.count(len(words), 'field')}: give five, {fields}")
    found = []
    for word, field in zip(words, FIELDS):
        try:
            found.append({number for part in word.split(",") for number in _parse_part(part, field)})
        except ValueError as error:
            raise InvalidValue(f"{shown!r}: {error}") from None
    minutes, hours, days, months, weekdays = found
    is_either = not words[2].startswith("*") and not words[4].startswith("*")
    cron = CronLine(
        tuple(sorted(minutes)), tuple(sorted(hours)), frozenset(days), frozenset(months),
        frozenset(day % 7 for day in weekdays), is_either,
    )  # fmt: skip
    if next(find_days(cron, 2000, CYCLE), None) is None:
        raise InvalidValue(f"{shown!r} never comes: no month that it names has such a day")
    return cron


def _parse_part(part: str, field: Field) -> range:
    """The numbers that a part of a field matches. Raises ValueError, in words."""
    first, last, step = _split_part(part, field)
    if first is None:
        return range(field.least, field.greatest + 1, step)
    start, end = _parse_number(first, field), _parse_number(last or first, field)
    if end == 0 < start and field.names == WEEKDAYS:
        end = 7  # sat-sun
    if end < start:
        raise ValueError(f"{field.name} {part}: {first} comes after {last}: give the smaller one first, or two ranges")
    return range(start, end + 1, step)


def _split_part(part: str, field: Field) -> tuple[str | None, str | None, int]:
    """The first and the last of a range, and its step; nothing for *."""
    match = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d{1,6}))?", part, re.ASCII)
    if not match:
        raise ValueError(f"{field.name} {part!r}: give {field.range}, as {field.least} or {field.least}-5 or */2")
    first, last, step = match.groups()
    if step is None:
        return first, last, 1
    if int(step) == 0:
        raise ValueError(f"{field.name} {part}: a step of 0: give 1 or more")
    if first and not last:
        raise ValueError(f"{field.name} {part}: a step needs a range: give {first}-{field.greatest}/{step}")
    return first, last, int(step)


def _parse_number(word: str, field: Field) -> int:
    if word.lower() in field.names:
        return field.names.index(word.lower()) + field.least
    number = int(word) if word.isdigit() and len(word) < 7 else -1
    if not field.least <= number <= field.greatest:
        raise ValueError(f"{field.name} {text.shorten(word, 20)}: give {field.range}")
    return number


def next_match(cron: CronLine, after: float) -> float:
    """Return the first time that a line means behind `after` (seconds since the epoch, both)."""
    local = time.localtime(after)
    if len(cron.hours) == 24:
        return _next_minute(cron, after)
    for day in find_days(cron, local.tm_year - 1, CYCLE + 10, _days_before(local)):
        midnight = (day.toordinal() - _EPOCH) * DAY
        for hour in cron.hours:
            for minute in cron.minutes:
                found = show(midnight + hour * 3600 + minute * 60)
                if found > after:
                    return found
    raise InvalidValue("a cron line that never comes")  # which `parse_cron` had refused


def find_days(cron: CronLine, year: int, years: int, first: int = 0) -> Iterator[date]:
    """Yield the days that a line matches, in `years` years from this one on, but none before the ordinal `first`."""
    from datetime import date, timedelta

    for month_number in range(year * 12, (year + years) * 12):
        if month_number % 12 + 1 not in cron.months:
            continue
        day = date(month_number // 12, month_number % 12 + 1, 1)
        month = day.month
        while day.month == month:
            if day.toordinal() >= first and matches_day(cron, day):
                yield day
            day += timedelta(days=1)


def matches_day(cron: CronLine, day: date) -> bool:
    """Say whether a line matches a day."""
    is_day, is_weekday = day.day in cron.days, day.isoweekday() % 7 in cron.weekdays
    return day.month in cron.months and (is_day or is_weekday if cron.is_either else is_day and is_weekday)


def show(wall: int) -> float:
    """Return when a clock on the wall first shows this time, or a later one (`wall`: as seconds since the epoch, if it
    were UTC)."""
    middle = wall - _offset(wall)
    early, late = middle - HALF_A_DAY_MORE, middle + HALF_A_DAY_MORE
    before, behind = _offset(early), _offset(late)
    if before == behind:
        return float(wall - before)
    while late - early > 1:  # until the clock is set between the two
        between = (early + late) // 2
        early, late = (between, late) if _offset(between) == before else (early, between)
    return float(wall - before if wall - before < late else max(late, wall - behind))


def _next_minute(cron: CronLine, after: float) -> float:
    """The next minute that matches, where every hour does: as it is shown, however often."""
    from datetime import date

    moment = (int(after) // 60 + 1) * 60
    local = time.localtime(moment)
    today = _days_before(local) + 1
    for day in find_days(cron, local.tm_year, CYCLE + 10, today):
        if day.toordinal() > today + 1:
            moment = max(moment, int(show((day.toordinal() - _EPOCH) * DAY)))
        local = time.localtime(moment)
        while (local.tm_year, local.tm_mon, local.tm_mday) <= (day.year, day.month, day.day):
            shown = date(local.tm_year, local.tm_mon, local.tm_mday)
            if local.tm_min in cron.minutes and matches_day(cron, shown):
                return float(moment)
            moment += 60
            local = time.localtime(moment)
    raise InvalidValue("a cron line that never comes")


def _offset(moment: float) -> int:
    return int(time.localtime(moment).tm_gmtoff)


def _days_before(local: time.struct_time) -> int:
    from datetime import date

    return date(local.tm_year, local.tm_mon, local.tm_mday).toordinal() - 1
