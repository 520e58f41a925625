"""Dead workers, lapsed leases, survivors.

Kill before retry: a dead worker's task goes back to the queue only when the tree of its agent is known to be
gone. A worker is dead when the lock on its file is free; who takes that lock clears up after it, alone. `look`
finds what there is to do, `step` does what is due and never blocks, so that a supervisor's loop can go on; `run`
does it all for a command. Used by `supervisor` and by the commands that recover.
"""

from __future__ import annotations

import os
import time

from ..agents.agent import SHELL
from ..errors import Refused
from ..model import LOST, UNKILLABLE, WORKERS
from ..reports import report
from ..reports.header import Header
from ..store.attempts import Result
from ..system import clock, liveness, process, process_tree, wakeup
from . import presence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Claim, WorkerRecord
    from ..store.store import Store

AGAIN = 1.0  # seconds until what could not be done is tried again
PATIENCE = 60.0  # seconds to wait for somebody else who recovers


class DeadWorker:
    """One dead worker, and the attempt that it left."""

    def __init__(self, store: Store, worker: WorkerRecord, legacy: liveness.OrphanedLock, claim: Claim | None) -> None:
        self.worker = worker
        self.legacy = legacy
        self.claim = claim
        self.note = legacy.note
        self.ending: process_tree.Ending | None = None
        self.next_step = 0.0


class Recovery:
    """What to do for the dead of one home."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cases: dict[str, DeadWorker] = {}
        self._is_contested = False  # somebody else holds the lock of a worker that died
        self.recovered = 0  # attempts whose tasks went back

    @property
    def is_over(self) -> bool:
        """Whether nothing that was found is unfinished."""
        return not self._cases

    @property
    def patience(self) -> float | None:
        """Seconds until `step` has something to do; None while there is nothing."""
        if not self._cases:
            return None
        return max(min(case.next_step for case in self._cases.values()) - clock.monotonic(), 0.0)

    def look(self) -> None:
        """Find workers that died, leases that ran out, and supervisors that are gone."""
        self._is_contested = False
        for worker in self._store.workers.unrecovered():
            if worker.id not in self._cases:
                self._open_case(worker)
        for claim in self._store.expired():
            try:
                self._store.expire(claim.token)
            except Refused:
                pass  # another was first, or its holder has renewed it
        for supervisor in presence.gone_supervisors(self._store):
            self._store.supervisors.retire(supervisor.id)
            wakeup.remove(self._store.wake_directory, supervisor.id)
            liveness.OrphanedLock(self._store.lock_path(supervisor.id)).remove()

    def tidy(self) -> None:
        """Remove the lock files and FIFOs of processes that died before they were registered, or after they had
        signed off."""
        left = liveness.find_leftovers(
            os.path.dirname(self._store.lock_path("")), self._store.wake_directory, self._known_names
        )
        for name in left.locks:
            liveness.OrphanedLock(self._store.lock_path(name)).remove()
        for name in left.fifos:
            wakeup.remove(self._store.wake_directory, name)

    def _known_names(self) -> set[str]:
        return presence.registered(self._store)

    def step(self) -> None:
        """Do what is due."""
        for case in list(self._cases.values()):
            if clock.monotonic() >= case.next_step and self._advance(case):
                del self._cases[case.worker.id]

    def run(self) -> int:
        """Look, and do it all, waiting for others that do a part of it; how many tasks went back."""
        deadline = clock.monotonic() + PATIENCE
        self.tidy()
        self.look()
        while not self.is_over or (self._is_contested and clock.monotonic() < deadline):
            self.step()
            time.sleep(min(self.patience or 0.02, 0.1))
            self.look()
        return self.recovered

    def _open_case(self, worker: WorkerRecord) -> None:
        identity = process.Identity.parse(worker.identity)
        if identity is None or identity.is_alive():
            return  # its lock may be missing all the same: somebody tidied locks/
        if not self._can_see(identity, worker):
            return
        legacy = liveness.OrphanedLock(self._store.lock_path(worker.id))
        if not legacy.is_taken and not legacy.is_missing:
            self._is_contested = True  # somebody recovers it just now, or asks whether it lives
            return
        try:
            self._open(worker, legacy)
        except BaseException:
            legacy.close()  # else nobody could recover it for as long as we live
            raise

    def _open(self, worker: WorkerRecord, legacy: liveness.OrphanedLock) -> None:
        case = DeadWorker(self._store, worker, legacy, self._store.workers.claim_of(worker.id))
        if not case.claim and self._store.workers.get(worker.id).ended:
            legacy.remove()  # another was first
            return
        if case.claim:
            found = process_tree.Tree(
                self._store.uuid, case.claim.token, self._agent_of(case), spared=lambda: presence.live_pids(self._store)
            )
            case.ending = process_tree.Ending(found, worker.kill_after)
        self._cases[worker.id] = case

    def _can_see(self, identity: process.Identity, worker: WorkerRecord) -> bool:
        """Whether we may judge: its processes would be in our table, or are over with their boot. Otherwise, in
        another container or on another host, its lease must have run out, too."""
        if identity.boot == clock.boot() and identity.namespace == process.pid_namespace():
            return True
        if identity.boot != clock.boot() and (worker.host == clock.host() or not self._store.is_on_network):
            return True
        claim = self._store.workers.claim_of(worker.id)
        return claim is None or self._store.assignments.is_lapsed(claim.token)

    def _agent_of(self, case: DeadWorker) -> process.Identity | None:
        known = case.claim and case.note.get("attempt") == case.claim.token
        return process.Identity.parse(case.note.get("agent", "")) if known else None

    def _advance(self, case: DeadWorker) -> bool:
        """Whether the case is closed."""
        if case.ending and not case.ending.is_over:
            case.next_step = clock.monotonic() + case.ending.step()
            if not case.ending.is_over:
                return False
        case.next_step = clock.monotonic() + AGAIN  # if one of these cannot be done now
        if case.claim:
            self._give_back(case, case.claim)
        self._store.workers.retire(case.worker.id)
        wakeup.remove(self._store.wake_directory, case.worker.id)
        case.legacy.remove()
        return True

    def _give_back(self, case: DeadWorker, claim: Claim) -> None:
        result = Result(LOST, note="its worker died")
        if case.ending and case.ending.survivors:
            names = ", ".join(str(survivor.pid) for survivor in case.ending.survivors[:5])
            result = Result(UNKILLABLE, note=f"its worker died, and process {names} could not be killed")
        self._store.assignments.finish(claim.token, self._salvage(case, claim, result), max_attempts=1)
        self.recovered += 1

    def _salvage(self, case: DeadWorker, claim: Claim, result: Result) -> Result:
        note = case.note
        if "stamp" not in note or note.get("attempt") != claim.token:
            return result  # it died before it began a report
        agent = self._agent_of(case)
        worker = int(case.worker.identity.split(" ")[0])
        launch = self._store.launches.of(claim.task)
        pid = agent.pid if agent and not launch else worker
        heading = Header.of(
            self._store.get(claim.task), claim.token, note.get("name", SHELL), note["started"], launch, worker
        )
        directory = os.path.join(self._store.home, note.get("directory", WORKERS))
        try:
            return report.salvage(directory, note["stamp"], heading, result._replace(pid=pid), pid)
        except OSError as error:
            return result._replace(note=f"{result.note}; its report could not be written: {error.strerror}", pid=pid)
