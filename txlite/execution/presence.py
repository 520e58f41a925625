"""Who lives, and what runs: the rows of the store, judged by the locks and the process table of this moment.

A worker lives for as long as it holds its lock; so what it ran is lost as soon as it is dead, whatever was written down
last. What it runs stands in the note in its lock file or, where that runs elsewhere, in one beside its ticket. Used by
workers, recovery and supervisors, and by everything that shows or stops what runs.
"""

from __future__ import annotations

import os

from ..errors import NotFound, Refused
from ..model import LOST, QUEUED, RUNNING
from ..store.supervisors import check_count
from ..store.tasks import SHORTEST
from ..system import clock, process
from ..system.liveness import is_held, read_note
from ..text import shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import WorkerRecord
    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store
    from ..store.supervisors import SupervisorRecord


def is_alive(store: Store, one: WorkerRecord | SupervisorRecord) -> bool:
    """Say whether its process lives: it holds its lock or, where somebody tidied the lock files away, it is there."""
    return is_present(store, one.id, one.identity)


def is_present(store: Store, id: str, identity: str) -> bool:
    """Say the same of a worker or supervisor by its id and its process's identity."""
    known = process.Identity.parse(identity)
    if known and known.is_here():
        return known.is_alive()  # its lock may be held by who recovers it
    return known is not None and is_held(store.lock_path(id))


def is_of_this_host(identity: process.Identity, worker: WorkerRecord) -> bool:
    """Say whether we would see a worker's process if it lived: it would be in our table, or is over with its boot."""
    if identity.boot == clock.boot():
        return identity.namespace == process.pid_namespace()
    return worker.host == clock.host()


def is_silent(store: Store, identity: process.Identity, worker: WorkerRecord) -> bool:
    """Say whether a worker of another host or container counts as dead: it has not renewed what it holds."""
    if identity.boot != clock.boot() and not store.is_on_network:
        return True  # no other host can work here
    claim = store.workers.claim_of(worker.id)
    return claim is None or store.assignments.is_lapsed(claim.token)


def is_alone(store: Store, attempt: AttemptStatus) -> bool:
    """Say whether an attempt goes on as a job though its worker is dead."""
    return not attempt.is_over and not is_present(store, attempt.worker, attempt.identity)


def is_left(store: Store, attempt: AttemptStatus) -> bool:
    """Say whether an attempt is over, and nobody is there to record it."""
    if attempt.state == LOST or not is_alone(store, attempt):
        return attempt.state == LOST
    from .executors import ticket

    return ticket.Ticket(store.home, attempt.attempt).read_exit() is not None


def live_pids(store: Store) -> set[int]:
    """Return the PIDs of the workers that live: no sweep may touch them."""
    known = [process.Identity.parse(worker.identity) for worker in store.workers.present()]
    return {identity.pid for identity in known if identity and identity.is_alive()}


def live_supervisors(store: Store) -> list[SupervisorRecord]:
    """Return the supervisors that live, oldest first."""
    return [one for one in store.supervisors.present() if is_alive(store, one)]


def registered(store: Store) -> set[str]:
    """Return the ids of the workers and supervisors that have not signed off, or that recovery has to look at: what
    lies in home under another name than these was left behind."""
    workers = {worker.id for worker in store.workers.unrecovered()}
    return workers | {supervisor.id for supervisor in store.supervisors.present()}


def begins(id: str, name: str) -> bool:
    """Say whether a name is a run's or worker's id, or its beginning, of three characters at the least, with or without
    the word before it."""
    role, _, rest = id.partition("-")
    start = name[len(role) + 1 :] if name.startswith(f"{role}-") else name
    return len(start) >= SHORTEST and rest.startswith(start)


