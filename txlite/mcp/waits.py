"""Waits: calls that are answered later, while others are served.

Guarantees: each ends by its time at the latest, can be taken back, and costs no thread; there are few at a time. While
there is one, a look at the database's change counter ten times a second, and at who lives each second. Used by
`server`, which has the loop.
"""

from __future__ import annotations

from ..errors import Error, Refused, UsageError
from ..execution.stopping import end_of, find_target
from ..store.store import open_store
from ..system import clock
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..execution.stopping import Ended, Target
    from ..store.store import Store
    from .messages import Id
    from .told import Told
    from .tool_call import ToolCall

SECONDS = 50  # some clients give up after 60
MOST_SECONDS = 3600
MOST_IDS = 50
MOST = 16  # at a time
LOOK = 0.1  # seconds between looks whether anything has changed
LONG_LOOK = 1.0  # and at who lives


class Waiter(NamedTuple):
    """The request that a wait is to answer."""

    id: Id
    is_stateless: bool


class BegunWait(NamedTuple):
    """What is waited for, and until when."""

    targets: list[Target]
    deadline: float  # as `clock.monotonic` has it


def begin_wait(call: ToolCall) -> BegunWait:
    """Return what is to be waited for. Raises TaskNotFound, Refused, UsageError."""
    ids = [call.caller.resolve(call.store, name) for name in call.arguments["ids"]]
    if not ids:
        raise UsageError("ids is empty: name the tasks to wait for")
    if call.caller.task in ids:
        raise Refused(f"{call.caller.task} is your own task: it ends when you do")
    targets = [find_target(call.store, id) for id in dict.fromkeys(ids)]
    return BegunWait(targets, clock.monotonic() + call.get("seconds", SECONDS))


class OpenWaits:
    """The waits of one client."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._open: dict[object, tuple[Waiter, BegunWait]] = {}
        self._store: Store | None = None
        self._changes = -1
        self._next_look = 0.0

    @property
    def pause(self) -> float | None:
        """Seconds until the next look; None where nobody waits."""
        return LOOK if self._open else None

    def has(self, id: Id) -> bool:
        """Whether a request with this id waits."""
        return id in self._open

    def add(self, waiter: Waiter, wait: BegunWait) -> None:
        """Begin one. Raises Refused where there are too many."""
        if len(self._open) >= MOST:
            raise Refused(f"{MOST} waits go on already: cancel one, or wait for several tasks in one call")
        self._open[waiter.id] = waiter, wait
        self._next_look = 0.0

    def drop(self, id: object) -> None:
        """Forget one: nobody wants its answer any more."""
        self._open.pop(id, None)

    def close(self) -> None:
        """Let go of the database."""
        if self._store:
            self._store.close()
            self._store = None

    def look(self) -> Iterator[tuple[Waiter, Told | Error]]:
        """Give the answers of those waits that are over."""
        try:
            found = self._answers() if self._open else []
        except Error as error:
            found = [(waiter, error) for waiter, _ in self._open.values()]
        for waiter, answer in found:
            self.drop(waiter.id)
            yield waiter, answer
        if not self._open:
            self.close()

    def _answers(self) -> list[tuple[Waiter, Told | Error]]:
        if self._store is None:
            self._store = open_store(self._home, read_only=True)
        moment, changes = clock.monotonic(), self._store.changes()
        if changes == self._changes and moment < self._next_look and not self._is_one_late(moment):
            return []
        self._store.database.check_file()
        self._changes, self._next_look = changes, moment + LONG_LOOK
        found: list[tuple[Waiter, Told | Error]] = []
        for waiter, wait in self._open.values():
            try:
                ended = {target: end_of(self._store, target) for target in wait.targets}
            except Error as error:  # one of its tasks was deleted
                found.append((waiter, error))
                continue
            if all(ended.values()) or wait.deadline <= moment:
                found.append((waiter, _tell(self._store, ended)))
        return found

    def _is_one_late(self, moment: float) -> bool:
        return any(wait.deadline <= moment for _, wait in self._open.values())


def _tell(store: Store, ended: dict[Target, Ended | None]) -> Told:
    over = [{"id": target.task, "state": one.state, "exit": one.code} for target, one in ended.items() if one]
    left = [{"id": one.task, "state": store.get(one.task).state} for one, end in ended.items() if not end]
    return {"ended": over, **({"goOn": left} if left else {})}
