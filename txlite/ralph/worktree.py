"""A working tree and a branch of its own as a workspace, below home.

They begin at the tip of the base branch. The work becomes one commit, is rebased onto what the base branch has by then,
judged again if that had moved, and put onto it, one at a time. What an attempt leaves that was cut off stays, and the
next one goes on with it; what did not pass is parked. Called by the worker of a loop (`trial`).
"""

from __future__ import annotations

from ..errors import Refused
from ..git import landing
from ..git.command import GitError
from ..git.parking import Label
from ..git.repository import Origin
from .clearing import Clearing
from .committer import Committer
from .workspace import WorkRejected, WorkspaceUnusable, judge
from .worktree_builder import WorktreeBuilder
from .worktree_landing import WorktreeLanding
from .worktree_recovery import WorktreeRecovery
from .worktree_site import WorktreeSite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Task
    from ..store.store import Store
    from .workspace import Host, Rules


class Worktree:
    """A working tree of the task's own (a `Workspace`)."""

    def __init__(self, store: Store, host: Host, rules: Rules, task: Task, token: int) -> None:
        self._host = host
        self._is_reviewed = rules.review
        self._is_kept = rules.review or rules.reviewer  # until somebody has judged it
        self._judged: str | None = None  # the commit that passed when the attempt before was cut off
        self._site = WorktreeSite(store, host, rules, task, token)
        self._committer = Committer(store, host, rules, task, token)
        self._clearing = Clearing(store.home, host)
        self._builder = WorktreeBuilder(self._site, host, rules)
        self._recovery = WorktreeRecovery(self._site, host, store.home, self._clearing)
        self._landing = WorktreeLanding(self._site, host)
        self._origin: Origin | None = None  # where the attempt began; None: it did not
        self.commits = True
        self.directory = self._site.path
        self.top: str | None = self._site.path
        self.goes_on = False
        self.is_judged = False
        self.lock = ""

    def enter(self) -> str | None:
        """Go on in the worktree that is there, or make one; the commit, if this task's work had landed.

        Raises WorkRejected where it cannot be furnished, WorkspaceUnusable where none can be made.
        """
        try:
            return self._enter()
        except GitError as error:
            raise WorkspaceUnusable(f"no worktree could be made for {self._site.task_id}: {error}") from error

    def _enter(self) -> str | None:
        site = self._site
        self._recovery.remove_half_made()
        self._recovery.mend_base()
        tip = landing.find_tip(site.main, site.base).commit
        landed = site.landed_before(tip)
        if landed:
            self._end(landed)
            return landed
        self._origin = Origin(self._recovery.go_on(tip) or self._builder.make(tip), site.branch)
        self.goes_on = self._recovery.goes_on
        self.directory = site.directory()
        self._judged = self._recovery.find_judged() if self.goes_on else None
        self.is_judged = self._judged is not None
        return None

    def commit(self) -> str | None:
        """Judge and commit, on the branch of the task; the commit, if anything differs. Raises WorkRejected."""
        commit = self._judged or self._commit()
        if commit and self._is_kept:
            self._site.note_judged(commit)
        return commit

    def _commit(self) -> str | None:
        assert self._origin
        judge(self._host, self.directory)
        try:
            self._site.own.break_locks(["index", "HEAD"])  # the agent is gone, and its git with it
            self._origin = self._follow(self._origin)
        except GitError as error:
            raise WorkRejected(str(error)) from error
        return self._committer.commit(self._site.own, self._origin, self.directory)

    def _follow(self, origin: Origin) -> Origin:
        """Where the work begins: at a later commit of the base branch, if its agent has put it onto that one itself."""
        own = self._site.own
        if own.head() == origin.commit:
            return origin
        tip = landing.find_tip(self._site.main, self._site.base).commit
        base = own.ask("merge-base", "HEAD", tip, codes=(0, 1)).strip()
        return origin._replace(commit=base) if base and own.is_ancestor(origin.commit, base) else origin

    def submit(self, commit: str) -> bool:
        """Leave it in its worktree, on its branch, where a person is to see it first."""
        if self._is_reviewed:
            self._host.remark(f"it waits for a review, on {self._site.branch} as {commit}")
        return self._is_reviewed

    def land(self, commit: str | None) -> str | None:
        """Put the commit onto the base branch; what it is there, if there was anything that it had not.

        Raises WorkRejected, WorkspaceUnusable.
        """
        assert self._origin
        landed = self._landing.land(commit, self._origin.commit, self.directory) if commit else None
        self._end(landed)
        return landed

    def set_aside(self, reason: str) -> str | None:
        """Park what the attempt changed; its ref. Where that does not work, it stays, and the report says so."""
        site = self._site
        if not self._origin:
            return None
        try:
            site.own_surely.break_locks(["index", "HEAD"])
            parked = self._clearing.clear_away(site.own_surely, self._origin, Label(site.task_id, site.token, reason))
        except (Refused, OSError) as error:
            self._host.remark(f"its work stays in {site.path}: {error}")
            return None
        self._end(None, parked)
        return parked

    def leave(self, reason: str) -> str | None:
        """Leave it as it is: the next attempt goes on with it."""
        return None

    def _end(self, landed: str | None, parked: str | None = None) -> None:
        """Record where the work is, and remove the worktree."""
        self._site.settle(landed, parked)
        self._builder.remove(self._committer.has_submodules)
