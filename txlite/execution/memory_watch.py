"""How much memory a tree of processes has, and whether that is more than it may.

Measured from outside, where no control group does it. Guarantees: a tree that passes its limit is seen within half a
second, and what merely shares its memory with its parent is not taken for more. One that stays as it is is looked at
twice a second, one that grows so often that it is seen before it has gone far. Used by `guarded_process`.
"""

from __future__ import annotations

from .. import text
from ..model import OUT_OF_MEMORY
from ..store.attempts import Result
from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..system.process_tree import Tree

SHORTEST, LONGEST = 0.05, 0.5  # seconds between looks
AGAIN = 0.02  # seconds until what seems to be too much is looked at again
HASTE = 2  # looks before a tree that grows on as it does is where it may not be


class MemoryWatch:
    """The memory of one tree. limit: bytes that it may have; None: any number."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._pause = SHORTEST / 2
        self._used, self._seen = 0, clock.monotonic()  # bytes at the last look, and when that was
        self._next = self._seen + SHORTEST
        self._is_over = False  # as it seemed at the last look

    @property
    def due(self) -> list[float]:
        """Return the monotonic time at which to look at the tree again, if at all."""
        return [self._next] if self._limit else []

    def judge(self, tree: Tree) -> Result | None:
        """Look at the tree; how its attempt ends where it has more than it may."""
        assert self._limit
        used, now = measure(tree, self._limit), clock.monotonic()
        if used <= self._limit:
            self._is_over = False
            self._plan(used, now)
            return None
        if not self._is_over:  # a moment's: an exit or a fork fell between two readings
            self._is_over, self._next = True, now + AGAIN
            return None
        return too_much(used, self._limit)

    def _plan(self, used: int, now: float) -> None:
        """When to look again: twice as late as the last time, unless it might have grown too large by then."""
        assert self._limit
        growth = (used - self._used) / max(now - self._seen, AGAIN)  # bytes a second
        pause = min(self._pause * 2, LONGEST)
        if growth > 0:
            pause = min(pause, (self._limit - used) / growth / HASTE)
        self._pause = max(pause, SHORTEST)
        self._used, self._seen, self._next = used, now, now + self._pause


def too_much(used: int, limit: int) -> Result:
    """Return how an attempt ends that used so many bytes, and may use so many."""
    words = f"it used {text.size(used)} of memory, of the {text.size(limit)} that it may (--max-memory)"
    return Result(OUT_OF_MEMORY, note=words)


def measure(tree: Tree, limit: int) -> int:
    """Return the bytes that a tree has: exactly where it might be more than `limit`, else no less than it has."""
    from ..system import memory  # who sets no limit does without

    sizes = memory.measure_resident(tree.pids())
    total = sum(sizes.values())
    if total <= limit:
        return total
    found = tree.pids(is_exact=True)
    sizes = memory.measure_resident(found)
    total = sum(sizes.values())
    for pid in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if total <= limit:
            break
        parent, thread = found[pid]
        own = 0 if memory.is_borrowing(pid, parent, thread) else memory.measure_proportional(pid)
        total += (sizes[pid] if own is None else own) - sizes[pid]
    return total
