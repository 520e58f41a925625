"""An attempt as `status` shows it: what the database says of it, and what its report's file does.

Used by the table of `status`, by its JSON and by its counts, and by all that names the place of one.
"""

from __future__ import annotations

import os
import time

from .. import text
from ..model import RUNNING
from ..reports import archive
from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.attempt_status import AttemptStatus


class AttemptRow:
    """An attempt with what its report's file says, at one moment."""

    def __init__(self, home: str, status: AttemptStatus) -> None:
        named = status.report and os.path.join(home, status.report)
        self.status = status
        self.report = (named and archive.find(named)) or None  # path, absolute; None where it is not there
        self.size = _size_of(self.report)  # bytes
        self.age = max(time.time() - clock.to_seconds(status.started), 0.0)  # seconds
        running = status.ended is None and status.state == RUNNING
        self.duration = self.age if running else status.duration  # seconds; None where it has not begun

    def cells(self) -> list[str]:
        """Return its cells, as the table of `status` has them, safe for a terminal; where it ran is the last."""
        one = self.status
        return [
            one.state,
            str(one.pid or ""),
            one.type,
            one.level,
            text.duration(self.age),
            "" if self.duration is None else text.duration(self.duration),
            "" if self.size is None else text.size(self.size),
            one.task,
            text.printable(one.title),
            shorten_path(self.report) if self.report else "",
            describe_place(one),
        ]


def describe_place(one: AttemptStatus) -> str:
    """Return where an attempt runs or ran, if not here, and why it is queued; safe for a terminal."""
    return text.printable(" ".join(part for part in (one.place, one.reason and f"({one.reason})") if part))


def describe_silence(one: AttemptStatus) -> str:
    """Return for how long an attempt has neither written nor computed, where that is long; "" otherwise."""
    try:
        return f"silent for {text.age(time.time() - clock.to_seconds(one.silent))}" if one.silent else ""
    except ValueError:
        return ""  # a note that was edited by hand


def describe_course(one: AttemptStatus) -> str:
    """Return what there is to say of an attempt that goes on: its place, and its silence; safe for a terminal."""
    return ", ".join(filter(None, (describe_place(one), describe_silence(one))))


def shorten_path(path: str) -> str:
    """Return a path as it is from the working directory, if it lies below it; safe for a terminal."""
    here = os.getcwd().rstrip("/") + "/"
    return text.printable(path[len(here) :] if path.startswith(here) else path)


def _size_of(path: str | None) -> int | None:
    try:
        return os.path.getsize(path) if path else None
    except OSError:
        return None
