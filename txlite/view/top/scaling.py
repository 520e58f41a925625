"""How many workers a run shall have, as keys change it faster than the run does."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .snapshot import RunningRow, RunRow


class Scaling:
    """The numbers of workers that were asked for, and have not shown yet."""

    def __init__(self) -> None:
        self._wanted: dict[str, int] = {}  # run -> workers

    def take(self, runs: Iterable[RunRow]) -> None:
        """Take note of the runs as they are now."""
        for run in runs:
            if self._wanted.get(run.id) == run.wanted:
                del self._wanted[run.id]

    def change(self, run: RunRow, step: int) -> int:
        """Return how many workers it shall have: so many more than was asked for last; 0 where that is none."""
        wanted = max(self._wanted.get(run.id, run.wanted) + step, 0)
        if wanted:
            self._wanted[run.id] = wanted
        return wanted

    def forget(self) -> None:
        """Believe what the runs say: something that was asked for was refused."""
        self._wanted.clear()


def find_run(runs: Iterable[RunRow], running: Iterable[RunningRow], task: str | None) -> RunRow | None:
    """Return the run that works on a task, else the oldest."""
    known = {run.id: run for run in runs}
    own = next((row.run for row in running if row.task == task), None)
    return known.get(own or "") or next(iter(known.values()), None)
