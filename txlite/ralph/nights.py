"""Nights before this one, in figures: so that it can be told whether this one was long, dear or fruitful.

A night is a loop, with those just before it that were killed. Called by `summary`; the page compares.
"""

from __future__ import annotations

from ..system import clock
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from ..model import LoopRecord
    from ..store.nights import Figures
    from ..store.store import Store

COMPARED = 7  # earlier nights, at most


class Night(NamedTuple):
    """One night."""

    started: str  # UTC text
    lasted: float  # seconds, from the beginning of its first loop to the end of its last
    figures: Figures


def split(newest_first: list[LoopRecord], present: Collection[str]) -> Iterator[list[LoopRecord]]:
    """Yield the loops of each night, those oldest first, the newest night first.

    present: the ids of loops that go on; one that began beside them is no part of a night that was killed.
    """
    night: list[LoopRecord] = []
    for loop in newest_first:
        if not night:
            night = [loop]
        elif loop.ended:
            yield night
            night = [loop]
        elif loop.id not in present:
            night.insert(0, loop)
    if night:
        yield night


def skip_idle(store: Store, nights: list[list[LoopRecord]], present: AbstractSet[str]) -> list[list[LoopRecord]]:
    """Return the nights (newest first) from the last on in which anything was begun, or that goes on; all of them where
    there is none."""
    for place, loops in enumerate(nights):
        ids = [loop.id for loop in loops]
        if store.nights.count(ids).attempts or not present.isdisjoint(ids):
            return nights[place:]
    return nights


def measure(store: Store, loops: list[LoopRecord], end: str) -> Night:
    """Return the figures of one night, which lasted until then (UTC text)."""
    lasted = max(clock.to_seconds(end) - clock.to_seconds(loops[0].started), 0.0)
    return Night(loops[0].started, lasted, store.nights.count([loop.id for loop in loops]))


def look_back(store: Store, nights: Iterable[list[LoopRecord]]) -> list[Night]:
    """Return the last nights in which anything was begun, the newest first."""
    found: list[Night] = []
    for loops in nights:
        night = measure(store, loops, loops[-1].ended or loops[-1].started)
        if night.figures.attempts:
            found.append(night)
        if len(found) == COMPARED:
            break
    return found


def usual(earlier: list[Night], figure: Callable[[Night], float | None]) -> float | None:
    """Return a figure's median in these nights, where it is known; None where it never is."""
    known = [value for value in map(figure, earlier) if value is not None]
    return _median(known) if known else None


def _median(values: list[float]) -> float:
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
