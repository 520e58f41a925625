"""The supervisor: N workers kept alive, signals, recovery, the end.

One loop (`event_loop`), one rule for signals (`stop_policy`), a `slot` for each worker. As child subreaper the
supervisor inherits the orphans of a worker that was killed, and clears up after it before the task goes back. It ends
when it was told to stop, or nothing is left to do, and no worker and no unfinished recovery is left. Used by `run`, and
by the loop of `ralph`.
"""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext

from ..errors import Error, Refused, find_shortage
from ..store.workers import new_id
from ..system import child, clock, process
from ..system.event_loop import EventLoop
from ..system.liveness import Liveness
from ..system.named_tuple import NamedTuple
from ..system.wakeup import Listener
from .control import FINISHED, IDLE, LINE, NO_ROOM, TROUBLE, read_line, read_trouble
from .executor import PlaceSettings
from .places import LOCAL, Places
from .recovery import ADOPTED, ENDED, Recovery
from .slot import DEATHS, Slot
from .stop_policy import LEAVE, NONE, STOP, STOPPING, StopPolicy
from .supervised import work_on_queue
from .worker_context import WorkerSettings
from .worker_process import FORKS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..agents.agent import Agent
    from ..store.store import Store
    from .executor import Limits
    from .worker_process import Body

WITHOUT_ROOM = 10.0  # seconds until a worker is started again where the system had no room for it
MOMENT = 2.0  # seconds for which it counts as having none
AGAIN, PATIENCE = 0.2, 1.5  # seconds between tries to have one worker at least, and until that is given up
LOOK = 1.0  # seconds between looks at what others did: dead workers, leases, `scale`
LOOK_AT_ALL = 10.0  # seconds between looks that take nothing for granted
TICK, LONGEST_TICK = 0.001, 0.03  # seconds between turns of the loop for each worker, unless a signal or `scale` comes


class SupervisorSettings(NamedTuple):
    """How a run is to be supervised."""

    workers: int
    agent: Agent
    max_attempts: int
    limits: Limits
    cap: int  # bytes of output kept for each report
    drain: float | None = None  # seconds that running attempts get after the first signal; None: all they need
    forever: bool = False  # stay when there is nothing left to do
    place: PlaceSettings = PlaceSettings()  # where attempts run; elsewhere one worker process has many of them
    body: Body = work_on_queue  # of a worker's process; it can be pickled


