"""What a person looks at: which pane, which line of it, and what is filtered.

A line is remembered by its task, so that it stays chosen while others come and go above it.
"""

from __future__ import annotations

from .snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


RUNNING, WAITING, FAILED = PANES = ("running", "waiting", "failed")


class Sight:
    """What is looked at. `pane`: one of PANES. `filter`: words that each task shown has in its id, title or why."""

    def __init__(self) -> None:
        self.pane = RUNNING
        self.filter = ""
        self.tops: dict[str, int] = {}  # pane -> the first of its blocks that stands on the screen
        self._tasks: dict[str, list[str]] = {pane: [] for pane in PANES}
        self._chosen: dict[str, str] = {}  # pane -> task
        self._places: dict[str, int] = {}  # pane -> where that stood
        self._is_asked = False  # a person has said where to look

    def take(self, snapshot: Snapshot) -> Snapshot:
        """Take note of what there is now; return what of it passes the filter."""
        seen = select(snapshot, self.filter)
        self._tasks = {
            RUNNING: [row.task for row in seen.running],
            WAITING: [row.task for cause in seen.waiting for row in cause.first],
            FAILED: [row.task for row in seen.failed],
        }
        for pane, tasks in self._tasks.items():
            if self._chosen.get(pane) in tasks:
                self._places[pane] = tasks.index(self._chosen[pane])
            elif tasks:
                self._choose(pane, self._places.get(pane, 0))
            else:
                self._chosen.pop(pane, None)
        if not self._tasks[self.pane] or not self._is_asked:
            self.pane = next((pane for pane in PANES if self._tasks[pane]), self.pane)
        return seen

    def chosen(self, pane: str | None = None) -> str | None:
        """Return the id of the task that is chosen in a pane, or in the one that is looked at."""
        return self._chosen.get(pane or self.pane)

    def move(self, steps: int) -> None:
        """Go so many lines down, or up; beyond the last one into the next pane."""
        self._is_asked = True
        tasks, place = self._tasks[self.pane], self._places.get(self.pane, 0)
        if place == (len(tasks) - 1 if steps > 0 else 0):
            self._leave(steps)
        else:
            self._choose(self.pane, place + steps)

    def go_to_end(self, is_last: bool) -> None:
        """Go to the first line of the pane, or the last."""
        self._is_asked = True
        self._choose(self.pane, len(self._tasks[self.pane]) - 1 if is_last else 0)

    def turn(self, steps: int) -> None:
        """Go to the next pane that has lines, or the one before."""
        self._is_asked = True
        order = [pane for pane in PANES if self._tasks[pane] or pane == self.pane]
        self.pane = order[(order.index(self.pane) + steps) % len(order)]

    def _leave(self, step: int) -> None:
        """Go on in the next pane that has lines, at the end that is near, if there is one."""
        beyond = PANES[PANES.index(self.pane) + 1 :] if step > 0 else PANES[: PANES.index(self.pane)][::-1]
        for pane in beyond:
            if self._tasks[pane]:
                self.pane = pane
                self.go_to_end(is_last=step < 0)
                return

    def _choose(self, pane: str, place: int) -> None:
        tasks = self._tasks[pane]
        if tasks:
            self._places[pane] = max(min(place, len(tasks) - 1), 0)
            self._chosen[pane] = tasks[self._places[pane]]


def select(snapshot: Snapshot, words: str) -> Snapshot:
    """Return what of a home has these words in its id or title, or in why it failed, whatever their case."""
    if not words:
        return snapshot
    wanted = words.casefold()
    causes = []
    for cause in snapshot.waiting:
        first = tuple(_having(wanted, cause.first))
        if first:
            causes.append(cause._replace(first=first))
    return snapshot._replace(
        running=tuple(_having(wanted, snapshot.running)),
        waiting=tuple(causes),
        failed=tuple(_having(wanted, snapshot.failed)),
    )


def _having(wanted: str, rows: Iterable) -> Iterable:
    return (row for row in rows if wanted in f"{row.task}\n{row.title}\n{getattr(row, 'why', '')}".casefold())
