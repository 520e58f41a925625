"""Where a task is to run that somebody adds from within a worktree of a loop, which will be gone by then.

Used by what adds tasks, and so imports little.
"""

from __future__ import annotations

import os

from ..errors import TaskNotFound
from ..home import location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.store import Store

WORKTREES = "worktrees"  # below home; in it one for each task, named by its id


def lasting_directory(store: Store) -> str | None:
    """Return the directory of the task to which the worktree belongs that we are in; None elsewhere, where the working
    directory will do."""
    top = os.path.join(os.path.realpath(store.home), WORKTREES, "")
    place = os.path.realpath(location.working_directory())
    if not place.startswith(top):
        return None
    try:
        return store.get(place[len(top) :].partition(os.sep)[0]).directory
    except TaskNotFound:
        return None
