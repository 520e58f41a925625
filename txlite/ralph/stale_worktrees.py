"""The worktrees of loops that are still there: which must stay, and which can go.

Guarantees: nothing that is not committed is removed, and no commit becomes unreachable. Used by `night` and `cleanup`.
"""

from __future__ import annotations

import os

from ..errors import Refused, TaskNotFound
from ..git.command import GitError, by_itself
from ..git.parking import PARKED, free_ref
from ..git.repository import Repository
from ..system.named_tuple import NamedTuple
from ..text import shorten
from .worktree_site import BRANCH, WORKTREES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.store import Store


class StaleWorktree(NamedTuple):
    """A worktree that is still there."""

    path: str
    task: str  # id
    why: str | None  # why it must stay; None: its task is finished, and it holds nothing that is not committed


def look(store: Store) -> list[StaleWorktree]:
    """The worktrees of a home, but for those in which somebody works."""
    directory = os.path.join(store.home, WORKTREES)
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    busy = {claim.task for claim in store.claims()}
    found = [(name, name.split(".")[0]) for name in names if not name.startswith(".")]
    return [
        StaleWorktree(
            os.path.join(directory, name), task, _why_it_stays(store, os.path.join(directory, name), name, task)
        )
        for name, task in found
        if name != task or task not in busy
    ]


def _why_it_stays(store: Store, path: str, name: str, task: str) -> str | None:
    try:
        status = store.get(task).status
    except TaskNotFound:
        status = "deleted"
    if name == task and status in ("backlog", "active", "blocked") and store.unsettled(store.get(task).seq):
        return f"{task} goes on there"
    try:
        changes = Repository(path, store.home, by_itself).state().changes
    except GitError as error:
        return str(error)
    return f"not committed: {shorten(', '.join(changes[:3]), 100)}" if changes else None


def remove(store: Store, leftover: StaleWorktree) -> None:
    """Remove a finished worktree. Its branch stays where it holds what is nowhere else; commits that are on no branch
    are parked. Raises Refused where somebody works there again, GitError."""
    name = os.path.basename(leftover.path)
    why = _why_it_stays(store, leftover.path, name, leftover.task)
    if why or any(claim.task == name for claim in store.claims()):
        raise Refused(f"it stays: {why or 'somebody works there again'}")
    own = Repository(leftover.path, store.home, by_itself)
    main = own.at(next(iter(own.worktrees())))
    branch, head = own.state().branch, own.head()
    if not branch and not main.ask("for-each-ref", "--count=1", "--contains", head):
        main.act("update-ref", free_ref(main, f"{PARKED}/{leftover.task}/aside"), head)
    main.act("worktree", "remove", "--force", leftover.path)  # git alone would refuse one with submodules in it
    if branch and branch.startswith(BRANCH + "/"):
        ref = f"refs/heads/{branch}"
        if not main.ask("rev-list", "-n", "1", ref, "--not", f"--exclude={ref}", "--all"):
            main.act("branch", "-q", "-D", branch)
