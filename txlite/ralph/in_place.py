"""The user's own working tree as a workspace: one attempt at a time, though a worker may outlive its loop.

Guarantees: the tree is clean when an attempt begins, and again when it has ended, its work being one commit, or parked.
What a person did there after a kill stays. Called by the worker of a loop (`trial`).
"""

from __future__ import annotations

import os

from ..execution.worker import HEARTBEAT
from ..git.command import GitError
from ..git.half_landed import TREE_LOCK
from ..git.parking import PARKED, Label
from ..git.rebase import is_rebasing
from ..git.repository import Origin, Repository
from ..model import LANDING
from ..system import clock
from ..text import shorten
from .clearing import Clearing
from .committer import Committer
from .workspace import WorkspaceUnusable, judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..git.repository import State
    from ..model import LoopAttempt, Task
    from ..store.store import Store
    from .workspace import Host, Rules

CUT_OFF = "it was cut off"  # why its work is parked


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
        self._cut_off = CutOffInPlace(store, host, self._surely, token)
        self._origin: Origin | None = None  # where the attempt began; None: it did not
        self.commits = True
        self.directory = task.directory or os.getcwd()
        self.top: str | None = self._tree.top
        self.goes_on = False
        self.lock = self._tree.path_of(TREE_LOCK)

    def enter(self) -> str | None:
        """Clear up after attempts that were cut off; the commit, if this task's had landed.

        Raises WorkspaceUnusable where the tree is not clean, has no commit, or git fails.
        """
        try:
            while self._cut_off.are_recovered():
                self._host.rest()
            self._cut_off.settle()
            state = self._tree.state()
        except GitError as error:
            raise WorkspaceUnusable(str(error)) from error
        if state.commit is None:
            raise WorkspaceUnusable(f"{self.top} has no commit yet: make a first one")
        landed = self._store.cut_off_landing(self._token)
        if landed and self._tree.is_ancestor(landed, state.commit):
            self._store.settle(self._token, landed)
            return landed
        self._begin(state, state.commit)
        return None

    def _begin(self, state: State, commit: str) -> None:
        if state.changes:
            names = shorten(", ".join(state.changes[:3]), 100)
            raise WorkspaceUnusable(f"{self.top} has changes that are not committed ({names}): commit or stash them")
        self._origin = Origin(commit, state.branch)
        self._store.prepare(self._token, self.top, state.branch, commit, None)

    def keep(self) -> str | None:
        """Judge and commit; the commit, if anything differs. Raises WorkRejected."""
        assert self._origin
        judge(self._host, self.directory)
        commit = self._committer.commit(self._tree, self._origin, self.directory)
        self._store.settle(self._token, commit)
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
        self._store.settle(self._token, parked=parked)
        return parked

    def leave(self, reason: str) -> str | None:
        """Park it, as `set_aside` does: the tree is the user's, and the next task's."""
        return self.set_aside(reason)


class CutOffInPlace:
    """The attempts in one working tree whose ends were not recorded: all others have left it as it was."""

    def __init__(self, store: Store, host: Host, tree: Repository, token: int) -> None:
        self._store = store
        self._host = host
        self._tree = tree
        self._token = token  # of the attempt that clears up, which is none of them
        self._clearing = Clearing(store.home, host)

    def _found(self) -> list[LoopAttempt]:
        here = [one for one in self._store.unsettled() if one.repository == self._tree.top and not one.worktree]
        return [one for one in here if one.attempt != self._token and one.start]

    def are_recovered(self) -> bool:
        """Return whether a worker died here whose agent may not be gone yet."""
        claimed = {claim.token for claim in self._store.claims()}
        return any(trial.attempt in claimed for trial in self._found())

    def settle(self) -> None:
        """Find out how far each had come, park what it left, and record that. Raises GitError."""
        for trial in self._found():
            if self._has_landed(trial):
                self._store.settle(trial.attempt, self._tree.head())
                continue
            parked = self._park(trial)
            if parked:
                self._host.remark(f"what attempt {trial.attempt} of {trial.task} left when it was cut off is {parked}")
            self._store.settle(trial.attempt, parked=parked)

    def _park(self, trial: LoopAttempt) -> str | None:
        """What is committed on the branch stays there: it may be the user's, of the time since."""
        tree, start = self._tree, str(trial.start)
        base = tree.commit_of(f"refs/heads/{trial.base}") if trial.base else None
        state = tree.state()
        has_left = bool(base) and state.branch != trial.base and self._was_moved_by(trial)
        if state.changes or is_rebasing(tree) or has_left:
            back = Origin(base, trial.base) if base and has_left else Origin(state.commit or start, state.branch)
            return self._clearing.clear_away(tree, back, Label(trial.task, trial.attempt, CUT_OFF))
        if state.commit == start:
            return None
        parked = f"{PARKED}/{trial.task}/{trial.attempt}"
        tree.act("update-ref", parked, "HEAD")
        return parked

    def _was_moved_by(self, trial: LoopAttempt) -> bool:
        """Whether HEAD was last moved while the attempt ran: by its agent, and not by a person later."""
        moved = self._tree.ask("log", "-g", "-1", "--date=unix", "--format=%gd").strip()
        attempt = next(one for one in self._store.attempts(trial.task) if one.id == trial.attempt)
        alive = clock.to_seconds(self._store.worker(attempt.worker).heartbeat) + HEARTBEAT
        seconds = moved.partition("{")[2].rstrip("}")
        return is_rebasing(self._tree) or (seconds.isdigit() and int(seconds) <= alive)

    def _has_landed(self, trial: LoopAttempt) -> bool:
        """Whether its commit is there, and only the record of it is not."""
        state = self._tree.state()
        if trial.stage != LANDING or state.changes or not state.commit or state.branch != trial.base:
            return False
        subject = self._tree.ask("log", "-1", "--format=%s")
        return subject.startswith(f"Complete {trial.task}: ") and self._tree.commit_of("HEAD~1") == trial.start
