"""Where an attempt of a loop works: what every such workspace does, and the one without git.

    PlainDirectory        a directory without git, or a loop that does not commit: nothing is kept or undone
    in_place.InPlace      the user's own working tree: a commit per task; what did not pass is parked
    worktree.Worktree     a tree and a branch of its own: committed there, rebased, judged again, landed

Guarantees: what an attempt leaves is on the base branch, on a ref of its own, or still in its worktree; nothing else is
ever removed. What a kill cut off at any point is found again through the record of its attempt (`enter`). Called by
`trial`, which makes one for each attempt, with a host for it (`host`).
"""

from __future__ import annotations

import os

from ..errors import Refused
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Protocol

    from ..model import Task
    from ..store.store import Store

    class Host(Protocol):
        """The worker, as far as a workspace needs it."""

        gate: str | None  # its command
        gate_timeout: float  # seconds

        def act(self, argv: list[str], directory: str, stdin: bytes | None = None) -> tuple[int | None, str]:
            """Run git, until somebody stops the attempt (`git.command.Act`)."""

        def act_surely(self, argv: list[str], directory: str, stdin: bytes | None = None) -> tuple[int | None, str]:
            """Run git that must come to its end: it parks and restores."""

        def verify(self, directory: str) -> str | None:
            """Run the gate there; why it did not pass, or None."""

        def set_up(self, command: str, directory: str) -> str | None:
            """Run the setup command there; why it failed, or None."""

        def locked(self, path: str, surely: bool = False) -> AbstractContextManager[None]:
            """Hold the lock on a file, waited for until somebody stops the attempt, or surely."""

        def rest(self) -> None:
            """Wait a moment, unless somebody stops the attempt."""

        def remark(self, text: str) -> None:
            """Write a line into the report."""

        def free(self, lock: str) -> None:
            """Wait until a lock of git's is gone, and remove it if a kill has left it."""

    class Workspace(Protocol):
        """Where one attempt works, from `enter` to `commit` and then `land`, or to `set_aside` or `leave`.

        What `commit` made is judged, and nowhere but here: who has a say in it is asked between the two (`acceptance`).

        The three classes that satisfy it are made alike: with a Store, a Host, Rules, a Task and the attempt's token.
        """

        commits: bool  # whether what is changed here is committed
        directory: str  # where the agent and the gate run; final once it was entered
        top: str | None  # of the working tree: all that git may see
        goes_on: bool  # whether the work of an attempt before is here, that was cut off or rejected
        is_judged: bool  # whether its work passed already, and only what comes after that was cut off
        lock: str  # the file whose lock keeps others out while an attempt works here; "" for none

        def enter(self) -> str | None:
            """Make it ready; or return the commit, if the task's work has landed and only that was not recorded.

            Raises WorkRejected, WorkspaceUnusable.
            """

        def commit(self) -> str | None:
            """Judge what the agent did, and commit it; the commit, if there was anything to commit.

            Raises WorkRejected, WorkspaceUnusable.
            """

        def land(self, commit: str | None) -> str | None:
            """Bring what was committed where it belongs, and end the attempt; what the commit is there, if it had not
            the same already.

            Raises WorkRejected, WorkspaceUnusable.
            """

        def submit(self, commit: str) -> bool:
            """Leave what was committed to a person, where the loop's rules say so; whether it waits now."""

        def set_aside(self, reason: str) -> str | None:
            """Park the work, which did not pass; the ref that it is under, if there was anything.

            Raises WorkspaceUnusable.
            """

        def leave(self, reason: str) -> str | None:
            """End an attempt that was interrupted; the ref of its work, where that could not stay as it is.

            Raises WorkspaceUnusable.
            """

    WorkspaceKind = Callable[[Store, Host, "Rules", Task, int], Workspace]


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
    review: bool = False  # what passed its gate waits in its worktree for a person
    reviewer: bool = False  # what passed its gate is reviewed by an agent


class WorkRejected(Refused):
    """The work cannot be kept: the attempt failed."""


class WorkspaceUnusable(Refused):
    """No attempt can work here, whatever its task: a person has to look."""


def below(path: str, top: str) -> str | None:
    """Return a path as it stands below another one, or None if it does not."""
    rest = os.path.relpath(path, top)
    return None if rest == os.pardir or rest.startswith(os.pardir + os.sep) else rest


def judge(host: Host, directory: str, when: str = "") -> None:
    """Raise WorkRejected if the gate does not pass in this directory; `when` ends the reason."""
    failure = host.verify(directory)
    if failure:
        raise WorkRejected(failure + when)


class PlainDirectory:
    """The directory that the task names, with nothing kept or undone (a `Workspace`)."""

    def __init__(self, store: Store, host: Host, rules: Rules, task: Task, token: int) -> None:
        self._store = store
        self._host = host
        self._repository = rules.repository
        self._token = token
        self.commits = False
        self.directory = task.directory or os.getcwd()
        self.top: str | None = None
        self.goes_on = False
        self.is_judged = False
        self.lock = ""

    def enter(self) -> str | None:
        """Record that the attempt begins; say so where it lies outside of the loop's repository."""
        if self._repository:
            self._host.remark(f"{self.directory} lies outside of {self._repository}: nothing is committed")
        self._store.loop_attempts.prepare(self._token, None, None, None, None)
        return None

    def commit(self) -> str | None:
        """Run the gate; nothing is committed. Raises WorkRejected where it does not pass."""
        judge(self._host, self.directory)
        return None

    def submit(self, commit: str) -> bool:
        """Return False: nothing is committed here."""
        return False

    def land(self, commit: str | None) -> str | None:
        """Record that the attempt is over; what it changed stays."""
        self._store.loop_attempts.settle(self._token)
        return None

    def set_aside(self, reason: str) -> str | None:
        """Record that the attempt is over; what it changed stays."""
        self._store.loop_attempts.settle(self._token)
        return None

    def leave(self, reason: str) -> str | None:
        """Record that the attempt is over; what it changed stays."""
        return self.set_aside(reason)
