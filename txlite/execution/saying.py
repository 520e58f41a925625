"""A word for the agents of a task, from outside: left, and passed on at once where one runs that listens.

Guarantee: what is said stays, whatever becomes of the one that runs; who says it learns whether that one was told. Used
by the command `say`.
"""

from __future__ import annotations

import time

from ..errors import Refused
from ..model import CANCELLED, DONE, RUNNING
from ..system import clock
from ..system.named_tuple import NamedTuple
from . import presence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Message
    from ..store.attempt_status import AttemptStatus
    from ..store.store import Store

PATIENCE = 3.0  # seconds for a worker to pass it on: it looks once a second, though nobody rings
LOOK = 0.02  # seconds


class Said(NamedTuple):
    """What became of a word."""

    message: Message
    running: AttemptStatus | None  # the attempt that runs, whether it was told or not


def say(store: Store, id: str, words: str) -> Said:
    """Leave a word for the agents of the task with this id, and return what became of it.

    Raises TaskNotFound, InvalidValue; Refused for a task that no agent will work on. Where it has ended meanwhile, the
    word stays.
    """
    task = store.get(id)
    if task.command is not None:
        raise Refused(f"{id} is a command, which nobody can tell anything: `txlite edit {id}` changes it")
    if task.status in (DONE, CANCELLED):
        raise Refused(f"{id} is {task.status}, and no agent will read it: `txlite reset {id}` has it done again")
    number = store.messages.add(id, words)
    running = _find_running(store, id)
    if running and _listens(store, running):
        store.waking.tell_worker(running.worker)
        _wait(store, id, number)
    message, status = _find(store, id, number), store.get(id).status
    if message.attempt is None and status in (DONE, CANCELLED):
        raise Refused(
            f"{id} is {status} by now, and no agent has read it: `txlite reset {id}` has it done again, and told"
        )
    return Said(message, running)


def _find_running(store: Store, id: str) -> AttemptStatus | None:
    attempt = presence.last_attempt(store, id)
    return attempt if attempt and attempt.state == RUNNING and attempt.agent else None


def _listens(store: Store, attempt: AttemptStatus) -> bool:
    """Whether its agent may: so we wait for its worker."""
    from ..agents.agent import recall_agent

    agent = None if attempt.place else recall_agent(attempt.agent, store.home)
    return bool(agent and (agent.listens() or agent.listens(in_loop=True)))


def _wait(store: Store, id: str, number: int) -> None:
    deadline = clock.monotonic() + PATIENCE
    while _find(store, id, number).attempt is None and clock.monotonic() < deadline:
        time.sleep(LOOK)


def _find(store: Store, id: str, number: int) -> Message:
    return next(one for one in store.messages.of(id) if one.id == number)
