"""Work that a person approved: from its worktree, or its branch where that is gone, onto the base branch.

What was reviewed lands as it is, unless the base branch has moved: then it is rebased and judged again. What a person
committed on its branch since then is judged, and lands with it. Guarantee: where it cannot land, the base branch is as
it was, and so are the branch and the worktree; what a kill cut off is found again by the next one (`enter`). Called by
`approval`.
"""

from __future__ import annotations

import os

from ..errors import Refused
from ..git import landing
from ..git.command import GitError
from ..git.index import staged, undo_squash
from ..git.parking import Label
from ..git.rebase import find_start, is_rebasing
from ..git.repository import Origin
from ..text import shorten
from .clearing import Clearing
from .committer import Committer
from .work import find_began
from .workspace import WorkRejected, judge
from .worktree_builder import WorktreeBuilder
from .worktree_landing import WorktreeLanding
from .worktree_recovery import WorktreeRecovery
from .worktree_site import WorktreeSite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Review, Task
    from ..store.store import Store
    from .workspace import Host, Rules


class ReviewedWork:
    """The work of one review, for the attempt that lands it."""

    def __init__(self, store: Store, host: Host, rules: Rules, task: Task, token: int, review: Review) -> None:
        self._store = store
        self._host = host
        self._attempt = review.attempt
        self._work = review.work
        self._has_new_gate = task.verify is not None and task.verify != review.gate
        self._began = find_began(store, review)
        self._site = WorktreeSite(store, host, rules, task, token)
        self._committer = Committer(store, host, rules, task, token)
        self._clearing = Clearing(store.home, host)
        self._builder = WorktreeBuilder(self._site, host, rules)
        self._recovery = WorktreeRecovery(self._site, host, store.home, self._clearing)
        self._landing = WorktreeLanding(self._site, host)
        self._found = ""  # the commit that was on the branch when this attempt began; "": it did not
        self._has_submodules = False  # whether it changes one

    @property
    def held(self) -> str:
        """Return why the base branch was left alone, and what holds the work meanwhile; "" if it was not."""
        return self._landing.held

    def land(self) -> str | None:
        """Land it; the commit that it is on the base branch, None where that had the same already.

        Raises WorkRejected where it cannot land, WorkspaceUnusable, AttemptStopped.
        """
        try:
            self._recovery.remove_half_made()
            self._recovery.mend_base()
            tip = landing.find_tip(self._site.main, self._site.base).commit
            landed = self._site.landed_before(tip) or self._land(tip)
        except GitError as error:
            raise WorkRejected(str(error)) from error
        self._site.settle(landed)
        self._builder.remove(self._has_submodules)
        return landed

    def _land(self, tip: str) -> str | None:
        site = self._site
        head = self._open(tip)
        start = find_start(site.own, head, tip, self._began)
        site.begin(start)
        if start == head:
            return head  # somebody has merged it
        commit: str | None = head
        if self._has_new_gate and head == self._work:
            judge(self._host, site.directory())
        if head != self._work:
            self._host.remark(f"its branch has gone on from {self._work[:12]} to {head[:12]}")
            judge(self._host, site.directory())
            commit = self._committer.commit(site.own, Origin(start, site.branch), site.directory())
        self._has_submodules = staged(site.own, start).has_submodules
        return self._landing.land(commit, start, site.directory()) if commit else None

    def _open(self, tip: str) -> str:
        """Make the worktree usable, or anew from its branch; the commit there. Raises WorkRejected, GitError."""
        site = self._site
        try:
            is_there = os.path.isdir(site.path) and not site.is_marked()
            if is_there:
                self._leave_rebase()
                self._recovery.make_usable(tip)
                self._undo_squash()
                site.own_surely.state()
        except GitError:
            is_there = False  # it is no worktree any more
        if not is_there:
            self._builder.make(self._find_commit())
        state = site.own_surely.state()
        if not site.main.commit_of(f"refs/heads/{site.branch}"):
            import shlex

            if state.branch == site.branch:
                words = shlex.join(["git", "-C", site.top, "branch", site.branch, self._work])
                raise WorkRejected(f"the branch {site.branch} is gone: `{words}` brings it back")
            words = shlex.join(["git", "-C", site.path, "switch", "-c", site.branch])
            raise WorkRejected(f"the branch {site.branch} is gone: `{words}` makes it of what is there")
        if state.branch != site.branch or not state.commit:
            raise WorkRejected(f"{site.path} has left its branch: `git switch {site.branch}` there")
        if state.changes:
            names = shorten(", ".join(state.changes[:3]), 100)
            raise WorkRejected(f"{site.path} has changes that are not committed ({names}): commit or undo them there")
        self._found = state.commit
        return state.commit

    def _leave_rebase(self) -> None:
        """One that no approval has begun is a person's. Raises WorkRejected, GitError."""
        site = self._site
        if is_rebasing(site.own_surely) and not any(one.attempt > self._attempt for one in site.cut_off()):
            raise WorkRejected(
                f"a rebase goes on in {site.path}: end it there, with `git rebase --continue` or `git rebase --abort`"
            )

    def _undo_squash(self) -> None:
        """Where an approval was cut off while it made one commit of several, they are there again. Raises GitError."""
        cut_off = self._site.cut_off()
        if cut_off and cut_off[-1].start:
            undo_squash(self._site.own_surely, cut_off[-1].start, self._site.task_id, cut_off[-1].attempt)

    def _find_commit(self) -> str:
        site = self._site
        for name in (f"refs/heads/{site.branch}", self._work):
            commit = site.main.commit_of(name)
            if commit:
                return commit
        raise WorkRejected(f"neither {site.branch} nor its commit {self._work[:12]} is there any more")

    def restore(self, reason: str) -> None:
        """Leave worktree and branch as they were found, after work that did not land; say so in the report where that
        cannot be. What differed is parked."""
        site = self._site
        self._store.loop_attempts.settle(site.token)
        if not self._found:
            return
        try:
            site.own_surely.break_locks(["index", "HEAD"])
            origin = Origin(self._found, site.branch)
            parked = self._clearing.clear_away(site.own_surely, origin, Label(site.task_id, site.token, reason))
        except (Refused, OSError) as error:
            self._host.remark(f"{site.path} is not as it was: {error}")
            return
        if parked:
            self._host.remark(f"what did not land is parked as {parked}")
