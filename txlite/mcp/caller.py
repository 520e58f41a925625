"""Who asks: an agent inside an attempt, which sees its own task and that task's children, or anybody else.

An attempt's processes carry its mark in their limits, which a client cannot take away from its servers as it does with
the environment; elsewhere than on Linux the environment has to do. Judged anew for each call. Used by the tools.
"""

from __future__ import annotations

import os

from .. import text
from ..errors import InvalidValue, Refused, TaskNotFound, UsageError
from ..execution import presence
from ..home.location import DATABASE
from ..model import ACTIVE, REVIEWER_PART
from ..system.named_tuple import NamedTuple
from ..system.process_tree import MARK, is_in_an_attempt, marked_attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Task
    from ..store.store import Store

SHORTEST = 3  # characters of an id, behind tx-, that can be meant as a beginning


class Caller(NamedTuple):
    """Who asks. `task`, `token`: its own; both None outside of any attempt."""

    task: str | None
    token: int | None

    @property
    def is_inside(self) -> bool:
        """Whether it is the agent of an attempt, or was started by one."""
        return self.task is not None

    def own(self, store: Store) -> Task:
        """Return its own task. Raises Refused where it has none any more."""
        try:
            return store.get(str(self.task))
        except TaskNotFound:
            raise Refused(f"{self.task}, the task of this attempt, is not in home {store.home}") from None

    def children(self, store: Store) -> list[str]:
        """Return the ids of its own task's children."""
        own = self.own(store)
        return store.relations([own])[own.id].children

    def resolve(self, store: Store, name: str) -> str:
        """Return the id that is meant, among those that may be seen. Raises TaskNotFound, UsageError."""
        if not self.is_inside:
            return _resolve(store, name)
        start = name if name.startswith("tx-") else f"tx-{name}"
        ids = [str(self.task), *self.children(store)]
        found = [start] if start in ids else [id for id in ids if id.startswith(start)]
        if not found or len(start) < len("tx-") + SHORTEST:
            shown = text.shorten(name, 40)
            raise TaskNotFound(f"{shown} is not {self.task}, your task, nor a child of it: you see no others")
        if len(found) > 1:
            raise UsageError(f"{text.shorten(name, 40)} is the beginning of several ids: {', '.join(found[:3])}")
        return found[0]

    def check_current(self, store: Store) -> None:
        """Raise Refused where its attempt is over, or its work is with a reviewer: who is late changes nothing, nor who
        judges."""
        if self.is_inside:
            own = self.own(store)
            if own.status != ACTIVE or own.token != self.token:
                raise Refused(f"your attempt of {own.id} is over: nothing was changed; end now")
            if any(usage.part == REVIEWER_PART for usage in store.usages.of(own.token)):
                raise Refused(f"{own.id} is being judged, and who judges changes nothing: give your verdict")


def _resolve(store: Store, name: str) -> str:
    try:
        return store.resolve(name)
    except InvalidValue:  # it would tell the titles of several
        raise UsageError(
            f"{text.shorten(name, 40)} is the beginning of several ids, or none: give a whole one"
        ) from None


def check_home(home: str) -> None:
    """Raise Refused where an attempt would make a home of its own: its client did not tell the server of its home."""
    if not os.path.exists(os.path.join(home, DATABASE)) and is_in_an_attempt():
        raise Refused(
            f"{home} has no queue, and this attempt is of another home: have TXLITE_HOME passed to the server"
        )


def find_caller(store: Store) -> Caller:
    """Return who asks, by the marks on this process. Raises Refused in an attempt of another home."""
    number = marked_attempt(os.getpid(), store.uuid) if os.path.exists(store.database.path) else None
    attempt = None if number is None else presence.attempt(store, number)
    if attempt:
        return Caller(attempt.task, attempt.attempt)
    if is_in_an_attempt():
        raise Refused(f"you are inside an attempt of another home: the queue of {store.home} is not yours")
    task = os.environ.get("TXLITE_TASK")
    token = os.environ.get("TXLITE_TOKEN") or os.environ.get(MARK, "").rpartition(":")[2]
    return Caller(task, int(token) if token.isdigit() else None) if task else Caller(None, None)
