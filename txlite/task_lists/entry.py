"""ListEntry: what one entry of a task list says, as it stands in the file. Used by all of this room."""

from __future__ import annotations

from ..errors import UsageError
from ..model import BACKLOG
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING_IMPORTED = "nothing was imported"  # the end of what is said of a list that is wrong


class Change(NamedTuple):
    """Characters of a file that become others, so that its entry is ticked."""

    start: int
    end: int
    becomes: str  # with {now} for the time at which it was done


class ListEntry(NamedTuple):
    """One entry of a task list."""

    line: int
    key: str  # what it is told by from the others of its file
    title: str
    description: str = ""
    names: Sequence[str] = ()  # by which others name it
    label: str | None = None  # its own id in the file, which no other may have
    above: str | None = None  # the name of the entry that it is a part of
    after: Sequence[tuple[int, str]] = ()  # the names that it waits for, each with its line; one may be several
    verify: str | None = None
    status: str = BACKLOG  # or done, or blocked
    score: float = 0
    ticks: Sequence[Change] = ()  # none where it is ticked already, or cannot be


class TaskList(NamedTuple):
    """What a file says."""

    entries: Sequence[ListEntry]
    is_strict: bool  # else names that nobody has are of what was deleted, and parts may wait for the whole


class Lines:
    """Which line of a text a place is on."""

    def __init__(self, text: str) -> None:
        import re

        self._ends = [match.start() for match in re.finditer("\n", text)]

    def number(self, place: int) -> int:
        """Return the number, from 1, of the line with the character at `place`."""
        import bisect

        return bisect.bisect_left(self._ends, place) + 1


def wrong(name: str, number: int, why: str) -> UsageError:
    """Return the error that names a file, a line and what is wrong there."""
    return UsageError(f"{name}, line {number}: {why}: {NOTHING_IMPORTED}")
