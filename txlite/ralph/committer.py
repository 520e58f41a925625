"""All that an attempt changed, as one commit: what must not be committed is named, and a hook's changes are judged.

Guarantees: no secret, no repository within and no unfinished merge is committed; a title is data, whatever stands in
it; what a hook changed has passed the gate, too. Held by `in_place`, `worktree` and `reviewed_work`.
"""

from __future__ import annotations

from ..git import index
from ..git.command import GitError
from ..git.rebase import find_unfinished
from ..text import printable, shorten
from .workspace import WorkRejected, judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..git.repository import Origin, Repository
    from ..model import Task
    from ..store.store import Store
    from .workspace import Host, Rules


class Committer:
    """Makes the one commit of an attempt."""

    def __init__(self, store: Store, host: Host, rules: Rules, task: Task, token: int) -> None:
        self._store = store
        self._host = host
        self._allow = rules.allow
        self._task = task
        self._token = token
        self.has_submodules = False  # whether what was committed changes one

    def commit(self, tree: Repository, origin: Origin, directory: str) -> str | None:
        """Commit all that differs from `origin`; the commit, or None where nothing does.

        The gate runs in `directory` again, where a hook changed files. Raises WorkRejected.
        """
        try:
            return self._commit(tree, origin, directory)
        except GitError as error:
            raise WorkRejected(str(error)) from error

    def _commit(self, tree: Repository, origin: Origin, directory: str) -> str | None:
        state, start = tree.state("all"), origin.commit
        if state.branch != origin.branch:
            raise WorkRejected(f"it left the branch {origin.branch} for {state.branch}")
        unfinished = find_unfinished(tree)
        if unfinished:
            raise WorkRejected(f"it left a {unfinished} unfinished")
        if state.commit == start and not state.changes:
            return None
        if state.commit and state.commit != start:
            index.squash(tree, state.commit, start, self._task.id, self._token)
        self._stage(tree, start, state.repositories)
        self._store.loop_attempts.land(self._token, None)
        self._commit_staged(tree, start, directory)
        return _check_whole(tree, start)

    def _stage(self, tree: Repository, start: str, inner: list[str]) -> None:
        """Put all of it into the index. Raises WorkRejected for what must not, or cannot, be committed."""
        new: list[str] = []
        if not inner:
            index.stage(tree)
            new, inner, self.has_submodules = index.staged(tree, start)
        if inner:
            name = shorten(inner[0].rstrip("/"), 100)
            raise WorkRejected(f"{name} is a git repository of its own: what is in it cannot be committed here")
        secrets = index.find_secrets(tree, start, new, self._allow)
        if secrets:
            names = shorten(", ".join(secrets[:5]), 200)
            raise WorkRejected(
                f"new files look like secrets and were not committed: {names} (--allow PATTERN lets them pass)"
            )

    def _commit_staged(self, tree: Repository, start: str, directory: str) -> None:
        try:
            return index.commit(tree, self._message)
        except GitError:
            if not index.is_staged(tree, "HEAD"):
                return None  # what was changed is what it was
            if not index.has_unstaged(tree):
                raise
        index.stage(tree)  # a hook changed files and refused: it gets what it wants, if the gate does, too
        judge(self._host, directory, " (with what a hook changed)")
        self._stage(tree, start, tree.state("all").repositories)
        index.commit(tree, self._message)

    @property
    def _message(self) -> str:
        """The title is data: whatever stands in it, it is one line of a message that comes by stdin."""
        return f"Complete {self._task.id}: {printable(' '.join(self._task.title.split()))}\n"


def _check_whole(tree: Repository, start: str) -> str | None:
    """The commit there is now. Raises WorkRejected where something was left out of it."""
    state = tree.state()
    if state.changes:
        raise WorkRejected(f"not all of it could be committed: {shorten(', '.join(state.changes[:3]), 100)}")
    return None if state.commit == start else state.commit
