"""The user's own working tree as a workspace: one attempt at a time, though a worker may outlive its loop.

Guarantees: the tree is clean when an attempt begins, and again when it has ended, its work being one commit, or parked.
What a person did there after a kill stays. Called by the worker of a loop (`trial`).
"""

from __future__ import annotations

import os

from ..git.command import GitError
from ..git.half_landed import TREE_LOCK
from ..git.parking import Label
from ..git.repository import Origin, Repository
from ..text import shorten
from .clearing import Clearing
from .committer import Committer
from .in_place_recovery import InPlaceRecovery
from .workspace import WorkspaceUnusable, judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..git.repository import State
    from ..model import Task
    from ..store.store import Store
    from .workspace import Host, Rules


class InPlace:
    """The user's own working tree (a `Workspace`)."""

    def __init__(self, store: Store, host: Host, rules: Rules, task: Task, token: int) -> None:
        self._store = store
        self._host = host
        self._task = task
        self._token = token
        self._tree = Repository(str(rules.repository), store.home, host.act)
        self._surely = Repository(self._tree.top, store.home, host.act_surely)
        self._committer = Committer(store, host, rules, task, token)
        self._clearing = Clearing(store.home, host)
        self._recovery = InPlaceRecovery(store, host, self._surely, self._clearing, token)
        self._origin: Origin | None = None  # where the attempt began; None: it did not
        self.commits = True
        self.directory = task.directory or os.getcwd()
        self.top: str | None = self._tree.top
        self.goes_on = False
        self.is_judged = False
        self.lock = self._tree.path_of(TREE_LOCK)

    def enter(self) -> str | None:
        """Clear up after attempts that were cut off; the commit, if this task's had landed.

        Raises WorkspaceUnusable where the tree is not clean, has no commit, or git fails.
        """
        state = self._recover()
        if state.commit is None:
            raise WorkspaceUnusable(f"{self.top} has no commit yet: make a first one")
        landed = self._store.loop_attempts.cut_off_landing(self._token)
        if landed and self._tree.is_ancestor(landed, state.commit):
            self._store.loop_attempts.settle(self._token, landed)
            return landed
        self._begin(state, state.commit)
        return None

    def _recover(self) -> State:
        """The tree as it is after all that was cut off here."""
        try:
            while self._recovery.must_wait():
                self._host.rest()
            self._recovery.settle()
            return self._tree.state()
        except GitError as error:
            raise WorkspaceUnusable(str(error)) from error

    def _begin(self, state: State, commit: str) -> None:
        if state.changes:
            names = shorten(", ".join(state.changes[:3]), 100)
            raise WorkspaceUnusable(f"{self.top} has changes that are not committed ({names}): commit or stash them")
        self._origin = Origin(commit, state.branch)
        self._store.loop_attempts.prepare(self._token, self.top, state.branch, commit, None)

    def commit(self) -> str | None:
        """Judge and commit, on the branch itself; the commit, if anything differs. Raises WorkRejected."""
        assert self._origin
        judge(self._host, self.directory)
        return self._committer.commit(self._tree, self._origin, self.directory)

    def submit(self, commit: str) -> bool:
        """Return False: what is committed here is on the branch."""
        return False

    def land(self, commit: str | None) -> str | None:
        """Record that the attempt is over: its commit is where it belongs."""
        self._store.loop_attempts.settle(self._token, commit)
        return commit

    def set_aside(self, reason: str) -> str | None:
        """Park what the attempt changed; its ref. Raises WorkspaceUnusable where the tree cannot be restored."""
        if not self._origin:
            return None
        try:
            label = Label(self._task.id, self._token, reason)
            parked = self._clearing.clear_away(self._surely, self._origin, label)
        except GitError as error:
            raise WorkspaceUnusable(f"what the attempt left could not be put aside: {error}") from error
        self._store.loop_attempts.settle(self._token, parked=parked)
        return parked

    def leave(self, reason: str) -> str | None:
        """Park it, as `set_aside` does: the tree is the user's, and the next task's."""
        return self.set_aside(reason)
