"""The worktrees of loops that are still there: which must stay, and which can go.

Guarantees: nothing that is not committed is removed, and no commit becomes unreachable. Called by `remarks`
and the command `cleanup`.
"""

from __future__ import annotations

import os

from ..errors import Refused, TaskNotFound
from ..git.command import GitError, by_itself
from ..git.parking import PARKED, free_ref
from ..git.repository import Repository
from ..model import REVIEW
from ..system.named_tuple import NamedTuple
from ..text import shorten
from .worktree_directory import WORKTREES
from .worktree_site import BRANCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..store.store import Store


GOES_ON, WAITS = "{} goes on there", "{} waits for a review there"  # why a worktree stays


class StaleWorktree(NamedTuple):
    """A worktree of a loop that is still there though nobody works in it."""

    path: str
    task: str  # id
    why: str | None  # why it must stay; None: its task is finished, and it holds nothing that is not committed
    is_in_use: bool = False  # its task goes on there, or waits for a review


def look(store: Store) -> list[StaleWorktree]:
    """Return the worktrees of a home, but for those in which somebody works."""
    directory = os.path.join(store.home, WORKTREES)
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    busy = {claim.task for claim in store.claims()}
    free = [name for name in names if not name.startswith(".") and name not in busy]
    return [_look_at(store, os.path.join(directory, name)) for name in free]


def _look_at(store: Store, path: str) -> StaleWorktree:
    """One that bears a task's name, or that and what tells it from the one that took its place."""
    task = os.path.basename(path).split(".")[0]
    why = _why_it_stays(store, path, task)
    return StaleWorktree(path, task, why, why in (GOES_ON.format(task), WAITS.format(task)))


def _why_it_stays(store: Store, path: str, task: str) -> str | None:
    try:
        status: str = store.get(task).status
    except TaskNotFound:
        status = "deleted"
    if (
        os.path.basename(path) == task
        and status in ("backlog", "active", "blocked", "review")
        and store.loop_attempts.unsettled(store.get(task).seq)
    ):
        return (WAITS if status == REVIEW else GOES_ON).format(task)
    try:
        changes = Repository(path, store.home, by_itself).state().changes
    except GitError as error:
        return str(error)
    return f"not committed: {shorten(', '.join(changes[:3]), 100)}" if changes else None


def remove(store: Store, stale: StaleWorktree) -> None:
    """Remove a finished worktree; its branch stays where it holds what is nowhere else.

    Commits that are on no branch are parked. Raises Refused where somebody works there again, GitError.
    """
    why = _why_it_stays(store, stale.path, stale.task)
    if why or any(claim.task == os.path.basename(stale.path) for claim in store.claims()):
        raise Refused(f"it stays: {why or 'somebody works there again'}")
    own = Repository(stale.path, store.home, by_itself)
    main = own.at(next(iter(own.worktrees())))
    branch, head = own.state().branch, own.head()
    if not branch and not main.ask("for-each-ref", "--count=1", "--contains", head):
        main.act("update-ref", free_ref(main, f"{PARKED}/{stale.task}/aside"), head)
    main.act("worktree", "remove", "--force", stale.path)  # git alone would refuse one with submodules in it
    if branch and branch.startswith(BRANCH + "/"):
        _delete_if_elsewhere(main, branch)


def _delete_if_elsewhere(main: Repository, branch: str) -> None:
    """Delete a branch all of whose commits other refs hold, too."""
    ref = f"refs/heads/{branch}"
    if not main.ask("rev-list", "-n", "1", ref, "--not", f"--exclude={ref}", "--all"):
        main.act("branch", "-q", "-D", branch)


class StaleWorktrees:
    """Stale worktrees that a cleanup deals with; `complain` is told of the path of one that cannot be removed, and
    why."""

    def __init__(self, store: Store, found: list[StaleWorktree], complain: Callable[[str, str], None]) -> None:
        self._store = store
        self._all = found
        self._complain = complain

    @property
    def finished(self) -> list[str]:
        """Return the paths of those that can go."""
        return [one.path for one in self._all if not one.why]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Return the paths of those that must stay, and why."""
        return [(one.path, one.why) for one in self._all if one.why]

    def remove(self) -> int:
        """Remove the finished ones; return how many."""
        count = 0
        for one in self._all:
            try:
                if not one.why:
                    remove(self._store, one)
                    count += 1
            except Refused as error:
                self._complain(one.path, str(error))
        return count
