"""When a task comes again: lines of cron against a walk through all minutes, clocks that are set, what is refused."""

from __future__ import annotations

import calendar
import functools
import os
import random
import time
import unittest
from datetime import date, timedelta

from txlite.errors import InvalidValue
from txlite.store.cron import CronLine, matches_day, next_match, parse_cron
from txlite.store.schedule import check_schedule, plan_first, plan_next
from txlite.system import clock

from ..case import SEED

# Zones, and moments about which their clocks are set: by an hour, half an hour, a whole day, at midnight.
ZONES = {
    "Europe/Berlin": (1774746000, 1792976400),
    "America/New_York": (1772953200, 1793512800),
    "Australia/Lord_Howe": (1775314800, 1791039600),
    "Pacific/Apia": (1325239200,),
    "Africa/Cairo": (1777068000,),
    "America/Sao_Paulo": (1541300400,),
    "Asia/Kolkata": (1775314800,),
}
MINUTE = 60


class InZone(unittest.TestCase):
    def setUp(self) -> None:
        before = os.environ.get("TZ")
        self.addCleanup(time.tzset)
        self.addCleanup(lambda: os.environ.pop("TZ", "") if before is None else os.environ.update(TZ=before))

    def be_in(self, zone: str) -> None:
        os.environ["TZ"] = zone
        time.tzset()

    def local(self, moment: float) -> str:
        return time.strftime("%Y-%m-%d %H:%M %z", time.localtime(moment))

    def times(self, every: str, start: str, count: int) -> list[str]:
        """The next times, as the wall clock shows them."""
        cron, moment, found = parse_cron(every), clock.to_seconds(clock.parse_local(start)), []
        for _ in range(count):
            moment = next_match(cron, moment)
            found.append(self.local(moment))
        return found