def scale(store: Store, wanted: int, supervisor: str | None = None) -> SupervisorRecord:
    """Give the run that goes on (`supervisor`, its id, where there are several) this many workers.

    Raises NotFound where none goes on, Refused where several do, InvalidValue.
    """
    check_count(wanted)
    found = [one for one in live_supervisors(store) if supervisor is None or begins(one.id, supervisor)]
    if not found:
        raise NotFound("no such run goes on here: start one with `txlite run`")
    if len(found) > 1:
        names = ", ".join(one.id for one in found)
        raise Refused(f"several runs go on here: name one of {names} with --run")
    store.supervisors.scale(found[0].id, wanted)
    return found[0]._replace(wanted=wanted)


def newest_attempts(
    store: Store, limit: int | None = None, type: str | None = None, with_approvals: bool = True
) -> list[AttemptStatus]:
    """Return the newest attempts, as `attempt_statuses.newest` does, as they are by who lives."""
    return [_judge(store, one) for one in store.attempt_statuses.newest(limit, type, with_approvals)]


def open_attempts(store: Store) -> list[AttemptStatus]:
    """Return the attempts that have not been recorded as ended, newest first."""
    return [_judge(store, one) for one in store.attempt_statuses.open()]


def last_attempt(store: Store, task: str) -> AttemptStatus | None:
    """Return the last attempt of the task with this id; None for one that never ran. Raises TaskNotFound."""
    found = store.attempt_statuses.of_task(task)
    return found and _judge(store, found)


def attempt_of_pid(store: Store, pid: int) -> AttemptStatus:
    """Return the attempt with this PID: of several the one that runs, else the newest. Raises NotFound."""
    for one in open_attempts(store):
        if one.pid == pid:
            return one
    found = store.attempt_statuses.of_pid(pid)
    if not found:
        raise NotFound(f"no attempt had the PID {shorten(str(pid), 40)}: `txlite status --all` lists them")
    return _judge(store, found)


def attempt(store: Store, number: int) -> AttemptStatus | None:
    """Return the attempt with this number."""
    found = store.attempt_statuses.get(number)
    return found and _judge(store, found)


def _judge(store: Store, status: AttemptStatus) -> AttemptStatus:
    """What is recorded, corrected by who lives."""
    if status.ended is not None:
        return status
    seen = _look(store, status)
    if seen.state != LOST:
        return seen
    # Lost, or recorded as ended since the row was read: a worker leaves only after that.
    again = store.attempt_statuses.get(status.attempt)
    if again is None:
        return seen
    return again if again.ended is not None else _look(store, again)


def _look(store: Store, status: AttemptStatus) -> AttemptStatus:
    """What its worker's process and its note say about an attempt that has not ended. A job goes on without one, a step
    is ended with it."""
    note = _note_of(store, status)
    owner = status.identity if status.launched else str(note.get("agent", ""))
    known = process.Identity.parse(owner)
    is_queued = note.get("state") == QUEUED
    is_job = "state" in note and "executor" not in note
    state = QUEUED if is_queued else status.state
    return status._replace(
        state=state if is_job or is_present(store, status.worker, status.identity) else LOST,
        pid=known.pid if known else None,
        report=note.get("report"),
        started=note.get("started", status.started),
        place=note.get("place"),
        reason=(note.get("reason") or None) if is_queued else None,
        silent=note.get("silent") or None,
    )


def _note_of(store: Store, status: AttemptStatus) -> dict:
    note = read_note(store.lock_path(status.worker))
    if note.get("attempt") != status.attempt:
        note = _read_note_of_ticket(store.home, status.attempt)
    return note if note.get("attempt") == status.attempt else {}


def _read_note_of_ticket(home: str, attempt: int) -> dict:
    """What stands with a ticket; where nobody has noted yet that its guard has it, it runs all the same."""
    if not os.path.isdir(os.path.join(home, "tickets")):
        return {}
    from .executors import ticket

    note = ticket.read_note(home, attempt)
    if note.get("state") == QUEUED and ticket.Ticket(home, attempt).is_taken:
        note["state"] = RUNNING
    return note
