"""How the commit of a worktree comes onto its base branch: one at a time, rebased, and judged again if that had moved.

Guarantees: what lands follows the tip of the base branch and has passed the gate there; before it lands, the record of
its attempt says as which commit. Held by the workspaces with a worktree, `worktree` and `reviewed_work`.
"""

from __future__ import annotations

import os

from ..git import landing
from ..git.command import GitError
from ..git.rebase import rebase
from .workspace import WorkRejected, WorkspaceUnusable, judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .workspace import Host
    from .worktree_site import WorktreeSite

CONFLICTS = "it conflicts with"  # as the reason begins why work does not land


class WorktreeLanding:
    """Lands the work of one site. `held`: why the base branch was left alone, and what holds the work; "" if it was
    not."""

    def __init__(self, site: WorktreeSite, host: Host) -> None:
        self.held = ""
        self._site = site
        self._host = host

    def land(self, commit: str, start: str, directory: str) -> str | None:
        """Put a commit onto the base branch; what it is there, None where the branch had the same already.

        start: the commit of the base branch that the work began with; directory: where the gate runs. Raises
        WorkRejected, and WorkspaceUnusable where the base branch and what is held back for it have gone different ways.
        """
        try:
            return self._land(commit, start, directory)
        except landing.Diverged as error:
            raise WorkspaceUnusable(str(error)) from error
        except GitError as error:
            raise WorkRejected(str(error)) from error

    def _land(self, commit: str, start: str, directory: str) -> str | None:
        site = self._site
        with self._host.locked(os.path.join(site.shared, landing.LOCK)):
            tip, held = landing.find_tip(site.main, site.base)
            if tip != start and not site.own.is_ancestor(tip, commit):
                commit = self._rebase(tip, start)
                if commit == tip:
                    return None  # another task has done the same
                judge(self._host, directory, f" (after the rebase onto {site.base})")
            site.record_landing(commit)
            why_not = landing.land(site.main_surely, site.base, commit, held)
        if why_not:
            name = f"{landing.HELD_BACK}/{site.base}"
            self.held = f"{why_not}: {name} holds the work; `git merge {name}` brings it when that is out of the way"
            self._host.remark(self.held)
        return commit

    def _rebase(self, tip: str, start: str) -> str:
        """Put what is checked out onto the tip of the base branch; the new commit. Raises WorkRejected for
        conflicts."""
        conflicts = rebase(self._site.own, tip, start)
        if conflicts:
            names = ", ".join(conflicts[:5])
            raise WorkRejected(f"{CONFLICTS} what {self._site.base} has now, in {names}")
        return self._site.own.head()
