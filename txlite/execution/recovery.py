"""Dead workers, lapsed leases, survivors.

Kill before retry: a dead worker's task goes back to the queue only when the tree of its agent is known to be gone
(`dead_worker`). A worker is dead when the lock on its file is free; who takes that lock clears up after it, alone.
`look` finds what there is to do, `step` does what is due and never blocks, so that a supervisor's loop can go on; `run`
does it all for a command. Used by the supervisor, by workers without one, and by the commands that recover.
"""

from __future__ import annotations

import os
import time

from ..errors import Error, Refused, StoreUnavailable
from ..store.store import open_store
from ..system import clock, liveness, process, wakeup
from . import presence
from .allocation import OVER, UNKNOWN, Allocations
from .dead_worker import DeadWorker
from .places import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ..model import Claim, WorkerRecord
    from ..store.store import Store
    from ..store.supervisors import SupervisorRecord

PATIENCE = 60.0  # seconds to wait for somebody else who recovers
ENDED, ADOPTED, RECORDED = "ended", "adopted", "recorded"  # what becomes of jobs
LOOKING = 1.0  # seconds that who only looks gives to recovery


class Recovery:
    """What to do for the dead of one home. `recovered`: attempts whose tasks went back."""

    def __init__(self, store: Store, jobs: str = RECORDED, places: Places | None = None) -> None:
        """jobs: what becomes of attempts that run elsewhere, and can be gone on with: ENDED, so that they can run here;
        ADOPTED by a dispatcher; or RECORDED, where they have ended. places: where attempts ran."""
        self.recovered = 0
        self._store = store
        self._jobs = jobs
        self._places = places or Places(store)
        self._dead: dict[str, DeadWorker] = {}
        self._allocations = Allocations()
        self._is_contested = False  # somebody else holds the lock of a worker that died
        self._is_unsure = True  # the next look may find something, though nothing has changed
        self._has_leases = False  # there are claims by hand
        self._seen = 0  # what the store said of its changes at the last look
        self._living: list[WorkerRecord | SupervisorRecord] = []  # who lived then, but for who was not asked

    @property
    def is_over(self) -> bool:
        """Whether nothing that was found is unfinished."""
        return not self._dead

    @property
    def _is_waiting(self) -> bool:
        """Whether it depends on others what there is to do."""
        return self._is_contested or self._allocations.is_asking

    @property
    def patience(self) -> float | None:
        """Return the seconds until `step` has something to do; None while there is nothing."""
        due = [max(dead.next_step - clock.monotonic(), 0.0) for dead in self._dead.values()]
        if self._allocations.patience is not None:
            due.append(self._allocations.patience)
        return min(due, default=None)

    def look(self, own: Collection[str] = (), trusts_own: bool = True) -> None:
        """Find workers that died, leases that ran out, and supervisors that are gone.

        own: the caller's id, and those of its workers, of whose death it hears by itself; unless `trusts_own`, they are
        asked all the same."""
        self._seen = self._store.changes()
        self._is_contested = self._is_unsure = False
        self._living = []
        self._allocations.begin()
        for worker in self._store.workers.unrecovered():
            if worker.id not in self._dead and not (trusts_own and worker.id in own):
                self._open_case(worker)
        self._end_leases()
        for supervisor in self._store.supervisors.present():
            if presence.is_alive(self._store, supervisor):
                self._living.append(supervisor)
                continue
            self._store.supervisors.retire(supervisor.id)
            wakeup.remove(self._store.wake_directory, supervisor.id)
            liveness.OrphanedLock(self._store.lock_path(supervisor.id)).remove()
        self._living = [one for one in self._living if one.id not in own]

    def look_again(self, own: Collection[str]) -> None:
        """Look, where there may be something that the last look did not find: idle supervisors look often."""
        is_as_it_was = not self._is_unsure and not self._is_contested and self._store.changes() == self._seen
        if not is_as_it_was or not all(presence.is_alive(self._store, one) for one in self._living):
            self.look(own)
        elif self._has_leases:
            self._end_leases()

    def _end_leases(self) -> None:
        self._has_leases = any(not claim.held for claim in self._store.claims())
        for claim in self._store.expired() if self._has_leases else ():
            try:
                self._store.expire(claim.token)
            except Refused:
                pass  # another was first, or its holder has renewed it

    def tidy(self) -> None:
        """Remove the lock files and FIFOs of processes that died before they were registered, or after they had
        signed off, and what is left beside tickets."""
        left = liveness.find_leftovers(
            os.path.dirname(self._store.lock_path("")), self._store.wake_directory, self._known_names
        )
        for name in left.locks:
            liveness.OrphanedLock(self._store.lock_path(name)).remove()
        for name in left.fifos:
            wakeup.remove(self._store.wake_directory, name)
        self._places.tidy()

    def _known_names(self) -> set[str]:
        return presence.registered(self._store)

    def step(self) -> None:
        """Do what is due, without blocking."""
        self._allocations.advance()
        for dead in list(self._dead.values()):
            if clock.monotonic() >= dead.next_step and dead.advance():
                del self._dead[dead.id]
                self.recovered += dead.recovered

    def run(self) -> int:
        """Look, and do it all, waiting for others that do a part of it; return how many tasks went back."""
        deadline = clock.monotonic() + PATIENCE
        self.tidy()
        self.look()
        while not self.is_over or (self._is_waiting and clock.monotonic() < deadline):
            self.step()
            time.sleep(min(self.patience or 0.02, 0.1))
            self.look()
        return self.recovered

    def begin(self, seconds: float) -> None:
        """Look, and do what can be done within so many seconds; the rest is for whoever recovers next."""
        deadline = clock.monotonic() + seconds
        self.look()
        while not (self.is_over and not self._allocations.is_asking) and clock.monotonic() < deadline:
            self.step()
            time.sleep(min(self.patience or 0.0, 0.02))
            if self._is_unsure:
                self.look()
        for dead in self._dead.values():
            dead.let_go()
        self._dead.clear()

    def _open_case(self, worker: WorkerRecord) -> None:
        """Begin with a worker, if it is dead, we may judge, and nobody else does."""
        identity = process.Identity.parse(worker.identity)
        if identity is None:
            return
        if identity.is_alive():  # its lock may be missing all the same: somebody tidied locks/
            self._living.append(worker)
            return
        if not self._can_see(identity, worker):
            self._is_unsure = True
            return
        lock = liveness.OrphanedLock(self._store.lock_path(worker.id))
        if not lock.is_taken and not lock.is_missing:
            self._is_contested = True  # somebody recovers it just now, or asks whether it lives
            return
        try:
            self._bury(worker, lock)
        except BaseException:
            lock.close()  # else nobody could recover it for as long as we live
            raise

    def _bury(self, worker: WorkerRecord, lock: liveness.OrphanedLock) -> None:
        claims = self._store.workers.claims_of(worker.id)
        ours = [claim for claim in claims if self._is_ours(claim)]
        if not claims and self._store.workers.get(worker.id).ended:
            lock.remove()  # another was first
        elif claims and not ours:
            lock.close()  # for who takes over what runs elsewhere
        else:
            self._dead[worker.id] = DeadWorker(self._store, self._places.of, worker, lock, ours)

    def _is_ours(self, claim: Claim) -> bool:
        """Whether an attempt is ours to end: not one that another can go on with, unless somebody wants it stopped."""
        if self._jobs == ENDED or not self._places.is_adoptable(claim.token):
            return True
        if self._jobs == RECORDED and self._places.has_ended(claim.token):
            return True
        return self._store.assignments.must_stop(claim.token) is not None

    def _can_see(self, identity: process.Identity, worker: WorkerRecord) -> bool:
        """Whether we may judge: its processes would be in our table, or are over with their boot, or with their
        allocation. Otherwise, in another container or on another host, its lease must have run out, too."""
        if presence.is_of_this_host(identity, worker):
            return True
        known = self._allocations.judge(worker.allocation)
        return presence.is_silent(self._store, identity, worker) if known == UNKNOWN else known == OVER


