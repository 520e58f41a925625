"""When a task comes again: after a period, or as a line of cron says.

An occurrence is planned for a time; the next one is the first later than now, so that those that were missed meanwhile
come as one. Only calculates. Used by what adds, changes and ends tasks, for those that come again.
"""

from __future__ import annotations

import math
import time

from .. import text
from ..errors import InvalidValue
from ..system import clock

DAY = 86_400
HALF_A_MILLISECOND = 0.0005  # what is written is cut, not rounded
AHEAD = 60.0  # seconds: an occurrence that ends longer before its time was put first by a person, and counts extra


def check_schedule(every: str) -> str:
    """Return when a task comes again, as it was given: a period as 90m or 1d, or a line of cron's. Raises
    InvalidValue."""
    every = text.check_name(every, "every").strip()
    if _is_cron(every):
        from .cron import parse_cron

        parse_cron(every)
    else:
        _parse_period(every)
    return every


def plan_first(every: str, not_before: str | None) -> tuple[str, str | None]:
    """Return for when the first occurrence is planned, and for how long it waits (UTC text; None: not at all). With a
    period it comes at once, or at `not_before`; a line of cron's has times of its own, of which it is the first that is
    not earlier."""
    now = time.time()
    if not _is_cron(every):
        return not_before or clock.to_text(now), not_before
    start = now if not_before is None else clock.to_seconds(not_before) - 1
    planned = plan_next(every, None, max(start, now))
    return planned, planned


def plan_next(every: str, planned: str | None, now: float, is_skipped: bool = False) -> str:
    """Return for when the next occurrence is planned, as UTC text: the first time later than now (seconds since the
    epoch) and than the occurrence that ends, planned for `planned`, unless that was put first. is_skipped: that one
    will not come any more."""
    before = now if planned is None else _seconds(planned, now)
    floor = max(now, before) if is_skipped or before - now < AHEAD else now
    if _is_cron(every):
        from .cron import next_match, parse_cron

        return clock.to_text(next_match(parse_cron(every), floor))
    return clock.to_text(_add_periods(before, _parse_period(every), floor) + HALF_A_MILLISECOND)


def _is_cron(every: str) -> bool:
    return every.startswith("@") or len(every.split()) > 1


def _parse_period(every: str) -> float:
    try:
        period = text.parse_duration(every)
    except InvalidValue:
        raise InvalidValue(
            f"{text.shorten(every, 40)!r} is no period and no line of cron: give 90m, 1d, @daily or '0 2 * * *'"
        ) from None
    if period < 1:
        raise InvalidValue(f"every {every}: give a second or more")
    return period


def _seconds(planned: str, now: float) -> float:
    try:
        return clock.to_seconds(planned)
    except ValueError:
        return now  # edited by hand


def _add_periods(start: float, period: float, floor: float) -> float:
    """The first time later than `floor` that is some periods from `start`. Whole days keep the time of day, whatever
    becomes of the clock meanwhile."""
    count = math.floor((floor - start) / period) + 1
    if period % DAY:
        found = start + count * period
        return found if found > floor else found + period  # as floats round
    days = int(period // DAY)
    found = _move_days(start, (count - 1) * days)  # where a clock was set, one more or less
    while found <= floor:
        count += 1
        found = _move_days(start, (count - 1) * days)
    return found


def _move_days(start: float, days: int) -> float:
    from .cron import show

    whole = int(start)
    local = time.localtime(whole)
    return show(whole + local.tm_gmtoff + days * DAY) + (start - whole)
