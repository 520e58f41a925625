"""What a worker's process has open from before it is registered to after it has signed off.

Guarantee: the lock on its file is held before anybody can read of it in the database, and given back last. Made once in
each worker's process, by `supervised`, `persistent`, `launched`; handed to the worker, its task source and its runner.
"""

from __future__ import annotations

import os
import sys

from ..agents.environment import Environment
from ..model import WorkerRecord, format_lanes
from ..store.store import open_store
from ..system import child, clock, process
from ..system.liveness import Liveness
from ..system.named_tuple import NamedTuple
from ..system.wakeup import Listener
from .allocation import find_own
from .bounds import Reserve
from .executor import PlaceSettings
from .places import make_executor, make_local
from .recovery import Recovery, RecoveryRounds
from .worker_loop import WorkerLoop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..agents.agent import Agent
    from ..agents.roster import Roster
    from ..model import Claim, Lane, Outcome, Task
    from ..system.event_loop import EventLoop
    from .control import Control
    from .executor import Limits
    from .stop_policy import StopPolicy


SELDOM = 60.0  # seconds between lines about what is waited for


class WorkerSettings(NamedTuple):
    """All that a worker must know, as one record that can be pickled."""

    database: str  # path
    id: str
    name: str
    supervisor: str | None  # id
    roster: Roster
    max_attempts: int
    limits: Limits
    cap: int  # bytes of output kept for each report
    place: PlaceSettings = PlaceSettings()  # where its attempts run
    width: int = 1  # attempts at a time, elsewhere
    reserve: Reserve = Reserve()  # what this machine must have left before one more begins
    keeps_output: bool = False  # whole, for who prints it
    asks_after: tuple[Outcome, ...] = ()  # outcomes after which its supervisor is asked whether the run goes on


class WorkerContext:
    """Store, lock, bell, loop and executor of one worker."""

    def __init__(
        self,
        settings: WorkerSettings,
        events: EventLoop,
        policy: StopPolicy,
        control: Control | None = None,
        recovers_every: float | None = None,
    ) -> None:
        """recovers_every: seconds between looks for dead workers; None: others do that. Raises Error."""
        self.settings = settings
        self.policy = policy
        self._control = control
        self._next_word = 0.0
        child.keep_descriptors()
        is_subreaper = process.become_subreaper()
        self.store = open_store(settings.database)
        self.store.database.is_telling = False  # its supervisor tells, and whoever looks
        self.uuid = self.store.uuid
        self._environment = Environment(self.store.home)
        self.lock = Liveness(self.store.lock_path(settings.id))
        self.bell = Listener(self.store.wake_directory, settings.id)
        rounds = RecoveryRounds(Recovery(self.store), recovers_every) if recovers_every is not None else None
        self.loop = WorkerLoop(self.store, settings.id, events, policy, control, rounds)
        self.local = make_local(self.store, is_subreaper, events.signals)
        self.executor = make_executor(self.store, settings.place, self.say, self.local)

    def say(self, words: str) -> None:
        """Tell a person, through the supervisor where there is one."""
        if not (self._control and self._control.tell_line(words)):
            print(f"txlite: {words}", file=sys.stderr, flush=True)

    def hold(self, words: str) -> None:
        """Tell the supervisor for what we wait before anything more may begin, "" for nothing any more; where there is
        none, a person, but not again and again."""
        is_passed_on = self._control and self._control.tell_hold(words)
        if words and not is_passed_on and clock.monotonic() >= self._next_word:
            self._next_word = clock.monotonic() + SELDOM
            self.say(f"waits for {words}")

    def describe(self, lanes: list[Lane]) -> WorkerRecord:
        """Return who we are, for the database; lanes: what we accept."""
        settings, moment, allocation = self.settings, clock.now(), find_own()
        return WorkerRecord(
            settings.id,
            settings.name,
            settings.supervisor,
            format_lanes(lanes),
            clock.host(),
            str(process.identify(os.getpid())),
            settings.limits.kill_after,
            moment,
            moment,
            None,
            str(allocation) if allocation else None,
        )

    def environment_of(self, task: Task, claim: Claim, agent: Agent | None) -> dict[bytes, bytes]:
        """Return the environment of a task's agent or, with None, of another command of its attempt."""
        return self._environment.of(task, claim, self.uuid, agent)

    def abandon(self) -> None:
        """Give bell and lock back, of a worker that could not be registered."""
        self.bell.close()
        self.lock.release()
