"""What the parts of a page have in common: attempts placed in time, the words and marks of their ends, safe text.

Guarantees: whatever users or agents wrote is escaped, and what could turn or hide text is made visible (`safe`).
Called by the other modules of `page`.
"""

from __future__ import annotations

from html import escape

from ...model import (
    CANCELLED,
    DONE,
    FAILED,
    INTERRUPTED,
    LOST,
    NODE_FAILED,
    OUT_OF_MEMORY,
    PREEMPTED,
    REFUSED,
    RELEASED,
    TIMEOUT,
    UNKILLABLE,
    UNSTARTABLE,
)
from ...system import clock
from ...system.named_tuple import NamedTuple
from ...text import shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..summary import Entry, Try

# How an attempt ended: its kind, as which it is drawn, and in words.
RUNNING = ("running", "running")
OUTCOMES = {
    None: RUNNING,
    DONE: ("done", "done"),
    FAILED: ("failed", "failed"),
    TIMEOUT: ("failed", "timed out"),
    UNSTARTABLE: ("failed", "could not be started"),
    UNKILLABLE: ("failed", "could not be killed"),
    INTERRUPTED: ("stopped", "interrupted"),
    LOST: ("stopped", "lost with its worker"),
    RELEASED: ("stopped", "given back"),
    CANCELLED: ("stopped", "cancelled"),
    OUT_OF_MEMORY: ("failed", "out of memory"),
    PREEMPTED: ("stopped", "preempted"),
    REFUSED: ("failed", "refused by the cluster"),
    NODE_FAILED: ("failed", "lost with its node"),
}
# What became of a task: its kind and in words, in the order in which the headline counts them.
STATES = {
    "done": ("done", "done"),
    "review": ("review", "to be reviewed"),
    "failed": ("failed", "put aside"),
    "blocked": ("failed", "blocked"),
    "cancelled": ("stopped", "cancelled"),
    **{state: ("waiting", state) for state in ("ready", "reserved", "later", "waiting")},
    "active": RUNNING,
}
LEGEND = {"done": "done", "failed": "failed", "stopped": "interrupted or lost", "running": "running"}
MARKS = {"done": "✓", "failed": "✗", "stopped": "○", "running": "▸", "waiting": "…", "review": "?"}


class Bar(NamedTuple):
    """An attempt, placed in time."""

    row: int  # its task's, in the table
    entry: Entry
    one: Try
    start: float  # seconds since the epoch
    end: float  # never before its start

    @property
    def kind(self) -> str:
        """The kind of its end, as which it is drawn: a key of LEGEND."""
        return OUTCOMES[self.one.outcome][0] if self.one.ended else "running"


def bars(row: int, entry: Entry, now: str) -> Iterator[Bar]:
    """Yield the attempts of a task; one that runs lasts until now (UTC text)."""
    for one in entry.tries:
        start = clock.to_seconds(one.started)
        yield Bar(row, entry, one, start, max(clock.to_seconds(one.ended or now), start))


def count_kinds(some: Iterable[Bar]) -> dict[str, int]:
    """Return how many of each kind there are, in the order of the legend."""
    counts = dict.fromkeys(LEGEND, 0)
    for bar in some:
        counts[bar.kind] += 1
    return {kind: count for kind, count in counts.items() if count}


def tell_outcome(one: Try) -> str:
    """Return how an attempt ended, as a mark and in words."""
    kind, word = OUTCOMES[one.outcome] if one.ended else RUNNING
    return f"{MARKS[kind]} {word}"


def safe(words: str, width: int) -> str:
    """Return what somebody wrote as text of the page or of an attribute, cut to `width` characters."""
    return escape(shorten(words, width))