class Supervisor:
    """One run. `observe` is called whenever something may have changed, with whether a signal came."""

    def __init__(
        self,
        store: Store,
        settings: SupervisorSettings,
        observe: Callable[[bool], None] = lambda _: None,
        name: str = "",
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        """say: tells a person what a worker has to say."""
        self._say = say
        self._is_dispatching = settings.place.executor != LOCAL and settings.body is work_on_queue
        self.id = name or new_id("run")
        self.worker_ids: set[str] = set()  # all that there ever were
        self._store = store
        self._settings = settings
        self._observe = observe
        self._wanted = 1 if self._is_dispatching else settings.workers
        self._slots = [Slot() for _ in range(self._wanted)]
        self._trouble: Error | None = None
        self._events = EventLoop()
        self._policy = StopPolicy(self._events.signals, drain=settings.drain)
        self._shortage_at: float | None = None  # monotonic time at which a process could not be started
        self._alone_since: float | None = None  # monotonic time at which not even one worker could be started
        self._seen: int | None = None  # what the store said of its changes at the last look
        self._told = NONE  # the stage that all workers were told to come to
        self._is_subreaper = False
        self._is_shown = False  # to who looks for somebody to be rung for a task
        self._next_look = self._next_look_at_all = self._next_tick = 0.0
        jobs = ENDED if settings.place.executor == LOCAL else ADOPTED
        self._recovery = Recovery(store, jobs, Places(store, settings.place, say))

    @property
    def is_interrupted(self) -> bool:
        """Whether a signal came."""
        return bool(self._events.signals)

    def lacks_room(self) -> bool:
        """Return whether a process could not be started a moment ago, because the system had no room for it."""
        return self._shortage_at is not None and clock.monotonic() < self._shortage_at + MOMENT

    def leave(self) -> None:
        """Claim nothing more; what runs may finish, and then it is over."""
        self._policy.order(LEAVE)

    def run(self) -> None:
        """Supervise until there is nothing left to do, or a signal ends it.

        Raises Error, with the exit code that tells why, where the workers cannot work.
        """
        self._is_subreaper = process.become_subreaper()
        lock = Liveness(self._store.lock_path(self.id))
        listener = Listener(self._store.wake_directory, self.id)
        _keep_exits()
        # But those that our caller had ignored: nohup, a shell's `&`.
        self._events.open(number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN)
        try:
            self._store.supervisors.register(self.id, str(process.identify(os.getpid())), self._settings.workers)
            self._recovery.tidy()
            self._recovery.look()
            self._next_look_at_all = clock.monotonic() + LOOK_AT_ALL
            self._supervise(listener)
            if self._is_dispatching:
                self._recovery.tidy()  # of a worker that was killed before it could
        finally:
            for slot in self._slots:
                slot.let_go()
            self._events.close()
            listener.close()
            lock.release()
        self._store.supervisors.retire(self.id)
        if self._trouble:
            raise self._trouble

    def _supervise(self, listener: Listener) -> None:
        while True:
            self._policy.judge()
            self._pass_on()
            self._fill_slots()
            self._show(listener)
            if self._policy.is_leaving and self._recovery.is_over and not any(slot.is_taken for slot in self._slots):
                break
            self._wait(listener)
            self._policy.judge()
            self._pass_on()  # before anybody is told that we stop: from then on nothing new is begun
            self._recovery.step()
            if clock.monotonic() >= self._next_look:
                self._look_around()
            self._observe(self.is_interrupted)

    def _show(self, listener: Listener) -> None:
        """Be rung for tasks that no idle worker takes, for as long as one more could be started."""
        has_room = any(not slot.is_taken and not slot.is_hopeless for slot in self._slots)
        if has_room != self._is_shown:
            self._is_shown = has_room
            listener.show() if has_room else listener.hide()
            self._next_look = 0.0 if has_room else self._next_look  # showing forgot earlier rings

    def _wait(self, listener: Listener) -> None:
        """Sleep until somebody has something for us, or something is due; hear what they say."""
        pause = self._next_tick - clock.monotonic()
        if pause > 0:  # let what the workers say add up: a thousand short attempts are not a thousand wake-ups
            self._events.pause(min(pause, self._patience()), [listener.descriptor])
        slots = {slot.descriptor: slot for slot in self._slots if slot.is_taken}
        readable = self._events.wait(self._patience(), [listener.descriptor, *slots])
        if readable:
            self._next_tick = clock.monotonic() + min(TICK * len(slots), LONGEST_TICK)
        for descriptor in readable:
            if descriptor == listener.descriptor:
                listener.drain()
                self._next_look = 0.0
            else:
                self._hear(slots[descriptor])

    def _patience(self) -> float:
        """Seconds until something is due."""
        now = clock.monotonic()
        due = [self._next_look]
        if not self._policy.is_leaving:
            waiting = [slot.start_at for slot in self._slots if not slot.is_taken and not slot.is_hopeless]
            due += [start_at for start_at in waiting if start_at > now]
        if self._recovery.patience is not None:
            due.append(now + self._recovery.patience)
        if self._policy.due is not None:
            due.append(self._policy.due)
        return max(min(due) - now, 0.0)

    def _hear(self, slot: Slot) -> None:
        try:
            said = slot.hear()
        except EOFError:
            if not slot.bury():
                self._recovery.look(self._own())
            return
        for message in said:
            if message == FINISHED:
                slot.deaths = 0
            elif message == IDLE:
                self._leave_if_idle()
            elif message == NO_ROOM:
                self._shortage_at = clock.monotonic()
                self._relieve(slot)
            elif message.startswith(LINE):
                self._say(read_line(message))
            elif message.startswith(TROUBLE):
                self._trouble = read_trouble(message)
                self._policy.order(LEAVE)  # what runs may finish

    def _relieve(self, slot: Slot) -> None:
        """Have a worker that cannot start anything leave its place to those that can; the last one waits."""
        if sum(other.is_working for other in self._slots) > 1:
            slot.start_at = clock.monotonic() + WITHOUT_ROOM
            slot.tell(LEAVE)

    def _fill_slots(self) -> None:
        """Start workers where they are missing, dismiss those that are too many."""
        if self._policy.is_leaving:
            return
        while len(self._slots) < self._wanted:
            self._slots.append(Slot())
        for slot in self._slots[self._wanted :]:
            slot.tell(LEAVE)
        self._slots = self._slots[: self._wanted] + [slot for slot in self._slots[self._wanted :] if slot.is_taken]
        due = [slot for slot in self._slots[: self._wanted] if slot.is_due]
        self._start_all(due[: self._count_missing()] if due else [])
        if all(slot.is_hopeless for slot in self._slots):
            self._trouble = Refused(
                f"each worker died {DEATHS} times in a row without ending an attempt: see the last reports"
            )
            self._policy.order(STOP)

    def _count_missing(self) -> int:
        """How many workers there is work for, and are not there; one that stays for what may come has them all."""
        if self._settings.forever:
            return self._wanted
        if self._is_dispatching:  # for what others may have left, too
            return self._wanted - sum(slot.is_taken for slot in self._slots)
        demand = self._store.assignments.demand(self._settings.agent.lanes, self.id, self._wanted)
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
            self._store.database.path, id, id, self.id, settings.agent, settings.max_attempts, settings.limits,
            settings.cap, settings.place, settings.workers,
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
            self._trouble = shortage
            self._policy.order(LEAVE)

    def _look_around(self) -> None:
        now = clock.monotonic()
        self._next_look = now + LOOK
        if self._is_subreaper:
            process.reap_adopted(child.uncollected().union(slot.pid for slot in self._slots if slot.pid))
        if now >= self._next_look_at_all:
            self._next_look_at_all = now + LOOK_AT_ALL
            self._recovery.look(self._own(), trusts_own=False)
        else:
            self._recovery.look_again(self._own())
        changes = self._store.changes()
        if changes != self._seen:
            self._seen = changes
            self._wanted = 1 if self._is_dispatching else self._store.supervisors.wanted(self.id)
        self._leave_if_idle()

    def _own(self) -> set[str]:
        """Who need not be asked whether they live: of a worker's death its channel tells."""
        return {self.id, *(slot.worker for slot in self._slots if slot.is_taken)}

    def _leave_if_idle(self) -> None:
        if self._policy.is_leaving or self._settings.forever or not self._recovery.is_over:
            return
        if self._store.assignments.is_idle(self._settings.agent.lanes):
            self._policy.order(LEAVE)

    def _pass_on(self) -> None:
        """Tell all workers how far stopping has come, once for each stage."""
        if self._policy.stage > self._told:
            self._told = self._policy.stage
            for slot in self._slots:
                slot.tell(self._told)


def _keep_exits() -> None:
    """Where our caller had SIGCHLD ignored, the kernel would swallow the workers' exits."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