class Cron(InZone):
    def test_fields(self) -> None:
        self.be_in("UTC")
        for line, wanted in {
            "*/20 9-10,22 * * *": ["01-01 09:00", "01-01 09:20", "01-01 09:40", "01-01 10:00"],
            "5 4 * * SUN": ["01-04 04:05", "01-11 04:05", "01-18 04:05"],
            "5 4 * * 7": ["01-04 04:05", "01-11 04:05"],
            "0 0 * * sat-sun": ["01-03 00:00", "01-04 00:00", "01-10 00:00"],
            "0 0 * * sun-sun": ["01-04 00:00", "01-11 00:00"],
            "0 0 * feb,apr-MAY/1 *": ["02-01 00:00", "02-02 00:00"],
            "0 12 13 * 5": ["01-02 12:00", "01-09 12:00", "01-13 12:00", "01-16 12:00"],  # either
            "0 12 */2 * 5": ["01-09 12:00", "01-23 12:00"],  # both: as Vixie cron has it
            "0 12 31 * *": ["01-31 12:00", "03-31 12:00", "05-31 12:00"],
            "@hourly": ["01-01 01:00", "01-01 02:00"],
            "@daily": ["01-02 00:00"],
            "@midnight": ["01-02 00:00"],
            "@Weekly": ["01-04 00:00"],
            "@monthly": ["02-01 00:00"],
            "10-50/20 23 31 12 *": ["12-31 23:10", "12-31 23:30", "12-31 23:50"],
        }.items():
            with self.subTest(line):
                found = self.times(line, "2026-01-01T00:00", len(wanted))
                self.assertEqual(found, [f"2026-{one} +0000" for one in wanted])
        self.assertEqual(self.times("@yearly", "2026-01-01", 1), ["2027-01-01 00:00 +0000"])
        self.assertEqual(
            self.times("0 0 29 2 *", "2026-01-01", 2), ["2028-02-29 00:00 +0000", "2032-02-29 00:00 +0000"]
        )

    def test_a_clock_that_is_set(self) -> None:
        self.be_in("Europe/Berlin")
        gap = ["2026-03-28 02:30 +0100", "2026-03-29 03:00 +0200", "2026-03-30 02:30 +0200"]
        self.assertEqual(self.times("30 2 * * *", "2026-03-28", 3), gap)
        twice = ["2026-10-24 02:30 +0200", "2026-10-25 02:30 +0200", "2026-10-26 02:30 +0100"]
        self.assertEqual(self.times("30 2 * * *", "2026-10-24", 3), twice)
        several = ["2026-03-29 01:50 +0100", "2026-03-29 03:00 +0200", "2026-03-29 03:10 +0200"]
        self.assertEqual(self.times("10-50/20 1-3 * * *", "2026-03-29T01:40", 3), several)
        hourly = ["2026-10-25 02:15 +0200", "2026-10-25 02:15 +0100", "2026-10-25 03:15 +0100"]
        self.assertEqual(self.times("15 * * * *", "2026-10-25T01:30", 3), hourly)
        self.be_in("Pacific/Apia")  # which had no 30th of December in 2011
        self.assertEqual(self.times("0 12 30 12 *", "2011-12-01", 1), ["2011-12-31 00:00 +1400"])

    def test_as_a_walk_through_all_minutes_finds_it(self) -> None:
        source = random.Random(f"{SEED} cron")
        for _ in range(20):
            zone = source.choice(list(ZONES))
            self.be_in(zone)
            line = draw_line(source)
            start = source.choice(ZONES[zone]) + source.randint(-129600, 86400)
            with self.subTest(f"{line} in {zone} after {start}, TESTS_SEED={SEED}"):
                walked, found = walk(parse_cron(line), start, start + 172800), next_match(parse_cron(line), start)
                self.assertEqual(min(found, start + 172800), walked)

    def test_what_is_wrong_is_named(self) -> None:
        for line, words in {
            "0 25 * * *": "'0 25 * * *': hour 25: give 0 to 23",
            "60 * * * *": "minute 60: give 0 to 59",
            "0 0 0 * *": "day of the month 0: give 1 to 31",
            "0 0 * 13 *": "month 13: give 1 to 12, or jan to dec",
            "0 0 * * 8": "day of the week 8: give 0 to 7, or sun to sat",
            "0 0 * * moon": "day of the week moon: give 0 to 7",
            "0 5-1 * * *": "hour 5-1: 5 comes after 1",
            "*/0 * * * *": "minute */0: a step of 0",
            "5/15 * * * *": "minute 5/15: a step needs a range: give 5-59/15",
            "1,,2 * * * *": "minute '': give 0 to 59",
            "0 0 L * *": "day of the month L: give 1 to 31",
            "-1 * * * *": "minute '-1': give 0 to 59",
            "\u0661 * * * *": "minute '\u0661': give 0 to 59",
            "0 2 * *": "'0 2 * *' has 4 fields: give five, minute, hour,",
            "0 0 30 2 *": "never comes",
            "0 0 31 4,6,9,11 *": "never comes",
            "@dayly": "none of @hourly, @daily",
            "@reboot": "none of @hourly",
            "": "has 0 fields",
        }.items():
            with self.subTest(line), self.assertRaises(InvalidValue) as caught:
                parse_cron(line)
            self.assertIn(words, str(caught.exception))


