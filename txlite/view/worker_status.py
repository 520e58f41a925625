"""Workers as they are at this moment: idle, busy, stalled, lost; and how persistent ones are told to leave.

Used by `worker list`, `worker status` and `worker stop`.
"""

from __future__ import annotations

import signal

from ..errors import NotFound, Refused
from ..execution import presence
from ..model import parse_lanes
from ..system import process
from ..system.named_tuple import NamedTuple
from ..text import shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..model import WorkerRecord
    from ..store.store import Store

IDLE, BUSY, STALLED, LOST = "idle", "busy", "stalled", "lost"


class WorkerStatus(NamedTuple):
    """A worker, and what it does."""

    id: str
    name: str
    state: str  # stalled: its process was stopped; lost: it is dead
    task: str | None  # id of the one that it holds
    pid: int | None  # None for a name that claims by hand
    host: str
    run: str | None
    capabilities: list[str]
    since: str
    heartbeat: str

    def as_object(self) -> dict[str, object]:
        """With tx's keys, and txlite's own after them."""
        return {
            "id": self.id,
            "name": self.name,
            "hostname": self.host,
            "pid": self.pid,
            "status": self.state,
            "registeredAt": self.since,
            "lastHeartbeatAt": self.heartbeat,
            "currentTaskId": self.task,
            "capabilities": self.capabilities,
            "metadata": {},
            "run": self.run,
        }


def look(store: Store, names: Iterable[str] = ()) -> list[WorkerStatus]:
    """The workers that are here, or those with these ids or names. Raises NotFound for one that is not."""
    found = [_look(store, worker) for worker in store.workers.present()]
    wanted = list(names)
    for name in wanted:
        if not any(name in (one.id, one.name) for one in found):
            raise NotFound(f"no worker {shorten(name, 60)!r}: `txlite worker list` shows those that are here")
    return [one for one in found if not wanted or one.id in wanted or one.name in wanted]


def _look(store: Store, worker: WorkerRecord) -> WorkerStatus:
    claim = store.workers.claim_of(worker.id)
    identity = process.Identity.parse(worker.identity)
    capabilities = sorted({lane.needs for lane in parse_lanes(worker.accepts)} - {""})
    return WorkerStatus(
        worker.id,
        worker.name,
        _state(store, worker, identity, claim is not None),
        claim.task if claim else None,
        identity.pid if identity else None,
        worker.host,
        worker.supervisor,
        capabilities,
        worker.started,
        worker.heartbeat,
    )


def _state(store: Store, worker: WorkerRecord, identity: process.Identity | None, is_busy: bool) -> str:
    if identity and not presence.is_alive(store, worker):
        return LOST
    seen = process.look(identity.pid) if identity and identity.is_here() else None
    if seen and seen.state == "T":
        return STALLED
    return BUSY if is_busy else IDLE


def stop(store: Store, names: Iterable[str], now: bool = False) -> list[WorkerStatus]:
    """Tell persistent workers to leave, all or those named; with `now`, without finishing what they run.

    Raises NotFound; Refused for a worker of a run, of a launch, or one that is a name only.
    """
    wanted = list(names)
    found = look(store, wanted)
    persistent = [one for one in found if one.pid and not one.run and not _is_launched(store, one)]
    if wanted and len(persistent) < len(found):
        other = next(one for one in found if one not in persistent)
        raise Refused(f"{shorten(other.name, 60)} is no persistent worker: {_advice(other)}")
    told = []
    for one in persistent:
        identity = process.Identity.parse(store.workers.get(one.id).identity)
        seen = process.look(identity.pid) if identity and identity.is_alive() else None
        if seen:
            process.send_signal(seen, signal.SIGQUIT if now else signal.SIGTERM)
            process.send_signal(seen, signal.SIGCONT)
            told.append(one)
        elif wanted:
            raise Refused(f"{shorten(one.name, 60)} is {one.state} on {one.host}, and cannot be told from here")
    return told


def _is_launched(store: Store, one: WorkerStatus) -> bool:
    return one.task is not None and store.launches.of(one.task) is not None


def _advice(one: WorkerStatus) -> str:
    if one.pid is None:
        return "it claims by hand; `txlite claim release` ends that"
    return f"stop {one.run} with Ctrl-C, or use `txlite scale`" if one.run else f"`txlite stop {one.task}` ends it"
