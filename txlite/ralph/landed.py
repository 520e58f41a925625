"""What landed: how much each commit changes, and the gate that it has passed.

Called by `summary`, also for what waits for a review (`judged`). Where a repository or a report is gone, less is told.
"""

from __future__ import annotations

from ..git.diff_stat import stat_commits
from ..system.named_tuple import NamedTuple
from .reason import find_gate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..git.diff_stat import DiffStat
    from ..model import LoopAttempt
    from ..store.store import Store

LOOKED_INTO = 200  # reports that are read for the gate


class Landed(NamedTuple):
    """One commit on its base branch."""

    changes: DiffStat | None  # None: its repository does not say
    gate: str | None  # the command; None: there was none, or it is not known


def look_at(store: Store, landed: list[LoopAttempt]) -> dict[str, Landed]:
    """Return by task what is to be told of these attempts, all of which landed."""
    commits: dict[str, list[str]] = {}
    for one in landed:
        if one.repository and one.landed:
            commits.setdefault(one.repository, []).append(one.landed)
    changes = {repository: stat_commits(repository, several) for repository, several in commits.items()}
    return {
        one.task: Landed(
            changes.get(one.repository or "", {}).get(one.landed or ""),
            _find_gate(store, one) if place < LOOKED_INTO else None,
        )
        for place, one in enumerate(landed)
    }


def _find_gate(store: Store, landed: LoopAttempt) -> str | None:
    return next((find_gate(store.home, one) for one in store.attempts(landed.task) if one.id == landed.attempt), None)