class Periods(InZone):
    def next(self, every: str, planned: str, now: str, is_skipped: bool = False) -> str:
        seconds = clock.to_seconds(f"2026-{now}:00.000Z")
        return plan_next(every, f"2026-{planned}:00.123Z", seconds, is_skipped)[5:16]

    def test_the_next_is_later_than_now_and_keeps_step(self) -> None:
        self.be_in("UTC")
        for every, planned, now, wanted in (
            ("10m", "01-01T10:00", "01-01T10:01", "01-01T10:10"),
            ("10m", "01-01T10:00", "01-01T10:59", "01-01T11:00"),
            ("1d", "01-01T10:00", "01-04T09:59", "01-04T10:00"),  # three were missed
            ("1d", "01-01T10:00", "01-04T10:01", "01-05T10:00"),
            ("36h", "01-01T10:00", "01-01T10:01", "01-02T22:00"),
            ("1d", "01-02T10:00", "01-01T15:00", "01-02T10:00"),  # a person had it come first
            ("1d", "01-02T10:00", "01-02T10:00", "01-03T10:00"),  # a clock that was set back a little
            ("@daily", "01-02T00:00", "01-01T15:00", "01-02T00:00"),
            ("@daily", "01-02T00:00", "01-02T08:00", "01-03T00:00"),
        ):
            with self.subTest(f"{every} {planned} {now}"):
                self.assertEqual(self.next(every, planned, now), wanted)
        self.assertEqual(self.next("1d", "01-02T10:00", "01-01T15:00", is_skipped=True), "01-03T10:00")
        self.assertEqual(self.next("@daily", "01-02T00:00", "01-01T15:00", is_skipped=True), "01-03T00:00")
        exact = plan_next("7s", "2026-01-01T00:00:00.123Z", clock.to_seconds("2026-01-01T00:00:06.000Z"))
        self.assertEqual(exact, "2026-01-01T00:00:07.123Z")

    def test_days_keep_the_time_of_day(self) -> None:
        self.be_in("Europe/Berlin")
        planned = clock.parse_local("2026-03-27T15:00")
        for day in ("28", "29", "30"):
            planned = plan_next("1d", planned, clock.to_seconds(planned) + 1)
            self.assertEqual(clock.to_local(planned)[:16], f"2026-03-{day} 15:00")

    def test_the_first(self) -> None:
        self.be_in("UTC")
        at = "2100-01-01T10:00:00.000Z"
        self.assertEqual(plan_first("1d", at), (at, at))
        planned, not_before = plan_first("1d", None)
        self.assertIsNone(not_before)
        self.assertLessEqual(planned, clock.now())
        self.assertEqual(plan_first("30 9 * * *", at), ("2100-01-02T09:30:00.000Z",) * 2)
        self.assertEqual(plan_first("0 10 * * *", at), (at, at))

    def test_what_is_refused(self) -> None:
        for every in ("0", "-1d", "1w", "0.5s", "x", "1d\x07", "2e9"):
            with self.subTest(every), self.assertRaises(InvalidValue):
                check_schedule(every)
        self.assertEqual([check_schedule(one) for one in ("90", "1d", " @daily ")], ["90", "1d", "@daily"])


def draw_line(source: random.Random) -> str:
    def field(least: int, greatest: int) -> str:
        kind = source.randrange(5)
        one, other = sorted(source.randint(least, greatest) for _ in "12")
        return ("*", f"*/{one % 9 + 1}", str(one), f"{one}-{other}", f"{one},{other}")[kind]

    days, weekdays = (field(1, 31), field(0, 7)) if source.random() < 0.3 else ("*", "*")
    return f"{field(0, 59)} {source.choice([field(0, 23), field(0, 3)])} {days} * {weekdays}"


def walk(cron: CronLine, after: int, end: int) -> float:
    """The first minute that fits, found by looking at each: a time of day comes when a clock first shows it, or a later
    one; of a line for every hour, whenever it is shown."""
    moment = after // MINUTE * MINUTE + MINUTE
    latest = max(shown_minute(one) for one in range(moment - 2 * 86400, moment, MINUTE))
    while moment < end:
        now = shown_minute(moment)
        candidates = [now] if len(cron.hours) == 24 else range(latest + 1, now + 1)
        if any(fits(cron, one) for one in candidates):
            return moment
        latest = max(latest, now)
        moment += MINUTE
    return end


def shown_minute(moment: int) -> int:
    return calendar.timegm(time.localtime(moment)) // MINUTE


def fits(cron: CronLine, minute: int) -> bool:
    hour, minute_of_hour = divmod(minute % 1440, 60)
    return hour in cron.hours and minute_of_hour in cron.minutes and fits_day(cron, minute // 1440)


@functools.lru_cache(16)
def fits_day(cron: CronLine, day: int) -> bool:
    return matches_day(cron, date(1970, 1, 1) + timedelta(days=day))


if __name__ == "__main__":
    unittest.main()
