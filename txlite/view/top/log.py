"""The end of the output of a task's last attempt, as it grows, and where a person looks at it.

Only the end is read, however long the output is; `txlite logs` has all of it. Whoever looks holds nothing.
"""

from __future__ import annotations

import os

from ... import text
from ...errors import Error
from ...execution import presence
from ...model import QUEUED
from ...reports import header
from ..attempt_row import describe_place
from ..follow import read_output
from .layout import Screenful, draw_foot
from .spans import FAINT, PLAIN, STRONG, Span, cut, fit, spread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...store.attempt_status import AttemptStatus
    from ...store.store import Store
    from .layout import Foot
    from .spans import Line

MOST = 1 << 18  # bytes of output that are read
HEAD = 1 << 20  # bytes of a report among which its output begins


class LogTail:
    """The end of one task's output. `lines`: safe for a terminal."""

    def __init__(self, store: Store, task: str) -> None:
        self.task = task
        self.lines: list[str] = []
        self.follows = True  # the end is looked at
        self._title = ""
        self._state = ""
        self._store = store
        self._seen: tuple[object, ...] = ()
        self._top = 0  # the first wrapped line on the screen, where the end is not followed
        self._wrapped: tuple[int, list[str]] = (0, [])  # for so many columns
        self._room = 1

    def look(self) -> None:
        """Read what has come, unless a person looks at something else than the end."""
        attempt = presence.last_attempt(self._store, self.task)
        self._title = attempt.title if attempt else self._store.get(self.task).title
        self._state = attempt.state if attempt else "has not run yet"
        seen = (attempt and attempt.attempt, attempt and attempt.is_over, attempt and self._stamp(attempt))
        if seen == self._seen or (self._seen and not self.follows):
            return
        self._seen = seen
        self.lines = self._read(attempt) if attempt else self._tell_task()
        self._wrapped = (0, [])

    def _stamp(self, attempt: AttemptStatus) -> object:
        try:
            found = os.stat(os.path.join(self._store.home, attempt.report or ""))
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns

    def _tell_task(self) -> list[str]:
        """What is to be done, where nothing was yet."""
        task = self._store.get(self.task)
        words = task.command if task.command is not None else f"{task.title}\n\n{task.description}"
        return _split(words.encode(errors="replace"))

    def _read(self, attempt: AttemptStatus) -> list[str]:
        if attempt.state == QUEUED:
            return [f"it has not started: it is queued {describe_place(attempt)}".rstrip()]
        try:
            data, before = _read_end(os.path.join(self._store.home, attempt.report or ""), attempt.attempt)
        except OSError:
            try:
                data, before = _end_of(read_output(self._store, attempt)[0])
            except Error as error:
                return [text.printable(str(error))]
        if before:
            told = f"`txlite logs {self.task}` has {text.size(before)} more before it"
            return [f"(the last {text.size(len(data))}; {told})", *_split(data)]
        return _split(data) or ["(no output)" if attempt.is_over else "(no output yet)"]

    def scroll(self, steps: int) -> None:
        """Go so many lines down, or up; at the end it is followed."""
        wrapped = self._wrapped[1]
        last = max(len(wrapped) - self._room, 0)
        top = (last if self.follows else self._top) + steps
        self._top, self.follows = max(min(top, last), 0), top >= last

    def page(self, steps: int) -> None:
        """Go so many pages down, or up."""
        self.scroll(steps * max(self._room - 1, 1))

    def draw(self, foot: Foot, columns: int, lines: int) -> Screenful:
        """Return the screen that shows it."""
        self._room = max(lines - 3, 1)
        if self._wrapped[0] != columns:
            self._wrapped = (columns, [part for line in self.lines for part in wrap(line, columns)])
        wrapped = self._wrapped[1]
        last = max(len(wrapped) - self._room, 0)
        top = last if self.follows else min(self._top, last)
        title = [Span(f"{self.task}  ", STRONG), Span(cut(self._title, max(columns - len(self.task) - 16, 1)))]
        shown: list[Line] = [(Span(words),) for words in wrapped[top : top + self._room]]
        shown += [()] * (self._room - len(shown))
        where = "the end, as it grows" if self.follows else f"{top + 1:,} of {last + 1:,}; G leads to the end"
        keys = [Span("q", STRONG), Span(" back  ", FAINT), Span("arrows, space, b", STRONG), Span(f"  {where}", FAINT)]
        head = spread([*title], [Span(self._state, PLAIN)], columns)
        return Screenful([head, *shown, draw_foot(foot, columns), fit(keys, columns)])


def _read_end(path: str, attempt: int) -> tuple[bytes, int]:
    """The end of the output in a plain report, and how many bytes stand before it. Raises OSError."""
    with open(path, "rb", buffering=0) as report:
        head = report.read(HEAD)
        start = header.find_output(head, attempt)
        size = header.read_layout(head[:start]).size
        end = os.fstat(report.fileno()).st_size
        end = end if size is None else min(start + size, end)
        begin = max(start, end - MOST)
        return os.pread(report.fileno(), max(end - begin, 0), begin), begin - start


def _end_of(data: bytes) -> tuple[bytes, int]:
    before = max(len(data) - MOST, 0)
    return data[before:], before


def _split(data: bytes) -> list[str]:
    """Its lines; of one that was written over and over (by CR) what it came to."""
    lines = data.decode(errors="replace").split("\n")
    shown = [line.rstrip("\r").rpartition("\r")[2].expandtabs() for line in lines]
    while shown and not shown[-1].strip():
        shown.pop()
    return [text.printable(line) for line in shown]


def wrap(line: str, width: int) -> list[str]:
    """Return a line in parts of so many columns at most."""
    if text.columns(line) <= width:
        return [line]
    if line.isascii():
        return [line[place : place + width] for place in range(0, len(line), width)]
    parts, part, taken = [], "", 0
    for one in line:
        wide = text.columns(one)
        if taken + wide > width:
            parts.append(part)
            part, taken = "", 0
        part, taken = part + one, taken + wide
    return [*parts, part]
