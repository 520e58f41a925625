"""RALPH: the loop's own side: when it ends, and why.

The workers claim, run and judge (`trial`); the supervisor keeps them alive; this one watches what becomes of the tasks,
and has everybody leave when a bound is reached. One loop works in a home, unless another is asked for. Used by the
command `ralph`.
"""

from __future__ import annotations

import os
from functools import partial

from ..errors import Error, Refused
from ..execution.supervisor import Supervisor
from ..execution.supervisor_settings import SupervisorSettings
from ..git import command
from ..git.landing import catch_up
from ..git.repository import Repository
from ..home import installation, location
from ..store.workers import new_id
from ..system import clock
from ..system.liveness import Liveness, is_held, read_note
from ..system.named_tuple import NamedTuple
from .agent_choice import usable_lanes
from .agent_turn import COMMANDS
from .loop_worker import work_on_loop
from .workspace import ASIDE
from .worktree_directory import WORKTREES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..store.history import Finished
    from ..store.store import Store
    from .loop_settings import LoopSettings

LOCK = "ralph"  # who holds it is the home's loop
PAGES = "loops"  # below home: the directory of the reports about loops
LOOK = 1.0  # seconds between looks at the bounds, though nothing seems to have happened
OWN_DIRECTORIES = (WORKTREES, ASIDE, PAGES, COMMANDS)


class Bounds(NamedTuple):
    """When a loop ends by itself."""

    max_tasks: int | None = None
    max_seconds: float | None = None
    max_failures: int = 5  # different tasks in a row
    idle_exit: float | None = 0.0  # seconds without anything to do; None: it stays
    max_cost: int | None = None  # millionths of a US dollar


class Loop:
    """One loop. `observe` is called whenever something may have changed, with whether a signal came."""

    def __init__(
        self,
        store: Store,
        settings: SupervisorSettings,
        policy: LoopSettings,
        bounds: Bounds,
        observe: Callable[[bool], object],
        say: Callable[[str], None],
    ) -> None:
        self.id = policy.loop
        self._store = store
        self._bounds = bounds
        self._observe = observe
        self._rules = policy.rules
        self._reason = ""
        self._deadline = clock.monotonic() + bounds.max_seconds if bounds.max_seconds else None
        self._idle_since: float | None = None
        self._next_look = clock.monotonic() + LOOK
        self._settings = settings._replace(
            body=partial(work_on_loop, policy=policy),
            forever=bounds.idle_exit != 0,
            find_lanes=partial(usable_lanes, store, settings.roster, policy.loop),
        )
        self.supervisor = Supervisor(store, self._settings, self._look, self.id, say)

    @property
    def is_interrupted(self) -> bool:
        """Whether a signal came."""
        return self.supervisor.is_interrupted

    def run(self, beside: bool = False) -> str:
        """Work until there is nothing left to do, a bound is reached or a signal ends it; why it ended.

        Raises Refused where another loop works in this home, unless `beside`; Error where it cannot go on.
        """
        lock = None if beside else self._take_place()
        try:
            for directory in OWN_DIRECTORIES:
                location.ignore(self._store.home, directory)
            installation.write_command(os.path.join(self._store.home, COMMANDS, "txlite"))
            names, bounds = ",".join(self._settings.roster.names), self._bounds
            limits = (bounds.max_tasks, bounds.max_failures, bounds.max_cost)
            self._store.loops.begin(self.id, names, *limits, review=self._rules.review)
            reason = "it was interrupted by an error"
            try:
                self.supervisor.run()
                self._catch_up()
                reason = self._why()
            except Error as error:
                reason = str(error)
                raise
            finally:
                self._store.loops.end(self.id, reason)
            return reason
        finally:
            if lock:
                lock.release()

    def _take_place(self) -> Liveness:
        path = self._store.lock_path(LOCK)
        if is_held(path):
            pid = read_note(path).get("pid", "?")
            raise Refused(f"a loop works in {self._store.home} already (process {pid}): stop it, or give --beside")
        lock = Liveness(path)
        lock.write_note({"pid": os.getpid()})
        return lock

    def _catch_up(self) -> None:
        """Bring home what was held back while something was in its way; the summary tells what still is."""
        if self._rules.repository and self._rules.base:
            try:
                catch_up(Repository(self._rules.repository, self._store.home, command.by_itself), self._rules.base)
            except command.GitError:
                pass  # a lock, or a tree that just changed: it stays held back, and the next one tries again

    def _why(self) -> str:
        if self.is_interrupted:
            return "interrupted"
        return self._reason or "nothing was left to do"

    def heed(self, events: Iterable[Finished]) -> None:
        """What became of tasks may have brought it to a bound."""
        if any(event.worker in self.supervisor.worker_ids for event in events):
            self._heed_bounds()

    def _heed_bounds(self) -> None:
        self._next_look = clock.monotonic() + LOOK
        bound = self._store.loops.reached_bound(self.id)
        if bound:
            self._leave(bound)

    def _look(self, is_interrupted: bool) -> None:
        self._observe(is_interrupted)
        now = clock.monotonic()
        if self._deadline is not None and now >= self._deadline:
            self._leave("its time was over")
        if now >= self._next_look:
            self._heed_bounds()  # a person may have ended a task that this loop began
        if self._bounds.idle_exit:
            self._look_whether_idle(now, self._bounds.idle_exit)

    def _look_whether_idle(self, now: float, patience: float) -> None:
        if not self._store.assignments.is_idle(self._settings.lanes):
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif now >= self._idle_since + patience:
            self._leave("nothing was left to do")

    def _leave(self, reason: str) -> None:
        self._reason = self._reason or reason
        self.supervisor.leave()


def new_name() -> str:
    """The id of a loop."""
    return new_id("loop")
