"""How tasks are decided by somebody's word: done, failed, cancelled, blocked, or back into the queue.

A claim made by hand ends with it. About a task that a worker process runs a verdict is left on the claim, which the
worker carries out (`assignments`). Used by the store's façade, and by `editing`.
"""

from __future__ import annotations

from .. import text
from ..errors import AlreadyClaimed, InvalidMove
from ..model import BACKLOG, CANCELLED, DONE, FAILED, RELEASED, Lane
from ..system.named_tuple import NamedTuple
from . import attempts, claim_rows, tasks
from .assignments import SET_VERDICT
from .attempts import Result
from .moves import QUIET_MOVES, VERDICTS, freed_by, move, move_quietly, refuse_launched, refuse_move
from .occurrences import come_again

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from ..model import Outcome, Status, Task
    from .claim_rows import ClaimRow
    from .database import Database
    from .waking import Waking

SAY_DONE = "UPDATE trials SET said_done = ? WHERE attempt = ?"


class Decision(NamedTuple):
    """What a decision about a task brought about."""

    freed: list[tuple[str, Lane]]  # the ids of the tasks that became ready, and their lanes
    told: str  # the worker that has to know, or ""


class Completion:
    """Words about the tasks of one database."""

    def __init__(self, database: Database, waking: Waking) -> None:
        self._database = database
        self._waking = waking

    def decide(
        self,
        task: str,
        status: Status,
        worker: str | None = None,
        token: int | None = None,
        force: bool = False,
        note: str = "",
    ) -> list[str]:
        """Give a task the state that somebody says; the ids of the tasks that this made ready. Raises as
        `Store.done`."""
        with self._database.writing() as connection:
            decision = decide(connection, task, status, worker, token, force, note)
        return carry_out(self._waking, decision)

    def fail(self, task: str, note: str, worker: str | None, token: int | None) -> None:
        """Put a task aside as failed, for the reason `note`. Raises as `Store.fail`."""
        self.decide(task, FAILED, worker, token, note=text.check_text(note, "the reason"))

    def retry(self, task: str) -> None:
        """Put a task back into the queue with all its attempts ahead of it. Raises as `Store.retry`."""
        with self._database.writing() as connection:
            found = tasks.select(connection, task)
            hold = claim_rows.of_task(connection, found.seq)
            if hold:
                raise AlreadyClaimed(f"{task} is running, claimed by {text.shorten(hold.worker, 60)}: cancel it first")
            refuse_launched(connection, found)
            move(connection, found.seq, BACKLOG, failures=0)
        self._waking.wake_for({Lane(found.kind, found.needs)})

    def reset(self, task: str) -> str:
        """Put a task back into the queue, whatever its state; the state it was in. Raises as `Store.reset`."""
        with self._database.writing() as connection:
            found = tasks.select(connection, task)
            hold = claim_rows.of_task(connection, found.seq)
            if hold:
                claim_rows.refuse_held(hold)
            refuse_launched(connection, found)
            if hold:
                claim_rows.end_by_hand(connection, hold, Result(RELEASED, note="its task was reset"))
            move(connection, found.seq, BACKLOG, failures=0)
        self._waking.wake_for({Lane(found.kind, found.needs)})
        self._waking.wake_for_groups()
        return found.status


def carry_out(waking: Waking, decision: Decision) -> list[str]:
    """Tell whom a decision concerns, after its commit; the ids of the tasks that it made ready."""
    if decision.told:
        waking.tell_worker(decision.told)
    waking.wake_for({lane for _, lane in decision.freed})
    waking.wake_for_groups()
    return [task for task, _ in decision.freed]


def check_active(connection: sqlite3.Connection, task: Task, token: int | None) -> None:
    """Say nothing where a task is active by the caller's claim: tx's scripts say `active` once more when they have it.

    One made by hand may be the caller's; that of a worker process is its agent's, by `token`. Raises InvalidMove.
    """
    hold = claim_rows.of_task(connection, task.seq)
    if not hold or (token != hold.token if hold.held or token else hold.is_over()):
        raise InvalidMove(f"{task.id} becomes active by being claimed: `txlite claim {task.id} WORKER`")


def decide(
    connection: sqlite3.Connection,
    task: str,
    status: Status,
    worker: str | None = None,
    token: int | None = None,
    force: bool = False,
    note: str = "",
) -> Decision:
    """Give a task the status that somebody says, inside a transaction that writes; with `force` also where a worker
    process runs it. Raises as `Store.done`."""
    found = tasks.select(connection, task)
    hold = claim_rows.of_task(connection, found.seq)
    if worker is not None or token is not None:
        hold = claim_rows.own(connection, task, worker, token)
    if hold and hold.held:
        if status not in VERDICTS or (token is None and not force):
            claim_rows.refuse_held(hold)
        return _leave_verdict(connection, hold, status, is_own=token is not None, note=note)
    refuse_move(found, status)
    if status == BACKLOG:
        refuse_launched(connection, found)
    _end_hold(connection, found, hold, status, note)
    _move(connection, found, hold, status)
    if found.every is not None and status in (DONE, FAILED):
        come_again(connection, found.seq, is_skipped=found.is_resting)
        return Decision([], "")
    return Decision(_freed_by(connection, found, status), "")


def _leave_verdict(connection: sqlite3.Connection, hold: ClaimRow, status: Status, is_own: bool, note: str) -> Decision:
    """What the worker that runs the task carries out: at once, unless its own agent says it. That of a loop decides
    nothing by saying done: its work is judged."""
    if is_own and status == DONE and connection.execute(SAY_DONE, (True, hold.token)).rowcount:
        return Decision([], hold.worker)
    connection.execute(SET_VERDICT, (status, not is_own, hold.token))
    if note:
        attempts.set_note(connection, hold.token, note)
    return Decision([], "" if is_own else hold.worker)


def _end_hold(connection: sqlite3.Connection, task: Task, hold: ClaimRow | None, status: Status, note: str) -> None:
    """End the claim made by hand, if there is one; the reason stays with the last attempt."""
    if hold:
        outcome: Outcome = status if status == DONE or status == FAILED or status == CANCELLED else RELEASED
        claim_rows.end_by_hand(connection, hold, Result(outcome, note=note or None))
    elif note:
        attempts.set_note(connection, task.token, note)


def _move(connection: sqlite3.Connection, task: Task, hold: ClaimRow | None, status: Status) -> None:
    if not hold and (task.status, status) in QUIET_MOVES:
        move_quietly(connection, task.seq, status)
    elif task.status != status:
        move(connection, task.seq, status, failures=task.failures)


def _freed_by(connection: sqlite3.Connection, before: Task, status: Status) -> list[tuple[str, Lane]]:
    """What became ready when a task got this status."""
    if status == BACKLOG:
        return [(before.id, Lane(before.kind, before.needs))]
    return freed_by(connection, before.seq) if status == DONE and before.status != DONE else []
