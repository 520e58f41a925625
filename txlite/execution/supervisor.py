"""The supervisor: N workers kept alive, signals, recovery, the end.

One loop (`event_loop`), one rule for signals (`stop_policy`), `slots` for the workers. As child subreaper the
supervisor inherits the orphans of a worker that was killed, and clears up after it before the task goes back. It ends
when it was told to stop, or nothing is left to do, and no worker and no unfinished recovery is left. Used by `run`, and
by the loop of `ralph`.
"""

from __future__ import annotations

import os
import signal

from ..errors import Error, StoreLost, StoreUnavailable
from ..store.workers import new_id
from ..system import child, clock, process
from ..system.event_loop import EventLoop
from ..system.liveness import Liveness
from ..system.wakeup import Listener
from .control import ASKING, FINISHED, HOLD, IDLE, LINE, NO_ROOM, TROUBLE, read_line, read_trouble
from .places import LOCAL, Places
from .recovery import ADOPTED, ENDED, Recovery
from .run_hold import RunHold
from .slots import Slots
from .stop_policy import LEAVE, NONE, STOP, STOPPING, StopPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..store.store import Store
    from .slot import Slot
    from .supervisor_settings import SupervisorSettings

LOOK = 1.0  # seconds between looks at what others did: dead workers, leases, `scale`
LOOK_AT_ALL = 10.0  # seconds between looks that take nothing for granted
TICK, LONGEST_TICK = 0.001, 0.03  # seconds between turns of the loop for each worker, unless a signal or `scale` comes
GOES_ON = "the same command goes on where this one stopped"


class Supervisor:
    """One run. `observe` is called whenever something may have changed, with whether a signal came; it returns the
    seconds after which it wants to be called again, None: when something has."""

    def __init__(
        self,
        store: Store,
        settings: SupervisorSettings,
        observe: Callable[[bool], float | None] = lambda _: None,
        name: str = "",
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        """say: tells a person what a worker has to say."""
        self._say = say
        self.id = name or new_id("run")
        self._store = store
        self._settings = settings
        self._observe = observe
        self._slots = Slots(store, settings, self.id, self._give_up)
        self._observe_in: float | None = None  # seconds
        self._asking: list[Slot] = []  # whose workers wait for a word
        self._trouble: Error | None = None
        self._events = EventLoop()
        self._policy = StopPolicy(self._events.signals, drain=settings.drain)
        self._seen: int | None = None  # what the store said of its changes at the last look
        self._hold = RunHold(store, self.id, say)
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

    @property
    def worker_ids(self) -> set[str]:
        """Return the ids of all workers that there ever were, a set that grows."""
        return self._slots.worker_ids

    def lacks_room(self) -> bool:
        """Return whether a process could not be started a moment ago, because the system had no room for it."""
        return self._slots.lacks_room

    def hold(self) -> str:
        """Return for what its workers wait before they may begin anything, "" for nothing."""
        return self._slots.hold

    def leave(self, at_once: bool = False) -> None:
        """Claim nothing more; what runs may finish or, at once, is ended, which costs no attempt; then it is over."""
        self._policy.order(STOP if at_once else LEAVE)

    def run(self) -> None:
        """Supervise until there is nothing left to do, or a signal ends it.

        Raises Error, with the exit code that tells why, where the workers cannot work.
        """
        try:
            self._run()
        except StoreLost:
            raise
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{error}; once that is mended, {GOES_ON}") from error

    def _run(self) -> None:
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
            if self._slots.is_dispatching:
                self._recovery.tidy()  # of a worker that was killed before it could
        finally:
            self._slots.let_go()
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
            if not self._policy.is_leaving:
                self._slots.fill()
            self._show(listener)
            if self._policy.is_leaving and self._recovery.is_over and not any(self._slots):
                break
            self._wait(listener)
            is_interrupted = self.is_interrupted  # a signal that comes from now on is for the next turn
            self._policy.judge()
            self._pass_on()  # before anybody is told that we stop: from then on nothing new is begun
            self._recovery.step()
            if clock.monotonic() >= self._next_look:
                self._look_around()
            self._hold.show(self._slots.hold)
            self._observe_in = self._observe(is_interrupted)
            self._answer()

    def _show(self, listener: Listener) -> None:
        """Be rung for tasks that no idle worker takes, for as long as one more could be started."""
        has_room = self._slots.has_room
        if has_room != self._is_shown:
            self._is_shown = has_room
            listener.show() if has_room else listener.hide()
            self._next_look = 0.0 if has_room else self._next_look  # showing forgot earlier rings

    def _wait(self, listener: Listener) -> None:
        """Sleep until somebody has something for us, or something is due; hear what they say."""
        pause = self._next_tick - clock.monotonic()
        if pause > 0:  # let what the workers say add up: a thousand short attempts are not a thousand wake-ups
            self._events.pause(min(pause, self._patience()), [listener.descriptor])
        slots = {slot.descriptor: slot for slot in self._slots}
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
            due += self._slots.due
        if self._recovery.patience is not None:
            due.append(now + self._recovery.patience)
        if self._policy.due is not None:
            due.append(self._policy.due)
        if self._observe_in is not None:
            due.append(now + self._observe_in)
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
            elif message == ASKING:
                self._asking.append(slot)
            elif message == IDLE:
                self._leave_if_idle()
            elif message == NO_ROOM:
                self._slots.relieve(slot)
            elif message.startswith(HOLD):
                slot.hold = read_line(message)
            elif message.startswith(LINE):
                self._say(read_line(message))
            elif message.startswith(TROUBLE):
                self._give_up(read_trouble(message), LEAVE)  # what runs may finish

    def _answer(self) -> None:
        """Let those go on that asked, after what has been decided since."""
        if self._asking:
            self._pass_on()
            for slot in self._asking:
                slot.answer()
            self._asking = []

    def _give_up(self, trouble: Error, stage: int) -> None:
        self._trouble = trouble
        self._policy.order(stage)

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
            self._slots.count_anew()
        self._leave_if_idle()

    def _own(self) -> set[str]:
        """Who need not be asked whether they live: of a worker's death its channel tells."""
        return {self.id, *(slot.worker for slot in self._slots)}

    def _leave_if_idle(self) -> None:
        if self._policy.is_leaving or self._settings.forever or not self._recovery.is_over:
            return
        if self._store.assignments.is_idle(self._settings.lanes):
            self._policy.order(LEAVE)

    def _pass_on(self) -> None:
        """Tell all workers how far stopping has come, once for each stage."""
        if self._policy.stage > self._told:
            self._told = self._policy.stage
            self._slots.tell(self._told)


def _keep_exits() -> None:
    """Where our caller had SIGCHLD ignored, the kernel would swallow the workers' exits."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
