"""What a run's workers do at this moment: for each task its age, its title, and the last line of its output.

Used by `run_progress`, for terminals.
"""

from __future__ import annotations

import os
import time

from .. import text
from ..execution import presence
from ..reports import header
from ..system import clock
from .live_lines import LiveLine
from .terminal import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store

END = 1 << 13  # bytes of a report, among which the last line is looked for
OTHERS = 3  # lines of a terminal that stay free for what is said, the bar, and the cursor
INDENT = " " * 8


def describe_running(store: Store, workers: Collection[str], least: float) -> list[LiveLine]:
    """Return two lines for each task that these workers have run for `least` seconds, those that began first before
    others; one, or none, where the terminal is too low for more."""
    now = time.time()
    found = [(max(now - clock.to_seconds(one.started), 0.0), one) for one in presence.open_attempts(store)]
    shown = sorted((age, one.attempt, one) for age, one in found if age >= least and one.worker in workers)[::-1]
    room = size().lines - OTHERS
    lines = [LiveLine(f"{_age(age):>6}  {one.task}  {one.title}") for age, _, one in shown]
    if 2 * len(lines) <= room:
        last = [LiveLine(INDENT + _last_line(store.home, one), "2") for _, _, one in shown]
        return [line for pair in zip(lines, last) for line in pair]
    more = len(lines) - room
    return lines if more <= 0 else [*lines[: room - 1], LiveLine(f"{INDENT}and {more + 1} more")]


def _age(seconds: float) -> str:
    return f"{seconds:.0f}s" if seconds < 60 else text.duration(seconds)


def _last_line(home: str, one: AttemptStatus) -> str:
    """The last line of an attempt's output that says something, so far; "" where there is none yet."""
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
