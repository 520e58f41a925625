"""How a home is looked at again and again, at no more than its share of a core.

Nothing that takes long at many tasks is done twice without need: whether anything has changed is one look at a number;
counts are taken once, and then kept by what the history tells; what walks an index waits a hundred times as long as it
took, or longer. What each attempt uses and wrote last is read for those alone that stand on the screen.
"""

from __future__ import annotations

import os
import time
from collections import deque

from ... import text
from ...execution import presence
from ...execution.waiting import look_at_waiting
from ...model import DONE, FAILED, LOST, QUEUED
from ...system import clock
from ...system.process import Identity
from ...system.tree_usage import UsageMeter
from ..attempt_row import describe_place
from ..running import describe_last
from ..tasks import describe
from ..waiting import describe as describe_waiting
from ..waiting import describe_pause, describe_refusal
from .snapshot import FailedRow, GroupRow, RunningRow, RunRow, Snapshot, WaitingCause, WaitingRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ...execution.waiting import Waiting
    from ...model import Group
    from ...store.attempt_status import AttemptStatus
    from ...store.recent import Failure
    from ...store.store import Store

FIRST = 100  # tasks of each cause that can be looked at
FAILURES = 200  # that are shown
GROUPS = 30  # of which something is shown
SLICE = 50_000  # events of the history that are looked through at once
MINUTE = 60.0  # seconds, over which a rate is measured
SHARE = 300  # times as long as it took, until what takes long is done again
WARMING = 0.05  # seconds of the first time, which go into modules and not into tasks
OFTEN = 0.9  # seconds, at the least; and
SELDOM = 10.0  # more, where nothing has changed: what was for later may be ready now


class Pace:
    """When something that takes a while may be done again. `used`: CPU seconds that it has taken so far."""

    def __init__(self) -> None:
        self.used = 0.0
        self._next = 0.0
        self._warming = WARMING

    def is_due(self, has_changed: bool) -> bool:
        """Whether it may; where nothing has changed but the time of day, seldom."""
        return clock.monotonic() >= self._next + (0.0 if has_changed else SELDOM)

    def measure(self, work: Callable[[], None]) -> None:
        """Do it, and let it rest."""
        began, used = clock.monotonic(), time.process_time()
        work()
        now = clock.monotonic()
        self.used += time.process_time() - used
        self._next = now + max(OFTEN, SHARE * (now - began - self._warming))
        self._warming = 0.0


class TaskCounts:
    """How many tasks there are in each status, and how fast they end."""

    def __init__(self, store: Store) -> None:
        self.by_status: dict[str, int] | None = None
        self.event = 0  # up to which they are counted
        self.lost_failures = False  # some that had failed have not, any more
        self._store = store
        self._ends: deque[tuple[float, int]] = deque()  # when looked, tasks that had ended

    def count(self) -> None:
        """Count all of them, which takes a while at very many."""
        self.event, self.by_status = self._store.recent.count()
        since, now = clock.now(-MINUTE), clock.monotonic()
        ended, first = self._store.recent.ended_since(since, max(self.event - SLICE, 0))
        total = self._ended()
        if ended and first:
            self._ends.append((now - max(time.time() - clock.to_seconds(first), 1.0), total - ended))
        self._ends.append((now, total))

    def follow(self) -> None:
        """Take what has changed since, by the history."""
        if self.by_status is None:
            return
        self.event, moves = self._store.recent.moves(self.event)
        for (before, after), size in moves.items():
            for status, change in ((before, -size), (after, size)):
                if status is not None:
                    self.by_status[status] = self.by_status.get(status, 0) + change
            self.lost_failures |= before == FAILED

    def rate(self) -> float:
        """Return how many end in a second."""
        now = clock.monotonic()
        self._ends.append((now, self._ended()))
        while len(self._ends) > 2 and self._ends[1][0] <= now - MINUTE:
            self._ends.popleft()
        began, ended = self._ends[0]
        return max(self._ends[-1][1] - ended, 0) / max(now - began, 1.0)

    def _ended(self) -> int:
        counts = self.by_status or {}
        return counts.get(DONE, 0) + counts.get(FAILED, 0)


class Failures:
    """The tasks that failed last, found from the end of the history on."""

    def __init__(self, store: Store) -> None:
        self.found: list[Failure] = []
        self._store = store
        self._newest = store.history.last_event()
        self._oldest = self._newest  # how far back the history was looked through

    def look_back(self) -> None:
        """Look through a part of the history that was not."""
        if self._oldest > 0 and len(self.found) < FAILURES:
            until, self._oldest = self._oldest, max(self._oldest - SLICE, 0)
            self._add(self._store.recent.failures(self._oldest, until, FAILURES - len(self.found)))

    def follow(self, event: int, check: bool) -> None:
        """Take what failed until this event; check: whether those that are known have failed still."""
        if event > self._newest:
            self._add(self._store.recent.failures(self._newest, event, FAILURES))
            self._newest = event
        if check:
            known = self._store.recent.still_failed([one.task for one in self.found])
            self.found = [one for one in self.found if one.task in known]

    def _add(self, more: list[Failure]) -> None:
        newest: dict[str, Failure] = {}
        for one in sorted([*self.found, *more], key=lambda one: -one.event):
            newest.setdefault(one.task, one)
        self.found = list(newest.values())[:FAILURES]


