"""The supervisor: N workers kept alive, signals, recovery, the end.

One loop. Handlers only note a signal; the loop decides. Workers are `multiprocessing` processes started by spawn:
one behaviour on every platform and Python, and none that misses our death because a forked sibling holds its
pipe open. As child subreaper the supervisor inherits the orphans of a worker that was killed, and clears up
after it before the task goes back. Used by `run`.

    signal               what happens
    first INT/TERM/HUP   no new claims; running attempts finish (`drain` bounds that)
    another, 1 s later   agents are stopped, tasks go back, an interrupted attempt costs nothing
    QUIT                 the same at once, without waiting before KILL
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import select
import signal
from multiprocessing import resource_tracker

from ..errors import Error, Refused
from ..store.workers import new_id
from ..system import clock, process
from ..system import wakeup as wake
from ..system.liveness import Liveness
from ..system.named_tuple import NamedTuple
from . import worker
from .recovery import Recovery

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..agents.agent import Agent
    from ..store.store import Store
    from .guarded_process import Limits

LOOK = 1.0  # seconds between looks at what others did: dead workers, leases, `scale`
TICK = 0.03  # seconds between turns of the loop, at the least, unless a signal or `scale` comes
SECOND_SIGNAL = 1.0  # seconds: signals closer together are one, since whole groups are signalled at once
DEATHS = 12  # a worker that died this often without ending an attempt is not started again
LONGEST_BACKOFF = 10.0  # seconds


class Settings(NamedTuple):
    """How a run is to be supervised."""

    workers: int
    agent: Agent
    max_attempts: int
    limits: Limits
    cap: int  # bytes of output kept for each report
    drain: float | None = None  # seconds that running attempts get after the first signal; None: all they need
    forever: bool = False  # stay when there is nothing left to do
    body: Callable[[worker.Settings, multiprocessing.connection.Connection], None] = worker.main
    policy: object = None  # what its workers must know besides


class Slot:
    """A place for one worker, and the worker in it."""

    def __init__(self) -> None:
        self.id = ""
        self.process: multiprocessing.process.BaseProcess | None = None
        self.control: multiprocessing.connection.Connection | None = None
        self.deaths = 0  # in a row, without an attempt ended in between
        self.start_at = 0.0
        self.is_leaving = False

    def has_died(self, descriptor: int) -> bool:
        """Whether this readable descriptor says that the worker is gone."""
        return self.process is not None and self.process.sentinel == descriptor


class Supervisor:
    """One run. `observe` is called whenever something may have changed, with whether a signal came."""

    def __init__(
        self, store: Store, settings: Settings, observe: Callable[[bool], None] = lambda _: None, name: str = ""
    ) -> None:
        self.id = name or new_id("run")
        self.signals: list[int] = []  # in the order of their coming
        self.worker_ids: set[str] = set()  # all that there ever were
        self._store = store
        self._settings = settings
        self._observe = observe
        self._wanted = settings.workers
        self._slots = [Slot() for _ in range(settings.workers)]
        self._trouble: Error | None = None
        self._stage = b""  # the order that was given to all
        self._first_signal = self._next_look = self._next_tick = 0.0
        self._recovery = Recovery(store)

    @property
    def is_interrupted(self) -> bool:
        return bool(self.signals)

    def leave(self) -> None:
        """Claim nothing more; what runs may finish, and then it is over."""
        self._order(worker.LEAVE)

    def run(self) -> None:
        """Supervise until there is nothing left to do, or a signal ends it.

        Raises Error, with the exit code that tells why, where the workers cannot work.
        """
        self._is_subreaper = process.become_subreaper()
        lock = Liveness(self._store.lock_path(self.id))
        self._listener = wake.Listener(self._store.wake_directory, self.id)
        self._listener.show()
        self._wakeup, wakeup = os.pipe()
        for end in (self._wakeup, wakeup):
            os.set_blocking(end, False)
        earlier = signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        handlers = self._take_signals()
        try:
            self._store.add_supervisor(self.id, self._wanted)
            self._recovery.tidy()
            self._recovery.look()
            self._supervise()
        finally:
            for slot in self._slots:
                if slot.control:
                    slot.control.close()  # whoever still works finishes that, and leaves
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(earlier)
            os.close(self._wakeup)
            os.close(wakeup)
            self._listener.close()
            lock.release()
        self._store.retire_supervisor(self.id)
        if self._trouble:
            raise self._trouble

    def _supervise(self) -> None:
        while True:
            self._heed_signals()
            self._fill_slots()
            if self._stage and not any(slot.process for slot in self._slots) and self._recovery.is_over:
                break
            self._wait()
            self._recovery.step()
            if clock.monotonic() >= self._next_look:
                self._look_around()
            self._observe(self.is_interrupted)

    def _wait(self) -> None:
        """Sleep until somebody has something for us, or something is due; hear what they say."""
        slots = {slot.control.fileno(): slot for slot in self._slots if slot.control}
        slots.update({slot.process.sentinel: slot for slot in self._slots if slot.process})
        urgent = [self._wakeup, self._listener.descriptor]
        pause = self._next_tick - clock.monotonic()
        if pause > 0:  # let what the workers say add up: a thousand short attempts are not a thousand wake-ups
            _poll(urgent, min(pause, self._patience()))
        readable = _poll([*urgent, *slots], self._patience())
        self._next_tick = clock.monotonic() + TICK
        for descriptor in readable:
            if descriptor == self._wakeup:
                os.read(self._wakeup, 4096)
            elif descriptor == self._listener.descriptor:
                self._listener.drain()
                self._next_look = 0.0
            elif slots[descriptor].has_died(descriptor):
                self._bury(slots[descriptor])
            else:
                self._hear(slots[descriptor])

    def _patience(self) -> float:
        now = clock.monotonic()
        due = [self._next_look]
        if not self._stage:
            due += [slot.start_at for slot in self._slots if not slot.process and slot.deaths < DEATHS]
        if self._recovery.patience is not None:
            due.append(now + self._recovery.patience)
        if self._first_signal and self._stage == worker.LEAVE and self._settings.drain is not None:
            due.append(self._first_signal + self._settings.drain)
        return max(min(due) - now, 0.0)

    def _hear(self, slot: Slot) -> None:
        """Take all that a worker has said: one message a turn would let them pile up."""
        while slot.control and slot.control.poll():
            try:
                self._heed(slot, slot.control.recv_bytes())
            except (EOFError, OSError):
                slot.control.close()
                slot.control = None  # its sentinel will tell that it is gone

    def _heed(self, slot: Slot, message: bytes) -> None:
        if message == worker.FINISHED:
            slot.deaths = 0
        elif message == worker.IDLE:
            self._leave_if_idle()
        elif message.startswith(worker.TROUBLE):
            code, _, reason = message[1:].decode().partition(" ")
            self._trouble = Error(reason)
            self._trouble.exit_code = int(code)
            self._order(worker.LEAVE)  # what runs may finish

    def _bury(self, slot: Slot) -> None:
        """A worker is gone: told to, or not."""
        assert slot.process
        slot.process.join()
        self._hear(slot)  # its last words
        if slot.control:
            slot.control.close()
        slot.process.close()
        slot.process = slot.control = None
        if slot.is_leaving:
            slot.is_leaving = False
        else:
            slot.deaths += 1
            slot.start_at = clock.monotonic() + (min(0.1 * 2**slot.deaths, LONGEST_BACKOFF) if slot.deaths > 1 else 0.0)
        self._recovery.look()

    def _fill_slots(self) -> None:
        """Start workers where they are missing, dismiss those that are too many."""
        if self._stage:
            return
        while len(self._slots) < self._wanted:
            self._slots.append(Slot())
        for slot in self._slots[self._wanted :]:
            self._tell(slot, worker.LEAVE)
        self._slots = self._slots[: self._wanted] + [slot for slot in self._slots[self._wanted :] if slot.process]
        for slot in self._slots[: self._wanted]:
            if not slot.process and slot.deaths < DEATHS and clock.monotonic() >= slot.start_at:
                self._start(slot)
        if all(not slot.process and slot.deaths >= DEATHS for slot in self._slots):
            self._trouble = Refused(
                f"each worker died {DEATHS} times in a row without ending an attempt: see the last reports"
            )
            self._order(worker.STOP)

    def _start(self, slot: Slot) -> None:
        context = multiprocessing.get_context("spawn")
        slot.id = new_id("worker")
        self.worker_ids.add(slot.id)
        ours, theirs = context.Pipe()
        settings = worker.Settings(
            self._store.db.path, slot.id, slot.id, self.id, self._settings.agent,
            self._settings.max_attempts, self._settings.limits, self._settings.cap, self._settings.policy,
        )  # fmt: skip
        child = context.Process(target=self._settings.body, args=(settings, theirs), name=slot.id)
        if len(self.worker_ids) == 1:
            resource_tracker.ensure_running()  # starting it unblocks signals, so it goes first
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, worker.SIGNALS)
        try:
            child.start()  # the worker unblocks them when it is ready for them
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        theirs.close()
        slot.process, slot.control = child, ours

    def _take_signals(self) -> dict[int, Callable[..., object] | int | None]:
        """Note the signals that stop us, but those that our caller had ignored (nohup, a shell's `&`)."""
        stopping = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
        if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # else the kernel would swallow the workers' exits
        taken = [number for number in stopping if signal.getsignal(number) is not signal.SIG_IGN]
        return {number: signal.signal(number, lambda noted, _: self.signals.append(noted)) for number in taken}

    def _heed_signals(self) -> None:
        now = clock.monotonic()
        if not self.signals:
            return
        if not self._first_signal:
            self._first_signal = now
            self._seen = len(self.signals)
            self._order(worker.LEAVE)
        if signal.SIGQUIT in self.signals:
            self._order(worker.KILL)
        elif len(self.signals) > self._seen:
            self._seen = len(self.signals)
            if now >= self._first_signal + SECOND_SIGNAL:
                self._order(worker.STOP)
        if self._settings.drain is not None and now >= self._first_signal + self._settings.drain:
            self._order(worker.STOP)

    def _look_around(self) -> None:
        self._next_look = clock.monotonic() + LOOK
        if self._is_subreaper:
            process.reap_adopted({slot.process.pid for slot in self._slots if slot.process and slot.process.pid})
        self._recovery.look()
        self._wanted = self._store.wanted(self.id)
        self._leave_if_idle()

    def _leave_if_idle(self) -> None:
        if self._stage or self._settings.forever or not self._recovery.is_over:
            return
        if self._store.is_idle(self._settings.agent.lanes):
            self._order(worker.LEAVE)

    def _order(self, order: bytes) -> None:
        """Give an order to all, once; a harder one may follow a softer one."""
        ranks = [b"", worker.LEAVE, worker.STOP, worker.KILL]
        if ranks.index(order) <= ranks.index(self._stage):
            return
        self._stage = order
        for slot in self._slots:
            self._tell(slot, order)

    def _tell(self, slot: Slot, order: bytes) -> None:
        if slot.control and not (slot.is_leaving and order == worker.LEAVE):
            slot.is_leaving = True
            try:
                slot.control.send_bytes(order)
            except OSError:
                pass  # it is going already


def _poll(descriptors: list[int], seconds: float) -> list[int]:
    poll = select.poll()
    for descriptor in descriptors:
        if descriptor >= 0:
            poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll(seconds * 1000)]
