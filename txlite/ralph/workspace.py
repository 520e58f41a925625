"""Where an attempt of a loop works: what all such places have in common, and the one without git.

    Plain                 a directory without git, or a loop that does not commit: nothing is kept or undone
    inplace.InPlace       the user's own working tree: a commit per task; what did not pass is parked
    worktree.Worktree     a tree and a branch of its own: committed there, rebased, judged again, landed

Guarantees: what an attempt leaves is on the base branch, on a ref of its own, or still in its worktree; nothing else is
ever removed. What a kill cut off at any point is found again through its trial (`enter`). Used by `ralph`.
"""

from __future__ import annotations

import os

from ..errors import Refused
from ..git import parking
from ..git.command import GitError
from ..system.named_tuple import NamedTuple
from ..text import shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Protocol

    from ..git.repository import Repository
    from ..model import Task
    from ..store.store import Store

    class Host(Protocol):
        """The worker, as far as a place needs it."""

        def act(self, argv: list[str], directory: str, stdin: bytes | None = None) -> tuple[int | None, str]:
            """git, until somebody stops it (`git.Act`)."""

        def act_surely(self, argv: list[str], directory: str, stdin: bytes | None = None) -> tuple[int | None, str]:
            """git that must come to its end: it parks and restores."""

        def verify(self, directory: str) -> str | None:
            """Run the gate there; why it did not pass, or None."""

        def set_up(self, command: str, directory: str) -> str | None:
            """Run the setup command there; why it failed, or None."""

        def locked(self, path: str, surely: bool = False) -> AbstractContextManager[None]:
            """The lock on a file, waited for until somebody stops it, or surely."""

        def rest(self) -> None:
            """Wait a moment, unless somebody stops it."""

        def remark(self, text: str) -> None:
            """A line for the report."""

        def free(self, lock: str) -> None:
            """Wait until a lock of git's is gone, and remove it if a kill has left it."""


ASIDE = "aside"  # below home: repositories that agents made within theirs


class Rules(NamedTuple):
    """How a loop treats the work of its agents."""

    repository: str | None  # the top of the working tree; None: no git
    base: str | None  # the branch that the work is for
    worktrees: bool
    allow: tuple[str, ...]  # patterns of files that are no secrets
    copy: tuple[str, ...]  # paths from the top that each worktree gets
    setup: str | None  # command that makes a new worktree ready
    shared: str = ""  # where git keeps what all working trees of the repository share


class WorkRejected(Refused):
    """The work cannot be kept: the attempt failed."""


class WorkspaceUnusable(Refused):
    """No attempt can work here, whatever its task: a person has to look."""


def below(path: str, top: str) -> str | None:
    """A path as it stands below another one, if it does."""
    rest = os.path.relpath(path, top)
    return None if rest == os.pardir or rest.startswith(os.pardir + os.sep) else rest


class PlainDirectory:
    """Where the task says, with nothing kept or undone."""

    commits = False  # whether what is changed here is committed

    def __init__(self, store: Store, host: Host, rules: Rules, task: Task, token: int) -> None:
        self._store = store
        self._host = host
        self._rules = rules
        self._task = task
        self._token = token
        self.directory = task.directory or os.getcwd()
        self.goes_on = False  # whether the unfinished work of an attempt that was cut off is here
        self.top: str | None = None  # of the working tree: all that git may see
        self._has_submodules = False  # whether its work changes one
        self.lock = ""  # the file whose lock keeps others out while an attempt works here

    def enter(self) -> str | None:
        """Make it ready; or the commit, if the task's work has landed already and only that was not recorded.

        Raises Unfit, Hindered.
        """
        if self._rules.repository:
            self._host.remark(f"{self.directory} lies outside of {self._rules.repository}: nothing is committed")
        self._store.prepare(self._token, None, None, None, None)
        return None

    def keep(self) -> str | None:
        """Judge what the agent did, and bring it where it belongs; the commit, if there was anything. Raises Unfit."""
        self._judge()
        self._store.settle(self._token)
        return None

    def set_aside(self, reason: str) -> str | None:
        """The work did not pass: the ref that it is parked under, if there was anything."""
        self._store.settle(self._token)
        return None

    def leave(self, reason: str) -> str | None:
        """The attempt was interrupted; the ref that its work is parked under, where it could not stay as it is."""
        return self.set_aside(reason)

    def _judge(self, when: str = "") -> None:
        failure = self._host.verify(self.directory)
        if failure:
            raise WorkRejected(failure + when)

    @property
    def _message(self) -> str:
        """The title is data: whatever stands in it, it is one line of a message that comes by stdin."""
        return f"Complete {self._task.id}: {' '.join(self._task.title.split())}\n"

    def _commit(self, repository: Repository, start: str, branch: str | None) -> str | None:
        """Commit all there is, as one commit; it, or None where nothing differs from `start`. Raises Unfit."""
        try:
            return self._try_to_commit(repository, start, branch)
        except GitError as error:
            raise WorkRejected(str(error)) from error

    def _try_to_commit(self, repository: Repository, start: str, branch: str | None) -> str | None:
        state = repository.state("all")
        if state.branch != branch:
            raise WorkRejected(f"it left the branch {branch} for {state.branch}")
        if repository.unfinished:
            raise WorkRejected(f"it left a {repository.unfinished} unfinished")
        if state.commit == start and not state.changes:
            return None
        if state.commit and state.commit != start:
            repository.squash(state.commit, start, self._task.id, self._token)
        self._stage(repository, start, state.repositories)
        self._store.land(self._token, None)
        self._commit_staged(repository, start)
        state = repository.state()
        if state.changes:
            raise WorkRejected(f"not all of it could be committed: {shorten(', '.join(state.changes[:3]), 100)}")
        return None if state.commit == start else state.commit

    def _stage(self, repository: Repository, start: str, inner: list[str]) -> None:
        """Put all of it into the index. Raises Unfit for what must not, or cannot, be committed."""
        new: list[str] = []
        if not inner:
            repository.stage()
            _, new, inner, self._has_submodules = repository.staged(start)
        if inner:
            name = shorten(inner[0].rstrip("/"), 100)
            raise WorkRejected(f"{name} is a git repository of its own: what is in it cannot be committed here")
        secrets = repository.secrets(start, new, self._rules.allow)
        if secrets:
            names = shorten(", ".join(secrets[:5]), 200)
            raise WorkRejected(
                f"new files look like secrets and were not committed: {names} (--allow PATTERN lets them pass)"
            )

    def _commit_staged(self, repository: Repository, start: str) -> None:
        try:
            return repository.commit(self._message)
        except GitError:
            if not repository.is_staged("HEAD"):
                return None  # what was changed is what it was
            if not repository.has_unstaged():
                raise
        repository.stage()  # a hook changed files and refused: it gets what it wants, if the gate does, too
        self._judge(" (with what a hook changed)")
        self._stage(repository, start, repository.state("all").repositories)
        repository.commit(self._message)

    def _clear_away(
        self, tree: Repository, start: str, branch: str | None, reason: str, trial: tuple[str, int] | None = None
    ) -> str | None:
        """Park what an attempt left (ours, or the one of this task and number), and make the tree what it was."""
        task, token = trial or (self._task.id, self._token)
        aside = os.path.join(self._store.home, ASIDE, f"{task}.{token}")
        parked, moved = parking.clear_away(tree, start, branch, reason, task, token, aside)
        for path in moved:
            self._host.remark(f"a repository that was within is in {path} now")
        return parked
