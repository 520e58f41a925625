"""What a run waits for before it may begin anything: told its people once, and written down for those who look.

Guarantee: what goes to and fro is not said, nor written, again and again. Used by `supervisor`.
"""

from __future__ import annotations

from ..errors import StoreUnavailable
from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..store.store import Store

SELDOM = 60.0  # seconds between lines
STALE = 10.0  # seconds after which figures are written down anew


class RunHold:
    """What one run waits for."""

    def __init__(self, store: Store, run: str, say: Callable[[str], None]) -> None:
        """run: its supervisor's id. say: tells a person."""
        self._store = store
        self._run = run
        self._say = say
        self._noted = ""  # as it stands in the database
        self._next_line = self._next_note = 0.0

    def show(self, words: str) -> None:
        """Take note of what it waits for now; "": nothing."""
        now = clock.monotonic()
        if words and not self._noted and now >= self._next_line:
            self._next_line = now + SELDOM
            self._say(f"waits for {words}")
        if bool(words) != bool(self._noted) or (words != self._noted and now >= self._next_note):
            self._next_note = now + STALE
            try:
                self._store.supervisors.hold(self._run, words or None)
                self._noted = words
            except StoreUnavailable:
                pass  # who looks sees it a moment later
