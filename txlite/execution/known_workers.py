"""Workers seen from outside: found by their names, judged, told to leave.

Used by `worker`, and by what shows workers.
"""

from __future__ import annotations

import signal

from ..errors import NotFound, Refused
from ..model import LOST
from ..system import process
from ..text import shorten
from . import presence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model import WorkerRecord
    from ..store.store import Store

IDLE, BUSY, STALLED = "idle", "busy", "stalled"  # what a worker is, if it is not LOST


def find_workers(store: Store, names: Iterable[str] = ()) -> list[WorkerRecord]:
    """Return the workers that are here, or those with these names or ids, or beginnings of ids. Raises NotFound for one
    that is not; Refused where a beginning is that of several."""
    present, wanted = store.workers.present(), list(names)
    found = {one.id for name in wanted for one in _find_named(present, name)}
    return [one for one in present if not wanted or one.id in found]


def _find_named(present: Sequence[WorkerRecord], name: str) -> list[WorkerRecord]:
    found = [one for one in present if name in (one.id, one.name)]
    begun = found or [one for one in present if one.identity and presence.begins(one.id, name)]
    if not begun:
        raise NotFound(f"no worker {shorten(name, 60)!r}: `txlite worker list` shows those that are here")
    if len(begun) > 1 and not found:
        several = ", ".join(f"{one.id} ({shorten(one.name, 30)})" for one in begun[:3])
        raise Refused(f"{shorten(name, 60)!r} is the beginning of several ids: {several}")
    return begun


def worker_state(store: Store, worker: WorkerRecord, is_busy: bool) -> str:
    """Return IDLE or BUSY, STALLED where its process was stopped, LOST where it is dead."""
    identity = process.Identity.parse(worker.identity)
    if identity and not presence.is_alive(store, worker):
        return LOST
    seen = process.look(identity.pid) if identity and identity.is_here() else None
    if seen and seen.state == "T":
        return STALLED
    return BUSY if is_busy else IDLE


def stop_workers(
    store: Store, workers: Iterable[WorkerRecord], are_named: bool, now: bool = False
) -> list[WorkerRecord]:
    """Tell persistent workers to leave; with `now`, without finishing what they run. Return those that were told.

    `are_named`: each of them must be told. Raises Refused then for a worker of a run, of a launch, or one that is a
    name only, or cannot be told from here.
    """
    advice = {worker: _advise(store, worker) for worker in workers}
    for worker, instead in advice.items():
        if are_named and instead:
            raise Refused(f"{shorten(worker.name, 60)} is no persistent worker: {instead}")
    told = []
    for worker in (worker for worker, instead in advice.items() if not instead):
        if _tell_to_leave(store.workers.get(worker.id), now):
            told.append(worker)
        elif are_named:
            state = worker_state(store, worker, store.workers.claim_of(worker.id) is not None)
            raise Refused(f"{shorten(worker.name, 60)} is {state} on {worker.host}, and cannot be told from here")
    return told


def _advise(store: Store, worker: WorkerRecord) -> str | None:
    """What ends a worker that is not persistent, in words; None for one that is."""
    claim = store.workers.claim_of(worker.id)
    if process.Identity.parse(worker.identity) is None:
        return "it claims by hand; `txlite claim release` ends that"
    if worker.supervisor:
        return f"`txlite stop {worker.supervisor}` ends its run, `txlite scale` changes how many it has"
    return f"`txlite stop {claim.task}` ends it" if claim and store.launches.of(claim.task) else None


def _tell_to_leave(worker: WorkerRecord, now: bool) -> bool:
    """Whether it was there to be told."""
    identity = process.Identity.parse(worker.identity)
    seen = identity and identity.find()
    if seen:
        process.send_signal(seen, signal.SIGQUIT if now else signal.SIGTERM)
        process.send_signal(seen, signal.SIGCONT)
    return seen is not None
