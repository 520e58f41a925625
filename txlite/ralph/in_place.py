"""The user's own working tree as the place of a loop: one attempt at a time, though a worker may outlive its loop.

The tree is clean when an attempt begins, and again when it has ended: its work is one commit, or parked. Used by
`ralph`.
"""

from __future__ import annotations

from ..execution.worker import HEARTBEAT
from ..git.command import GitError
from ..git.landing import TREE_LOCK
from ..git.parking import PARKED
from ..git.repository import Repository
from ..model import LANDING
from ..system import clock
from ..text import shorten
from .workspace import PlainDirectory, WorkspaceUnusable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import LoopAttempt, Task
    from ..store.store import Store
    from .workspace import Host, Rules


class InPlace(PlainDirectory):
    """An attempt in the user's own working tree."""

    commits = True

    def __init__(self, store: Store, host: Host, rules: Rules, task: Task, token: int) -> None:
        super().__init__(store, host, rules, task, token)
        self.top = self._top = str(rules.repository)
        self._repository = Repository(self._top, store.home, host.act)
        self.lock = self._repository.path_of(TREE_LOCK)
        self._surely = Repository(self._top, store.home, host.act_surely)
        self._start = ""
        self._branch: str | None = None

    def enter(self) -> str | None:
        try:
            while self._is_being_recovered():
                self._host.rest()
            for trial in self._cut_off():
                self._settle(trial)
            state = self._repository.state()
        except GitError as error:
            raise WorkspaceUnusable(str(error)) from error
        if state.commit is None:
            raise WorkspaceUnusable(f"{self._top} has no commit yet: make a first one")
        landed = self._store.cut_off_landing(self._token)
        if landed and self._repository.is_ancestor(landed, state.commit):
            self._store.settle(self._token, landed)
            return landed
        if state.changes:
            names = shorten(", ".join(state.changes[:3]), 100)
            raise WorkspaceUnusable(f"{self._top} has changes that are not committed ({names}): commit or stash them")
        self._start, self._branch = state.commit, state.branch
        self._store.prepare(self._token, self._top, self._branch, self._start, None)
        return None

    def keep(self) -> str | None:
        self._judge()
        commit = self._commit(self._repository, self._start, self._branch)
        self._store.settle(self._token, commit)
        return commit

    def set_aside(self, reason: str) -> str | None:
        if not self._start:
            return None
        try:
            parked = self._clear_away(self._surely, self._start, self._branch, reason)
        except GitError as error:
            raise WorkspaceUnusable(f"what the attempt left could not be put aside: {error}") from error
        self._store.settle(self._token, parked=parked)
        return parked

    def _cut_off(self) -> list[LoopAttempt]:
        """The attempts in this tree whose ends were not recorded: all others have left it as it was."""
        found = [trial for trial in self._store.unsettled() if trial.attempt != self._token and not trial.worktree]
        return [trial for trial in found if trial.repository == self._top and trial.start]

    def _is_being_recovered(self) -> bool:
        """Whether a worker died here whose agent may not be gone yet."""
        claimed = {claim.token for claim in self._store.claims()}
        return any(trial.attempt in claimed for trial in self._cut_off())

    def _settle(self, trial: LoopAttempt) -> None:
        """Find out how far an attempt had come that was cut off, and clear up after it."""
        tree, start = self._surely, str(trial.start)
        if self._has_landed(trial):
            self._store.settle(trial.attempt, tree.head())
            return
        base = tree.commit_of(f"refs/heads/{trial.base}") if trial.base else None
        state, name = tree.state(), (trial.task, trial.attempt)
        parked = None
        has_left = bool(base) and state.branch != trial.base and self._was_moved_by(trial)
        if state.changes or tree.is_rebasing or has_left:
            back = (base, trial.base) if base and has_left else (state.commit or start, state.branch)
            parked = self._clear_away(tree, *back, "it was cut off", name)
        elif state.commit != start:  # what is committed on the branch stays: it may be the user's, of the time since
            parked = f"{PARKED}/{trial.task}/{trial.attempt}"
            tree.act("update-ref", parked, "HEAD")
        if parked:
            self._host.remark(f"what attempt {trial.attempt} of {trial.task} left when it was cut off is {parked}")
        self._store.settle(trial.attempt, parked=parked)

    def _was_moved_by(self, trial: LoopAttempt) -> bool:
        """Whether HEAD was last moved while the attempt ran: by its agent, and not by a person later."""
        moved = self._surely.ask("log", "-g", "-1", "--date=unix", "--format=%gd").strip()
        attempt = next(one for one in self._store.attempts(trial.task) if one.id == trial.attempt)
        alive = clock.to_seconds(self._store.worker(attempt.worker).heartbeat) + HEARTBEAT
        seconds = moved.partition("{")[2].rstrip("}")
        return self._surely.is_rebasing or (seconds.isdigit() and int(seconds) <= alive)

    def _has_landed(self, trial: LoopAttempt) -> bool:
        """Whether its commit is there, and only the record of it is not."""
        state = self._surely.state()
        if trial.stage != LANDING or state.changes or not state.commit or state.branch != trial.base:
            return False
        subject = self._surely.ask("log", "-1", "--format=%s")
        return subject.startswith(f"Complete {trial.task}: ") and self._surely.commit_of("HEAD~1") == trial.start
