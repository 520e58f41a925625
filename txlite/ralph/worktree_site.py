"""Where the worktree of a task lies and what belongs to it, whether or not it is there: path, branch, mark, records.

Guarantees: while the mark is there, nobody's work is in the worktree. Held by `worktree` and `reviewed_work`, and by
what makes, mends and removes worktrees (`worktree_builder`, `worktree_recovery`).
"""

from __future__ import annotations

import contextlib
import os

from ..git.repository import Repository
from ..model import BEGUN, LANDING, REJECTED
from .workspace import below
from .worktree_directory import WORKTREES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ..model import LoopAttempt, Task
    from ..store.store import Store
    from .workspace import Host, Rules

BRANCH = "txlite"  # below it: the branch of a task
MAKING_LOCK = "txlite-worktrees.lock"  # in the repository itself, as the other locks: a worktree is made or removed


def mark_of(home: str, task: str) -> str:
    """Return the path of the mark that a task's worktree is being made or removed."""
    return os.path.join(home, WORKTREES, f".{task}.making")


class WorktreeSite:
    """The worktree of one task, for one attempt: its names, git as seen from it, and what is recorded of it."""

    def __init__(self, store: Store, host: Host, rules: Rules, task: Task, token: int) -> None:
        self._store = store
        self._host = host
        self._task = task
        self.task_id = task.id
        self.token = token
        self.top = str(rules.repository)  # of the user's own working tree
        self.base = str(rules.base)  # the branch that the work is for
        self.shared = rules.shared
        self.path = os.path.join(store.home, WORKTREES, task.id)
        self.branch = f"{BRANCH}/{task.id}"
        self.mark = mark_of(store.home, task.id)
        # git there and in the user's tree, until somebody stops the attempt, or surely to its end
        self.main = Repository(self.top, store.home, host.act)
        self.main_surely = Repository(self.top, store.home, host.act_surely)
        self.own = self.main.at(self.path)
        self.own_surely = self.main_surely.at(self.path)

    def directory(self) -> str:
        """Return the task's directory in the worktree; its top, where the worktree has no such directory."""
        rest = self._rest(os.path.realpath(self._task.directory or self.top))
        found = os.path.join(self.path, rest) if rest != os.curdir else self.path
        return found if os.path.isdir(found) else self.path

    def _rest(self, directory: str) -> str:
        """A directory as it stands below the top; a task that was added from inside a worktree is below that one's."""
        inside = below(directory, os.path.join(os.path.realpath(self._store.home), WORKTREES))
        if inside is not None and inside != os.curdir:
            return os.path.join(os.curdir, *inside.split(os.sep)[1:])
        return below(directory, os.path.realpath(self.top)) or os.curdir

    def begin(self, start: str) -> None:
        """Record that the attempt begins here, at this commit."""
        self._store.loop_attempts.prepare(self.token, self.top, self.base, start, self.path)

    def cut_off(self) -> list[LoopAttempt]:
        """Return the task's attempts here that were cut off, oldest first, but for those that had not begun."""
        found = [record for record in self._unsettled() if record.stage != BEGUN]
        return [record for record in found if record.base == self.base and record.worktree]

    def _unsettled(self) -> list[LoopAttempt]:
        found = self._store.loop_attempts.unsettled(self._task.seq)
        return [record for record in found if record.attempt != self.token]

    def settle(self, landed: str | None, parked: str | None = None) -> None:
        """Record where the work is of this attempt, and of those before it whose work is in this one's."""
        for record in self._unsettled():
            self._store.loop_attempts.settle(record.attempt, landed if record.stage == LANDING else None)
        self._store.loop_attempts.settle(self.token, landed, parked)

    def settle_parked(self, attempt: int, parked: str | None) -> None:
        """Record under which ref the work is of an attempt that was cut off."""
        self._store.loop_attempts.settle(attempt, parked=parked)

    def landed_before(self, tip: str) -> str | None:
        """Return the commit of this task that landed without being recorded: it is in the history of `tip`."""
        landed = self._store.loop_attempts.cut_off_landing(self.token)
        return landed if landed and self.main.is_ancestor(landed, tip) else None

    def record_landing(self, commit: str) -> None:
        """Record that this commit is about to land, so that a kill leaves no doubt."""
        self._store.loop_attempts.land(self.token, commit)

    def note_judged(self, commit: str) -> None:
        """Record that this commit passed its gate, and that somebody has a say in it before it lands."""
        gate = (self._host.gate, self._host.gate_timeout)
        self._store.reviews.put(self.token, self.top, self.base, self.branch, commit, *gate)

    def judged_before(self) -> str | None:
        """Return the commit that passed this gate when an attempt was cut off, which nobody rejected since."""
        found = self._store.reviews.cut_off(self.token)
        if not found or found.base != self.base or found.gate != self._host.gate:
            return None
        said = self._store.reviews.verdicts(found.attempt)
        return None if any(one.verdict == REJECTED for one in said) else found.work

    def making(self, surely: bool = False) -> AbstractContextManager[None]:
        """Hold the lock of the repository under which worktrees are made and removed."""
        return self._host.locked(os.path.join(self.shared, MAKING_LOCK), surely)

    def set_mark(self) -> None:
        """Mark the worktree as one that is being made or removed."""
        with open(self.mark, "w"):
            pass

    def drop_mark(self) -> None:
        """Remove the mark, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.mark)

    def is_marked(self) -> bool:
        """Return whether it is being made or removed, or a kill came then."""
        return os.path.lexists(self.mark)

    def forget(self) -> None:
        """Have git not take the path for a worktree that is not there. Raises GitError."""
        known = os.path.join(self.shared, "worktrees")
        names = os.listdir(known) if os.path.isdir(known) else []
        if any(name.startswith(self.task_id) for name in names) and self.path in self.main.worktrees():
            # twice forced, for git locks those it makes
            self.main_surely.act("worktree", "remove", "--force", "--force", self.path)
