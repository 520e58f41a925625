"""How tasks are decided by somebody's word: done, failed, cancelled, blocked, or back into the queue.

A claim made by hand ends with it. About a task that a worker process runs a verdict is left on the claim, which the
worker carries out (`assignments`). Used by the store's facade, and by `editing`.
"""

from __future__ import annotations

from .. import text
from ..errors import AlreadyClaimed, InvalidMove, Refused
from ..model import CANCELLED, DONE, MOVES, RELEASED, Lane
from ..system import clock
from ..system.named_tuple import NamedTuple
from . import attempts, claim_rows, tasks
from .assignments import SET_VERDICT
from .attempts import Result
from .moves import FREED, move, set_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from ..model import Task
    from .claim_rows import ClaimRow
    from .database import Database
    from .waking import Waking

IS_LAUNCHED = "SELECT 1 FROM launches WHERE task = ?"
SAY_DONE = "UPDATE trials SET said_done = ? WHERE attempt = ?"

VERDICTS = (DONE, "failed", CANCELLED)  # what can be decided while a worker runs the task


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
        status: str,
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
        self.decide(task, "failed", worker, token, note=text.check_text(note, "the reason"))

    def retry(self, task: str) -> None:
        """Put a task back into the queue with all its attempts ahead of it. Raises as `Store.retry`."""
        with self._database.writing() as connection:
            found = tasks.select(connection, task)
            hold = claim_rows.of_task(connection, found.seq)
            if hold:
                raise AlreadyClaimed(f"{task} is running, claimed by {text.shorten(hold.worker, 60)}: cancel it first")
            refuse_launched(connection, found)
            move(connection, found.seq, "backlog", failures=0)
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
            move(connection, found.seq, "backlog", failures=0)
        self._waking.wake_for({Lane(found.kind, found.needs)})
        return found.status


def carry_out(waking: Waking, decision: Decision) -> list[str]:
    """After its commit: tell whom it concerns. The ids of the tasks that it made ready."""
    if decision.told:
        waking.tell_worker(decision.told)
    waking.wake_for({lane for _, lane in decision.freed})
    return [task for task, _ in decision.freed]


def refuse_launched(connection: sqlite3.Connection, task: Task) -> None:
    """Raise Refused for a launched task, which is never of the queue; inside a transaction."""
    if connection.execute(IS_LAUNCHED, (task.seq,)).fetchone():
        raise Refused(f"{task.id} was launched and is not of the queue: `txlite retry {task.id}` launches it again")


def decide(
    connection: sqlite3.Connection,
    task: str,
    status: str,
    worker: str | None = None,
    token: int | None = None,
    force: bool = False,
    note: str = "",
) -> Decision:
    """Give a task the state that somebody says, inside a transaction that writes. Raises as `Store.done`."""
    found = tasks.select(connection, task)
    hold = claim_rows.of_task(connection, found.seq)
    if worker is not None or token is not None:
        hold = claim_rows.own(connection, task, worker, token)
    if hold and hold.held:
        if status not in VERDICTS or (token is None and not force):
            claim_rows.refuse_held(hold)
        return _leave_verdict(connection, hold, status, is_own=token is not None, note=note)
    if found.status != status and status not in MOVES.get(found.status, ()):
        raise InvalidMove(f"{task} is {found.status} and cannot become {status}: retry it first")
    if status == "backlog":
        refuse_launched(connection, found)
    if hold:
        claim_rows.end_by_hand(connection, hold, Result(status if status in VERDICTS else RELEASED, note=note or None))
    elif note:
        attempts.set_note(connection, found.token, note)
    if "blocked" in (status, found.status) and not hold and found.status != status and status != DONE:
        set_status(connection, found.seq, status)
    elif found.status != status:
        move(connection, found.seq, status, failures=found.failures)
    return Decision(_freed_by(connection, found, status), "")


def _leave_verdict(connection: sqlite3.Connection, hold: ClaimRow, status: str, is_own: bool, note: str) -> Decision:
    """What the worker that runs the task carries out: at once, unless its own agent says it. That of a trial decides
    nothing by saying done: its work is judged."""
    if is_own and status == DONE and connection.execute(SAY_DONE, (True, hold.token)).rowcount:
        return Decision([], hold.worker)
    connection.execute(SET_VERDICT, (status, not is_own, hold.token))
    if note:
        attempts.set_note(connection, hold.token, note)
    return Decision([], "" if is_own else hold.worker)


def _freed_by(connection: sqlite3.Connection, before: Task, status: str) -> list[tuple[str, Lane]]:
    """What became ready when a task got this state."""
    if status == "backlog":
        return [(before.id, Lane(before.kind, before.needs))]
    if status != DONE or before.status == DONE:
        return []
    rows = connection.execute(FREED, (before.seq, clock.now()))
    return [(id, Lane(kind, needs)) for id, kind, needs in rows]
