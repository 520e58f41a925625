"""One dead worker: what it left is ended, its reports completed, its tasks given back.

Guarantee: a task goes back only when what ran for it is known to be gone; what could not be killed is an
outcome of its own. Each step is done in an order that the next one who recovers can go on with, wherever this one is
killed. Made by `recovery` for a worker whose lock it holds.
"""

from __future__ import annotations

import os

from ..agents.agent import SHELL
from ..model import APPROVAL, LOST, UNKILLABLE, WORKERS
from ..reports.header import Header
from ..reports.outputs import remove_output
from ..reports.salvage import salvage
from ..store.attempts import Result
from ..system import clock, process, wakeup
from .ended import parse
from .spending import recall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..model import Claim, Launch, WorkerRecord
    from ..store.store import Store
    from ..system.liveness import OrphanedLock
    from .executor import Executor

AGAIN = 1.0  # seconds until what could not be done is tried again


class DeadWorker:
    """A worker that died, and what it left. `next_step`: monotonic time at which to `advance`."""

    def __init__(
        self,
        store: Store,
        place_of: Callable[[int], Executor],
        worker: WorkerRecord,
        lock: OrphanedLock,
        claims: list[Claim],
    ) -> None:
        """place_of: where an attempt ran; lock: the worker's, and taken; claims: what it held."""
        self.id = worker.id
        self.next_step = 0.0
        self.recovered = 0  # attempts whose tasks went back
        self._store = store
        self._lock = lock
        note = lock.note
        self._left = [LeftAttempt(store, place_of(claim.token), worker, claim, note) for claim in claims]

    def advance(self) -> bool:
        """Do what is due, without blocking; return whether all is done. Raises Error where it cannot be done now."""
        self.next_step = clock.monotonic() + AGAIN  # if one of these cannot be done now
        pauses = []
        for left in self._left[:]:
            pause = left.step()
            if pause is None:
                self._left.remove(left)
                self.recovered += 1
            else:
                pauses.append(pause)
        if self._left:
            self.next_step = clock.monotonic() + min(pauses)
            return False
        self._store.workers.retire(self.id)
        wakeup.remove(self._store.wake_directory, self.id)
        self._lock.remove()
        return True

    def let_go(self) -> None:
        """Leave the rest to others."""
        self._lock.close()


class LeftAttempt:
    """An attempt whose worker died."""

    def __init__(
        self, store: Store, executor: Executor, worker: WorkerRecord, claim: Claim, note: dict[str, Any]
    ) -> None:
        """note: what the worker noted last, of this attempt or of another."""
        self._store = store
        self._executor = executor
        self._worker = worker
        self._claim = claim
        if note.get("attempt") != claim.token:
            note = executor.read_note(claim.token)
        self._note = note if note.get("attempt") == claim.token else {}  # else it noted nothing of this one
        self._ended = parse(self._note)  # then nothing of it was left
        self._ending = None if self._ended else executor.ending(claim.token, self._note, worker.kill_after)

    def step(self) -> float | None:
        """Do what is due; return the seconds until the next step, None once its task was given back."""
        if self._ending and not self._ending.is_over:
            pause = self._ending.step()
            if not self._ending.is_over:
                return pause
        self._give_back()
        self._executor.clear(self._claim.token)
        return None

    def _give_back(self) -> None:
        result, max_attempts = self._ended or (Result(LOST, note="its worker died"), self._note.get("max_attempts", 1))
        if self._ending and self._ending.result:
            result = self._ending.result
        if self._ending and self._ending.survivors:
            names = ", ".join(str(survivor.pid) for survivor in list(self._ending.survivors)[:5])
            result = Result(UNKILLABLE, note=f"its worker died, and process {names} could not be killed")
        self._store.assignments.finish(self._claim.token, self._find_usage(self._salvage(result)), max_attempts)
        if result.outcome == LOST:
            remove_output(self._store.home, self._claim.token)  # half of it; its task is run again

    def _find_usage(self, result: Result) -> Result:
        """The result with what its agent said that it has cost, where nobody wrote that down."""
        claim = self._claim
        agent = str(self._note.get("name") or self._store.attempts(claim.task)[-1].agent)
        if agent in (SHELL, APPROVAL) or self._store.usages.of(claim.token):
            return result
        return result._replace(usages=(recall(self._store.home, claim.token, agent),))

    def _salvage(self, result: Result) -> Result:
        """Complete the report, or write one where its worker died within the attempt's first moment; the result with
        what it adds."""
        claim = self._claim
        launch = self._store.launches.of(claim.task)
        note = self._note if "stamp" in self._note else self._recall(launch)
        identity = process.Identity.parse(self._worker.identity)
        worker = identity.pid if identity else 0
        pid = result.pid or (None if launch else self._executor.noted_pid(note)) or worker
        result = result._replace(pid=pid, place=result.place or note.get("place"))
        task = self._store.get(claim.task)
        name = SHELL if task.command is not None else note.get("name", SHELL)
        heading = Header.of(task, claim.token, name, note["started"], launch, worker)
        heading = heading._replace(subject=note.get("subject", heading.subject))
        directory = os.path.join(self._store.home, note.get("directory", WORKERS))
        try:
            output = self._executor.read_output(claim.token)
            return salvage(directory, note["stamp"], heading, result, pid, output)
        except OSError as error:
            return result.add_reason(f"its report could not be written: {error.strerror}")

    def _recall(self, launch: Launch | None) -> dict[str, Any]:
        """What it would have noted, as the database has it."""
        claim = self._claim
        started, agent = self._store.started(claim), self._store.attempts(claim.task)[-1].agent
        directory = launch.type if launch else WORKERS
        return {"stamp": clock.stamp(started), "started": started, "name": agent, "directory": directory}
