"""What a dead dispatcher left is taken over by one that lives: its jobs go on as if nothing had happened.

A job needs no process here: all that is known of it stands in its claim and with its ticket. Who takes the lock of the
dead one takes over its claims, in one transaction; a claim without a ticket's note, or whose task runs in a loop, is
left to recovery. Used by `dispatcher`.
"""

from __future__ import annotations

from ..system import liveness, process
from . import presence
from .places import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import WorkerRecord
    from ..store.assignments import Assignment
    from ..store.store import Store


class Adoption:
    """The looks of one dispatcher for what others left."""

    def __init__(self, store: Store, worker: str) -> None:
        """worker: its id."""
        self._store = store
        self._worker = worker
        self._places = Places(store)
        self._seen: int | None = None
        self._is_unsure = True

    def look(self) -> list[Assignment]:
        """Return what was taken over just now."""
        changes = self._store.changes()
        if changes == self._seen and not self._is_unsure:
            return []
        self._seen, self._is_unsure = changes, False
        adopted = []
        for worker in self._store.workers.unrecovered():
            if worker.id != self._worker and is_dead(self._store, worker):
                adopted += self._adopt(worker)
        return adopted

    def _adopt(self, worker: WorkerRecord) -> list[Assignment]:
        tokens = [claim.token for claim in self._store.workers.claims_of(worker.id)]
        tokens = [token for token in tokens if self._places.is_adoptable(token)]
        if not tokens:
            return []
        lock = liveness.OrphanedLock(self._store.lock_path(worker.id))
        if not lock.is_taken and not lock.is_missing:
            self._is_unsure = True  # somebody is at it
            return []
        try:
            return self._store.assignments.adopt(tokens, self._worker)
        finally:
            lock.close()


def is_dead(store: Store, worker: WorkerRecord) -> bool:
    """Return whether a worker is dead, as far as that can be told from here."""
    identity = process.Identity.parse(worker.identity)
    if identity is None or identity.is_alive():
        return False
    return presence.is_of_this_host(identity, worker) or presence.is_silent(store, identity, worker)
