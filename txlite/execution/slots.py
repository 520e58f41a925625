"""The slots of one run: filled where there is work, and fewer where the system has no room for more.

Guarantee: there are never more workers than are wanted, nor more than there is work for; where none can be had, or each
one dies at once, that is told, and not tried for ever. Used by `supervisor`, whose one loop waits for them.
"""

from __future__ import annotations

from contextlib import nullcontext

from ..errors import Refused, find_shortage
from ..store.workers import new_id
from ..system import clock
from .places import LOCAL
from .slot import DEATHS, Slot
from .stop_policy import LEAVE, STOP
from .supervised import work_on_queue
from .worker_context import WorkerSettings
from .worker_process import FORKS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..errors import Error
    from ..store.store import Store
    from .supervisor_settings import SupervisorSettings

WITHOUT_ROOM = 10.0  # seconds until a worker is started again where the system had no room for it
MOMENT = 2.0  # seconds for which it counts as having none
AGAIN, PATIENCE = 0.2, 1.5  # seconds between tries to have one worker at least, and until that is given up


class Slots:
    """The slots of one run. worker_ids: of all workers that there ever were; is_dispatching: one of them has all of the
    attempts, elsewhere."""

    def __init__(
        self, store: Store, settings: SupervisorSettings, run: str, give_up: Callable[[Error, int], None]
    ) -> None:
        """run: the supervisor's id. give_up: told why no worker can do anything here, and which stage that means."""
        self.worker_ids: set[str] = set()
        self._store = store
        self._settings = settings
        self._run = run
        self._give_up = give_up
        self.is_dispatching = settings.place.executor != LOCAL and settings.body is work_on_queue
        self._wanted = 1 if self.is_dispatching else settings.workers
        self._slots = [Slot() for _ in range(self._wanted)]
        self._shortage_at: float | None = None  # monotonic time at which a process could not be started
        self._alone_since: float | None = None  # monotonic time at which not even one worker could be started

    def __iter__(self) -> Iterator[Slot]:
        """Yield those with a worker in them."""
        return (slot for slot in self._slots if slot.is_taken)

    @property
    def has_room(self) -> bool:
        """Whether one more worker could be started."""
        return any(not slot.is_taken and not slot.is_hopeless for slot in self._slots)

    @property
    def lacks_room(self) -> bool:
        """Whether a process could not be started a moment ago, because the system had no room for it."""
        return self._shortage_at is not None and clock.monotonic() < self._shortage_at + MOMENT

    @property
    def hold(self) -> str:
        """Return for what a worker waits before it may begin anything; "" where none does."""
        return next((slot.hold for slot in self if slot.hold), "")

    @property
    def due(self) -> list[float]:
        """Return the monotonic times, still to come, from which workers may be started again."""
        now = clock.monotonic()
        waiting = [slot.start_at for slot in self._slots if not slot.is_taken and not slot.is_hopeless]
        return [start_at for start_at in waiting if start_at > now]

    def count_anew(self) -> None:
        """Look how many workers there are to be, which people may have changed."""
        self._wanted = 1 if self.is_dispatching else self._store.supervisors.wanted(self._run)

    def fill(self) -> None:
        """Start workers where they are missing, dismiss those that are too many."""
        while len(self._slots) < self._wanted:
            self._slots.append(Slot())
        for slot in self._slots[self._wanted :]:
            slot.tell(LEAVE)
        self._slots = self._slots[: self._wanted] + [slot for slot in self._slots[self._wanted :] if slot.is_taken]
        due = [slot for slot in self._slots[: self._wanted] if slot.is_due]
        self._start_all(due[: self._count_missing()] if due else [])
        if all(slot.is_hopeless for slot in self._slots):
            words = f"each worker died {DEATHS} times in a row without ending an attempt: see the last reports"
            self._give_up(Refused(words), STOP)

    def relieve(self, slot: Slot) -> None:
        """Have a worker that cannot start anything leave its place to those that can; the last one waits."""
        self._shortage_at = clock.monotonic()
        if sum(other.is_working for other in self._slots) > 1:
            slot.start_at = clock.monotonic() + WITHOUT_ROOM
            slot.tell(LEAVE)

    def tell(self, stage: int) -> None:
        """Order all workers to come to this stage."""
        for slot in self._slots:
            slot.tell(stage)

    def let_go(self) -> None:
        """Close all channels: workers that live finish what they run, and leave."""
        for slot in self._slots:
            slot.let_go()

    def _count_missing(self) -> int:
        """How many workers there is work for, and are not there; one that stays for what may come has them all."""
        if self._settings.forever:
            return self._wanted
        if self.is_dispatching:  # for what others may have left, too
            return self._wanted - sum(slot.is_taken for slot in self._slots)
        demand = self._store.assignments.demand(self._settings.lanes, self._run, self._wanted)
        return max(demand - sum(slot.is_taken for slot in self._slots), 0)

    def _start_all(self, slots: list[Slot]) -> None:
        if slots:
            with self._store.database.closed() if FORKS else nullcontext():
                for slot in slots:
                    self._start(slot)

    def _start(self, slot: Slot) -> None:
        settings, id = self._settings, new_id("worker")
        self.worker_ids.add(id)
        orders = WorkerSettings(
            self._store.database.path, id, id, self._run, settings.roster, settings.max_attempts, settings.limits,
            settings.cap, settings.place, settings.workers, settings.reserve, settings.keeps_output,
            settings.asks_after,
        )  # fmt: skip
        try:
            slot.start(settings.body, orders)
        except OSError as error:
            shortage = find_shortage(error)
            if shortage is None:
                raise
            self._bear(shortage, slot)
        else:
            self._alone_since = None

    def _bear(self, shortage: Error, slot: Slot) -> None:
        """Go on with fewer workers for a while; where there is none, and none can be had, it is over."""
        now = self._shortage_at = clock.monotonic()
        slot.start_at = now + WITHOUT_ROOM
        if any(other.is_taken for other in self._slots):
            return
        slot.start_at = now + AGAIN
        self._alone_since = self._alone_since or now
        if now >= self._alone_since + PATIENCE:
            self._give_up(shortage, LEAVE)
