"""Attempts seen from outside: named, waited for, stopped.

Whoever waits holds nothing: it may be killed at any moment, and the attempt goes on. What is asked to stop and does
not is killed within a deadline, and what it held is given back. Used by the commands that wait for attempts, end them
or follow them.
"""

from __future__ import annotations

import os
import select
import signal

from ..errors import NotFound, Refused, TaskNotFound
from ..model import ACTIVE, APPROVAL, BACKLOG, CANCELLED, DONE, FAILED, LOST, REVIEW
from ..system import clock, process, process_tree
from ..system.named_tuple import NamedTuple
from . import presence
from .places import Places, is_elsewhere
from .recovery import Recovery

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..model import Task
    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store

LOOK = 0.1  # seconds between looks, where no process's end can be waited for
LONG_LOOK = 1.0  # and where it can
GRACE = 5.0  # seconds more than it should take, until a worker counts as hung
ELSEWHERE = 120.0  # seconds more for what runs elsewhere
FINAL = (REVIEW, DONE, FAILED, CANCELLED, "blocked")  # states of a task of the queue that end the waiting for it


class Target(NamedTuple):
    """What a user named: a task, or by its PID one attempt."""

    name: str
    task: str  # id
    attempt: int | None
    planned: str | None = None  # of a task that comes again: for when its occurrence was planned, when it was named
    is_resting: bool = False  # it had not begun then


class Ended(NamedTuple):
    """How what was named has ended."""

    state: str  # as in AttemptStatus, or REVIEW
    code: int  # to exit with
    status: AttemptStatus | None  # None where it never ran


def find_target(store: Store, name: str) -> Target:
    """Return what a user means by an ID or a PID. Raises NotFound, TaskNotFound."""
    if not (name.isascii() and name.isdigit()):
        return _target(store.get(store.resolve(name)), name)
    try:
        attempt = presence.attempt_of_pid(store, int(name))
    except NotFound as error:
        try:
            return _target(store.get(store.resolve(name)), name)  # an id may begin with figures alone
        except TaskNotFound:
            raise error from None
    return Target(name, attempt.task, attempt.attempt)


def open_targets(store: Store) -> list[Target]:
    """Return the tasks that wait or run now, but for those that have ended and come again."""
    return [_target(task, task.id) for task in store.list([BACKLOG, ACTIVE]) if not task.is_resting]


def _target(task: Task, name: str) -> Target:
    return Target(name, task.id, None, task.planned, task.is_resting)


def find_attempt(store: Store, target: Target) -> AttemptStatus | None:
    """Return the attempt that is meant; None while the task has none."""
    if target.attempt is None:
        return presence.last_attempt(store, target.task)
    return presence.attempt(store, target.attempt)


def find_output(store: Store, target: Target) -> AttemptStatus | None:
    """Return the attempt whose output is meant: behind work that landed when a person approved it, the agent's."""
    found = find_attempt(store, target)
    if found is None or target.attempt is not None or (found.agent, found.state) != (APPROVAL, DONE):
        return found
    others = [one.id for one in store.attempts(target.task) if one.agent != APPROVAL]
    return presence.attempt(store, others[-1]) if others else found


def end_of(store: Store, target: Target) -> Ended | None:
    """Return how it ended, None while it goes on. A task of the queue goes on until no further attempt will come; one
    that comes again, until the occurrence has ended that was next when it was named."""
    attempt = find_attempt(store, target)
    if attempt and (attempt.launched or target.attempt is not None):
        return Ended(attempt.state, attempt.code, attempt) if attempt.is_over else None
    task = store.get(target.task)
    if _has_come_again(task, target):
        return _end_of_occurrence(store, task)
    status = task.status
    if status not in FINAL:
        return None
    if status == DONE:
        return Ended(DONE, 0, attempt)
    state = status if status in (CANCELLED, REVIEW) else FAILED
    return Ended(state, (attempt and attempt.code) or 1, attempt)


def _has_come_again(task: Task, target: Target) -> bool:
    """Whether the occurrence that was meant has ended: the task rests, or another one was planned since."""
    if task.every is None or target.planned is None:
        return False
    return task.planned != target.planned or (task.is_resting and not target.is_resting)


def _end_of_occurrence(store: Store, task: Task) -> Ended:
    """How the last occurrence of a task ended; the next one may run already."""
    over = [one.id for one in store.attempts(task.id) if one.outcome]
    attempt = presence.attempt(store, over[-1]) if over else None
    code = attempt.code if attempt else 0
    return Ended(FAILED if code else DONE, code, attempt)