def recover_lost(path: str) -> None:
    """Recover what is lost in the home with this database, for who only looks and does not want to wait: what takes
    longer than a moment, because a tree does not heed TERM, goes on at the next look. Where home cannot be written it
    stays as it is."""
    try:
        with open_store(path) as store:
            Recovery(store).begin(LOOKING)
    except StoreUnavailable:
        pass  # what is lost is shown as lost


class RecoveryRounds:
    """Recovery beside other work: a look for the dead every so many seconds, and steps with what was found."""

    def __init__(self, recovery: Recovery, seconds: float) -> None:
        self._recovery = recovery
        self._seconds = seconds
        self._next_look = 0.0

    @property
    def is_over(self) -> bool:
        """Whether nothing that was found is unfinished."""
        return self._recovery.is_over

    @property
    def patience(self) -> float:
        """Return the seconds until there is something to do, at the most."""
        return self._seconds if self._recovery.patience is None else min(self._recovery.patience, self._seconds)

    def look_every(self, seconds: float) -> None:
        """Look for the dead at once, and then so often."""
        self._seconds, self._next_look = seconds, 0.0

    def go_on(self) -> None:
        """Do what is due. What cannot be done now is left: others recover, too, and our own agent comes first."""
        try:
            if clock.monotonic() >= self._next_look:
                self._next_look = clock.monotonic() + self._seconds
                self._recovery.look()
            self._recovery.step()
        except (Error, OSError):
            pass
