"""Waking worker processes: an idle one when something became ready for it, a busy one when its task was decided.

To be done after the commit, so that whoever wakes sees what was written (`system.wakeup` has the protocol). Where it
fails nothing is lost: workers look by themselves every second or so. Used by the parts of the store that change tasks.
"""

from __future__ import annotations

import os
import time

from ..model import parse_lanes
from ..system import wakeup
from . import group_room

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..model import Lane
    from .database import Database

TICK = 100_000_000  # nanoseconds, far more than the steps of a file's time
DIRECTORY = "wake"  # in home
SELECT_ACCEPTS = "SELECT id, CAST(accepts AS TEXT) FROM workers WHERE ended IS NULL AND identity <> ''"


class Waking:
    """The listeners of one home, rung by what they accept."""

    def __init__(self, home: str, database: Database) -> None:
        self.directory = os.path.join(home, DIRECTORY)
        self._database = database
        self._deserted = 0  # when the directory last changed, if nobody was there

    def is_anybody_idle(self) -> bool:
        """Return whether some worker, or a supervisor that could start one, waits to be rung. (Asked after each commit:
        that nothing has changed there shows at a look, which costs a fifth of a listing.)"""
        changed = wakeup.changed(self.directory)
        if changed and changed == self._deserted:
            return False
        is_anybody = bool(wakeup.listeners(self.directory))
        # Within a tick the next change may bear the same time; where times are whole seconds, within one of those.
        is_past = time.time_ns() - changed > TICK and changed % 1_000_000_000
        self._deserted = changed if is_past and not is_anybody else 0
        return is_anybody

    def wake_for(self, lanes: Iterable[Lane]) -> None:
        """Wake one idle worker for each of these lanes in which something may have become ready; where there is none
        for it, the supervisors, which may start one."""
        idle = wakeup.listeners(self.directory) if lanes else []
        if not idle:
            return
        accepting = {id: parse_lanes(accepts) for id, accepts in self._database.execute(SELECT_ACCEPTS) if id in idle}
        for lane in lanes:
            if not any(wakeup.ring(self.directory, name) for name in idle if lane in accepting.get(name, ())):
                for name in idle:
                    if name not in accepting:
                        wakeup.ring(self.directory, name)

    def wake_for_groups(self) -> None:
        """Wake for what can be begun now, where groups may have got room; there may be none."""
        if not self.is_anybody_idle():
            return
        with self._database.reading() as connection:
            lanes = list(group_room.claimable(connection)) if group_room.are_any(connection) else []
        self.wake_for(lanes)

    def tell_worker(self, worker: str) -> None:
        """Have a worker that runs an attempt look at what was decided about it."""
        if not wakeup.ring(self.directory, "." + worker):
            wakeup.ring(self.directory, worker)  # it has others, and room for more

    def tell_supervisor(self, supervisor: str) -> None:
        """Have a supervisor look at how many workers it should have."""
        if not wakeup.ring(self.directory, supervisor):
            wakeup.ring(self.directory, "." + supervisor)  # it has all the workers it wants