def wait_for(store: Store, targets: Iterable[Target], timeout: float | None = None) -> dict[Target, Ended]:
    """Wait until all have ended, at most `timeout` seconds; return those that have. Raises StoreLost where the database
    is deleted or replaced meanwhile."""
    deadline = None if timeout is None else clock.monotonic() + timeout
    ended: dict[Target, Ended] = {}
    pending = list(targets)
    while pending:
        for target in list(pending):
            found = end_of(store, target)
            if found:
                ended[target] = found
                pending.remove(target)
        left = LONG_LOOK if deadline is None else deadline - clock.monotonic()
        if left <= 0:
            break
        if pending:
            store.database.check_file()
            sleep_until_one_ends([find_attempt(store, target) for target in pending], left)
    return ended


def sleep_until_one_ends(attempts: Sequence[AttemptStatus | None], seconds: float = LOOK) -> None:
    """Sleep until one of the launched workers ends, or it is time to look again, at most `seconds`."""
    handles = [_open(attempt) for attempt in attempts if attempt and attempt.launched]
    is_complete = len(handles) == len(attempts) and None not in handles
    poll = select.poll()
    for handle in handles:
        if handle is not None:
            poll.register(handle, select.POLLIN)
    poll.poll(min(seconds, LONG_LOOK if is_complete else LOOK) * 1000)
    for handle in handles:
        if handle is not None:
            os.close(handle)


def _open(attempt: AttemptStatus) -> int | None:
    """A descriptor that becomes readable when the attempt's worker ends, where the system has such a thing."""
    worker = process.Identity.parse(attempt.identity)
    if worker is None:
        return None
    try:
        handle = os.pidfd_open(worker.pid)
    except (AttributeError, OSError):
        return None
    if worker.is_alive():
        return handle
    os.close(handle)
    return None


def find_attempt_to_stop(store: Store, name: str) -> AttemptStatus:
    """Return the attempt that a user means by an ID or a PID. Raises NotFound; Refused for a task that never ran."""
    target = find_target(store, name)
    attempt = find_attempt(store, target)
    if attempt is None or (attempt.is_over and _comes_again(store, attempt)):
        raise Refused(f"{target.task} does not run: `txlite cancel {target.task}` takes it out of the queue")
    return attempt


def _comes_again(store: Store, attempt: AttemptStatus) -> bool:
    """Whether a task of the queue waits for another attempt."""
    return bool(attempt.is_last) and not attempt.launched and store.get(attempt.task).status == "backlog"


def stop_attempts(store: Store, attempts: list[AttemptStatus], say: Callable[[str], None]) -> list[AttemptStatus]:
    """End attempts and cancel their tasks; return how they stand then. One that has ended already stays as it is.

    Each worker is asked to, and stops its agent (TERM, later KILL). A worker that does not is killed, and one that
    is dead has its agent's tree ended, as recovery does. say: tells a person who has to wait.
    """
    open_ones = [attempt for attempt in attempts if attempt.ended is None]
    if open_ones:
        deadline = max([clock.monotonic() + _ask(store, attempt) for attempt in open_ones])
        for attempt in open_ones:
            if _comes_again(store, presence.attempt(store, attempt.attempt) or attempt):
                store.cancel(attempt.task)  # its attempt ended by itself in between, and would be followed by another
        end_alone(store, open_ones, say)
        left = [Target(attempt.task, attempt.task, attempt.attempt) for attempt in open_ones]
        wait_for(store, left, deadline - clock.monotonic())
        _kill_workers(store, open_ones)
        wait_for(store, left, GRACE)
        Recovery(store).run()
    return [presence.attempt(store, attempt.attempt) or attempt for attempt in attempts]


def end_alone(store: Store, attempts: Iterable[AttemptStatus], say: Callable[[str], None]) -> None:
    """End those that shall be stopped and go on as jobs though their workers are dead: nobody else does.

    say: tells a person who has to wait."""
    if any(presence.is_alone(store, attempt) for attempt in attempts):
        Recovery(store, places=Places(store, say=say)).run()


def _kill_workers(store: Store, attempts: list[AttemptStatus]) -> None:
    """Kill the workers of those attempts that have not ended though they were asked to."""
    for attempt in attempts:
        now = presence.attempt(store, attempt.attempt)
        worker = now and not now.is_over and _worker_of(now)
        if worker and not is_elsewhere(store, attempt.attempt):  # one of a job has many others
            process.send_signal(worker, signal.SIGKILL)


def _ask(store: Store, attempt: AttemptStatus) -> float:
    """Have its worker stop an attempt; the seconds that it may take for that."""
    if not store.assignments.stop(attempt.attempt):
        return 0.0  # it ended by itself
    worker = _worker_of(attempt)
    if worker:
        process.send_signal(worker, signal.SIGCONT)  # somebody may have stopped it
    elif attempt.state == LOST or presence.is_alone(store, attempt):
        return 0.0
    more = ELSEWHERE if is_elsewhere(store, attempt.attempt) else 0.0
    return store.workers.get(attempt.worker).kill_after + process_tree.KILL_PATIENCE + GRACE + more


def _worker_of(attempt: AttemptStatus) -> process.Process | None:
    """The process of its worker, if it is there."""
    known = process.Identity.parse(attempt.identity)
    return known and known.find()