class Gatherer:
    """Looks at one home, again and again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._name = _shorten_home(store.home)
        self._counts = TaskCounts(store)
        self._failures = Failures(store)
        self._meter = UsageMeter()
        self._waiting: tuple[WaitingCause, ...] = ()
        self._groups: tuple[GroupRow, ...] = ()
        self._waiting_pace = Pace()
        self._counts_pace = Pace()
        self._seen: int | None = None  # what the store said of its changes
        self._waiting_seen: int | None = None

    def begin(self, most: int) -> Snapshot:
        """Return what can be known at once, at any number of tasks; most: attempts of which all is read."""
        self._failures.look_back()
        return self._take(None, most)

    def look(self, shown: Collection[int]) -> Snapshot:
        """Return how it is now; shown: the attempts that stand on the screen."""
        changes = self._store.changes()
        if self._counts.by_status is None:
            self._counts_pace.measure(self._counts.count)
        elif changes != self._seen:
            self._counts.follow()
        self._failures.follow(self._counts.event, self._counts.lost_failures)
        self._failures.look_back()
        self._counts.lost_failures = False
        self._seen = changes
        if self._waiting_pace.is_due(changes != self._waiting_seen):
            self._waiting_seen = changes
            self._waiting_pace.measure(self._look_at_waiting)
        return self._take(shown, 0)

    @property
    def rare(self) -> float:
        """CPU seconds that went into what is done seldom, so far."""
        return self._waiting_pace.used + self._counts_pace.used

    def _take(self, shown: Collection[int] | None, most: int) -> Snapshot:
        now = time.time()
        workers = {one.id: one.supervisor for one in self._store.workers.present()}
        found = _in_order(presence.open_attempts(self._store), now)
        running = []
        for place, (age, one) in enumerate(found):
            row = RunningRow(one.attempt, one.task, one.title, one.state, age, workers.get(one.worker),
                             describe_place(one))  # fmt: skip
            running.append(self._detail(row, one) if (place < most if shown is None else one.attempt in shown) else row)
        self._meter.end_round()
        counts = self._counts.by_status
        return Snapshot(
            self._name,
            now,
            None if counts is None else dict(counts),
            0.0 if counts is None else self._counts.rate(),
            self._find_pause(),
            self._find_runs(running, now),
            tuple(running),
            self._waiting,
            tuple(_failed_row(one) for one in self._failures.found),
            self._groups,
        )

    def _detail(self, row: RunningRow, one: AttemptStatus) -> RunningRow:
        if one.state in (QUEUED, LOST):
            return row
        worker = Identity.parse(one.identity)
        usage = self._meter.measure(worker.pid) if worker and worker.is_here() and not one.place else None
        return row._replace(line=describe_last(self._store.home, one), usage=usage)

    def _find_runs(self, running: list[RunningRow], now: float) -> tuple[RunRow, ...]:
        return tuple(
            RunRow(
                one.id,
                one.wanted,
                sum(row.run == one.id for row in running),
                _age(one.started, now),
                text.printable(one.hold or ""),
            )
            for one in presence.live_supervisors(self._store)
        )

    def _find_pause(self) -> str:
        since = self._store.paused()
        if since:
            return describe_pause(since)
        return "; ".join(describe_refusal(*limit) for limit in self._store.loops.limits())

    def _look_at_waiting(self) -> None:
        self._waiting = tuple(map(_cause, look_at_waiting(self._store, limit=FIRST)))
        groups = sorted(self._store.groups.all(), key=lambda one: (not one.hold, -one.running, one.name))
        self._groups = tuple(map(_group_row, groups[:GROUPS]))


def _cause(one: Waiting) -> WaitingCause:
    first = tuple(WaitingRow(task.id, task.title, task.score, _seconds(task.not_before)) for task in one.first)
    return WaitingCause(describe_waiting(one), one.state, one.size, one.is_left, first)


def _group_row(one: Group) -> GroupRow:
    limit = "" if one.limit is None else f" of {one.limit}"
    words = text.printable(f"{one.name} {one.running}{limit}" + (", paused" if one.paused else ""))
    return GroupRow(words, bool(one.hold))


def _failed_row(one: Failure) -> FailedRow:
    why = describe(one) if one.outcome else "put aside by hand"
    return FailedRow(one.task, one.title, text.printable(why), _seconds(one.at) or 0.0)


def _in_order(found: list[AttemptStatus], now: float) -> list[tuple[float, AttemptStatus]]:
    """With their ages, those that began first before others, and those that run before those that are queued."""
    aged = [(_age(one.started, now), one) for one in found]
    return sorted(aged, key=lambda pair: (pair[1].state == QUEUED, -pair[0], pair[1].attempt))


def _age(moment: str, now: float) -> float:
    return max(now - (_seconds(moment) or now), 0.0)


def _seconds(moment: str | None) -> float | None:
    try:
        return clock.to_seconds(moment) if moment else None
    except ValueError:
        return None  # edited by hand


def _shorten_home(home: str) -> str:
    """A home as a person knows it."""
    own = os.path.expanduser("~")
    return text.printable("~" + home[len(own) :] if home.startswith(own + "/") else home)
