"""Whether this machine has room for one more attempt: what a worker asks before each claim.

What would run may still take its memory and its share of the processors, which nobody sees yet. So what runs grows by
one a second at the most, among all workers of a home that ask, and near a bound whatever begins waits for its second,
also what begins in the place of something that has ended. Nothing is claimed by who waits, and orders and signals are
heeded as ever, since it waits as one that has found nothing. Made in each worker's process, by `queue_worker` and by
the loop of `ralph`.
"""

from __future__ import annotations

import contextlib
import os

from ..store.assignments import is_anything_there
from ..system import clock, control_groups, memory
from ..system.locks import open_lock, try_lock
from ..system.named_tuple import NamedTuple
from ..text import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model import WorkerRecord
    from ..store.assignments import Assignment
    from ..store.attempts import Result
    from ..store.store import Store
    from .bounds import Reserve
    from .sources import TaskSource

LOOK = 1.0  # seconds between looks while it waits
FRESH = 0.05  # seconds for which what was seen is good enough, where attempts are short
GAP = 1.0  # seconds between beginnings
AGAIN = 0.05  # seconds, where another one is about to begin something
NEAR_MEMORY, NEAR_LOAD = 1.5, 2 / 3  # times the bound, from where on each beginning waits for its second
ROOM = 200  # bytes of the lock file
TURNS = "admission"  # the lock file, in which stands when the last one began


class Admission(NamedTuple):
    """What was seen of the machine."""

    hold: str  # what there is too little of, in words; "" for nothing
    is_near: bool  # that it may come to that with the next one


def look(reserve: Reserve) -> Admission:
    """Look whether the machine has left what it must have."""
    free = memory.measure_free() if reserve.memfree else None
    load = measure_load() if reserve.load else 0.0
    hold, is_near = "", False
    if reserve.memfree and free is not None:
        hold = f"memory: {size(free)} free, --memfree {_abbreviate(reserve.memfree)}" if free < reserve.memfree else ""
        is_near = free < reserve.memfree * NEAR_MEMORY
    if reserve.load:
        hold = hold or (f"the load to fall: it is {load:.3g}, --load {reserve.load:g}" if load >= reserve.load else "")
        is_near = is_near or load >= reserve.load * NEAR_LOAD
    return Admission(hold, is_near)


def measure_load() -> float:
    """Return how many processes run or would: in the last minute, or at this moment where these are more."""
    running = control_groups.read("/proc/loadavg").split(" ")[3:4]  # 0.10 0.05 0.01 1/234 5678
    return max(os.getloadavg()[0], int(running[0].split("/")[0]) - 1 if running else 0)


def _abbreviate(count: int) -> str:
    """Bytes as one types them: 1.5G."""
    unit, power = next(((unit, power) for unit, power in zip("TGMK", (40, 30, 20, 10)) if count >> power), ("", 0))
    return f"{count / (1 << power):.4g}{unit}"


class Turns:
    """Whose turn it is to begin something: one a second, among all who have the same file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = -1

    def take(self) -> float:
        """Keep others out until `give_back`, if it is our turn; else return the seconds until to ask again."""
        try:
            self._file = open_lock(self._path)
        except OSError:
            return LOOK  # a full disk, or too many open files: it may pass
        if not try_lock(self._file):
            return self._leave(AGAIN)
        boot, _, moment = os.pread(self._file, ROOM, 0).decode().strip().rpartition(" ")
        left = float(moment) + GAP - clock.monotonic() if boot == clock.boot() else 0.0
        return self._leave(left) if 0 < left <= GAP else 0.0

    def give_back(self, has_begun: bool) -> None:
        """Let others have their turn; has_begun: a second later."""
        if has_begun:
            with contextlib.suppress(OSError):  # a full disk: then others do not wait for their second
                os.pwrite(self._file, f"{clock.boot()} {clock.monotonic()}".encode().ljust(ROOM), 0)
        self._leave(0.0)

    def _leave(self, seconds: float) -> float:
        os.close(self._file)
        return seconds


class AdmittedSource:
    """A source of tasks (a `TaskSource`) that gives one only while the machine has room for it."""

    def __init__(self, source: TaskSource, store: Store, reserve: Reserve, tell: Callable[[str], None]) -> None:
        """tell: is told for what it waits, "" when it goes on."""
        self.lanes = source.lanes
        self._source = source
        self._store = store
        self._reserve = reserve
        self._tell = tell
        self._turns = Turns(store.lock_path(TURNS))
        self._seen = Admission("", False)
        self._good_until = 0.0  # monotonic time until which that is fresh enough
        self._held_until: float | None = None  # monotonic time at which it asks again, while it has to wait
        self._told = ""

    def register(self, worker: WorkerRecord) -> Assignment | None:
        """Enter the worker; what it has got already is nothing new here."""
        return self._source.register(worker)

    def take(self) -> Assignment | None:
        """Claim the next task, where one more may run."""
        seen = self._look()
        if seen.hold:
            self._held_until = self._good_until
            self._say(seen.hold if is_anything_there(self._store.database, self.lanes) else "")
            return None
        self._say("")
        return self._in_turn(self._source.take)

    def due_in(self) -> float | None:
        """Return the seconds after which to look again though nothing happened, or None."""
        if self._held_until is None:
            return self._source.due_in()
        return self._held_until - clock.monotonic()

    def record(self, assignment: Assignment, result: Result, is_leaving: bool) -> Assignment | None:
        """Record the end and, unless it leaves, claim the next task, where it may run in the place of this one."""
        seen = Admission("", False) if is_leaving else self._look()
        if is_leaving or seen.hold or not seen.is_near:
            return self._source.record(assignment, result, is_leaving or bool(seen.hold))
        has_ended = False

        def go_on() -> Assignment | None:
            nonlocal has_ended
            has_ended = True
            return self._source.record(assignment, result, False)

        taken = self._in_turn(go_on)
        return taken if has_ended else self._source.record(assignment, result, True)

    def _in_turn(self, claim: Callable[[], Assignment | None]) -> Assignment | None:
        """Claim, if it is our turn to begin something."""
        left = self._turns.take()
        if left:
            self._held_until = clock.monotonic() + left
            return None
        self._held_until, taken = None, None
        try:
            taken = claim()
        finally:
            self._turns.give_back(has_begun=taken is not None)
        return taken

    def _look(self) -> Admission:
        now = clock.monotonic()
        if now >= self._good_until:
            self._seen = look(self._reserve)
            self._good_until = now + (LOOK if self._seen.hold else FRESH)
        return self._seen

    def _say(self, words: str) -> None:
        if words != self._told:
            self._told = words
            self._tell(words)
