"""The page as it is now, made anew when somebody asks for it, and no more often than the machine can bear.

One thread, that which calls `keep`, reads the database and makes the pages; those that answer requests wait for it.
Used by `page_server`.
"""

from __future__ import annotations

import hashlib
import os
import threading

from ..errors import Error, find_shortage
from ..ralph import summary
from ..ralph.page.document import render_served
from ..system import clock
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..store.store import Store

YOUNG = 1.0  # seconds for which a page serves
SHARE = 20.0  # times as long as it took to make one, it serves
PATIENCE = 30.0  # seconds to wait for a page


class KeptPage(NamedTuple):
    """A page that was made."""

    content: bytes
    tag: str  # the same as long as nothing has changed but the time
    reports: dict[int, str]  # attempt -> the path of its report
    error: str  # why there is no page; "" where there is
    until: float  # the monotonic time until which it serves


class PageKeeper:
    """Makes the page. look: opens the home's database, as for a command that reads; it is closed again."""

    def __init__(self, look: Callable[[], Store]) -> None:
        self._look = look
        self._page: KeptPage | None = None
        self._condition = threading.Condition()
        self._is_asked = False

    def ask(self) -> KeptPage | None:
        """Return the page, not older than it may be; None where none came in time. Called by any thread but one."""
        with self._condition:
            if not self._is_young():
                self._is_asked = True
                self._condition.notify_all()
                self._condition.wait_for(self._is_young, PATIENCE)
            return self._page

    def _is_young(self) -> bool:
        return self._page is not None and clock.monotonic() < self._page.until

    def keep(self) -> None:
        """Make a page whenever one is asked for, until an exception ends it."""
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._is_asked)
                self._is_asked = False
            page = self._make()
            with self._condition:
                self._page = page
                self._condition.notify_all()

    def _make(self) -> KeptPage:
        began = clock.monotonic()
        content, tag, reports, error = b"", "", {}, ""
        try:
            with self._look() as store:
                home, found = store.home, summary.look(store)
            page, unchanging = render_served(found, home)
            content = page.encode("utf-8", "backslashreplace")
            tag = f'"{hashlib.sha256(unchanging.encode("utf-8", "backslashreplace")).hexdigest()[:32]}"'
            tries = [one for entry in found.entries for one in entry.tries] if found else []
            reports = {
                one.attempt: os.path.join(home, one.report)
                for one in tries
                if one.report and _is_below_home(one.report)
            }
        except (Error, OSError, MemoryError) as problem:  # as too many files that are open: the next may be made
            error = str(find_shortage(problem) or problem)
        now = clock.monotonic()
        return KeptPage(content, tag, reports, error, now + max(YOUNG, SHARE * (now - began)))


def _is_below_home(report: str) -> bool:
    """Whether a report lies where reports do, whatever the database was made to say."""
    return not os.path.isabs(report) and os.pardir not in report.split(os.sep)
