"""What a run's workers do at this moment: for each task its age, its title, and the last line of its output.

Used by `run_progress`, for terminals, and by `top`.
"""

from __future__ import annotations

import os
import time

from .. import text
from ..execution import presence
from ..model import QUEUED
from ..reports import header
from ..system import clock
from .attempt_row import describe_place, describe_silence
from .live_lines import LiveLine
from .terminal import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store

END = 1 << 13  # bytes of a report, among which the last line is looked for
OTHERS = 3  # lines of a terminal that stay free for what is said, the bar, and the cursor
INDENT = " " * 8


def find_own(store: Store, workers: Collection[str]) -> list[AttemptStatus]:
    """Return the attempts that these workers are at."""
    return [one for one in presence.open_attempts(store) if one.worker in workers]


def describe_running(home: str, found: Iterable[AttemptStatus], least: float) -> list[LiveLine]:
    """Return two lines for each attempt that has run for `least` seconds, those that began first before others, and
    those that run before those that are queued; one, or none, where the terminal is too low for more."""
    now = time.time()
    ages = [(max(now - clock.to_seconds(one.started), 0.0), one) for one in found]
    order = sorted((one.state != QUEUED, age, one.attempt, one) for age, one in ages if age >= least)[::-1]
    shown = [(age, one) for _, age, _, one in order]
    room = size().lines - OTHERS
    if 2 * len(shown) <= room:
        lines = [LiveLine(f"{text.age(age):>6}  {one.task}  {one.title}") for age, one in shown]
        last = [LiveLine(INDENT + _describe(home, one), "2") for _, one in shown]
        return [line for pair in zip(lines, last) for line in pair]
    lines = [LiveLine(f"{text.age(age):>6}  {one.task}  {_mark(one)}{one.title}") for age, one in shown]
    more = len(lines) - room
    return lines if more <= 0 else [*lines[: room - 1], LiveLine(f"{INDENT}and {more + 1} more")]


def _mark(one: AttemptStatus) -> str:
    return f"{QUEUED}: " if one.state == QUEUED else ""


def _describe(home: str, one: AttemptStatus) -> str:
    """What an attempt wrote last or, while it is queued, that it is, and why."""
    return f"{QUEUED}: {describe_place(one)}" if one.state == QUEUED else describe_last(home, one)


def describe_last(home: str, one: AttemptStatus) -> str:
    """Return the last line of an attempt's output, behind how long it has been silent, where it has."""
    return ": ".join(filter(None, (describe_silence(one), read_last_line(home, one))))


def read_last_line(home: str, one: AttemptStatus) -> str:
    """Return the last line of an attempt's output that says something, so far; "" where there is none yet."""
    try:
        with open(os.path.join(home, one.report or ""), "rb") as report:
            start = max(os.fstat(report.fileno()).st_size - END, 0)
            report.seek(start)
            data = report.read(END)
    except OSError:
        return ""  # it has not begun, or has just got its final name
    if start == 0:
        begin = header.find_output(data, one.attempt)
        data = data[begin:] if begin else b""
    return "".join(text.last_lines(data.decode(errors="replace"), 1))
