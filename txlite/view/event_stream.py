"""Changes of state as lines, and as they come: each once and in order, from the number of the one that was told last.

It promises that a line says nothing that a power cut could take back (a store that reads syncs before it tells), and
that whoever goes on after the last whole line that he has neither misses a change nor is told one twice. Whoever
follows holds nothing and costs those who write nothing: the database's change counter is looked at five times a second.
Used by `events`.
"""

from __future__ import annotations

import os
import sys

from ..errors import StoreLost, StoreUnavailable
from ..home import location
from ..store.store import Store, open_store
from ..system import clock
from ..text import printable, shorten
from .json_output import begin_lines, format_line
from .tasks import describe
from .terminal import room_for, say_aside, sleep_while_read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..store.history import Event

LOOK = 0.2  # seconds between looks at the change counter
PAGE = 500  # changes that are read at a time
PATIENCE = 60.0  # seconds for which a database that cannot be read is waited for


class EventStream:
    """The changes of one home after the one with the number `since`, told once each, at most `limit` of them.

    since: None for what comes after `follow` has begun. as_json: an object a line, and nothing else.
    """

    def __init__(self, since: int | None, limit: int | None, as_json: bool) -> None:
        self._event = since
        self._left = limit
        self._as_json = as_json
        self._failing_since: float | None = None  # monotonic time since which the database could not be read

    def tell(self, store: Store) -> None:
        """Print what there is by now. Raises NotFound where no change has the number `since` yet."""
        self._event = store.history.check_number(self._event or 0)
        while self._left != 0:
            found = store.history.since(self._event, PAGE if self._left is None else min(PAGE, self._left))
            if not found:
                break
            print_events(found, self._as_json)
            self._event = found[-1].id
            self._left = None if self._left is None else self._left - len(found)

    def follow(self, home: str) -> None:
        """Print what there is, and what comes; where this home has no database yet, it is waited for.

        Returns when `limit` were told. Raises StoreLost where the database is deleted or replaced, StoreUnavailable
        where it cannot be read for a minute, NotFound as `tell`, BrokenPipeError when nobody reads our output any more.
        """
        path = os.path.join(home, location.DATABASE)
        if self._as_json:
            begin_lines()
        if not os.path.lexists(path):
            say_aside(f"there is no {path} yet: waiting for it")
            while not os.path.lexists(path):
                sleep_while_read(LOOK)
            self._event = self._event or 0
        with open_store(path, read_only=True) as store:
            if self._event is None:
                self._event = store.history.last_event()
            seen = None
            while True:
                seen = self._look(store, seen)
                if self._left == 0:
                    return
                sleep_while_read(LOOK)

    def _look(self, store: Store, seen: int | None) -> int | None:
        """Tell what is new, if the database has changed since it was `seen`; how it is seen now."""
        try:
            store.database.check_file()
            changes = store.changes()
            if changes != seen:
                self.tell(store)
            self._failing_since = None
            return changes
        except StoreUnavailable as error:
            self._bear(error)
            return seen

    def _bear(self, error: StoreUnavailable) -> None:
        """Have a database that cannot be read be waited for, for a while. Raises the error when that is over."""
        now = clock.monotonic()
        if isinstance(error, StoreLost) or (self._failing_since is not None and now > self._failing_since + PATIENCE):
            raise error
        if self._failing_since is None:
            self._failing_since = now
            say_aside(f"{error}: trying again for {PATIENCE:g} s")


def print_events(events: Sequence[Event], as_json: bool) -> None:
    """Print a line for each change, at once."""
    if as_json:
        begin_lines()
    sys.stdout.write("".join(format_line(one.to_object()) if as_json else _line(one) for one in events))
    sys.stdout.flush()


def _line(event: Event) -> str:
    change = f"{event.from_status or '(added)'} -> {event.to_status or '(deleted)'}"
    how = describe(event) if event.outcome else ""
    start = f"{event.id:>6}  {event.at}  {event.task}  {change:<19}  "
    if how and how != event.to_status:
        start += f"({printable(how)})  "
    return (start + shorten(event.title or "", room_for(len(start), elsewhere=200))).rstrip() + "\n"
