"""What a kill cut off in worktrees, mended before the next attempt: half made ones, a half landed base, open work.

Guarantees: unfinished work is gone on with, or parked; what is not ours is not touched. Held by `worktree`
and `reviewed_work`.
"""

from __future__ import annotations

import os
import shutil

from ..git import half_landed, landing, parking
from ..git.command import GitError
from ..git.parking import PARKED, Label
from ..git.rebase import abort_rebase, is_rebasing
from ..git.repository import Origin
from ..model import LANDING
from .worktree_site import mark_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .clearing import Clearing
    from .workspace import Host
    from .worktree_site import WorktreeSite


class WorktreeRecovery:
    """Mends what attempts of one task left that were cut off."""

    def __init__(self, site: WorktreeSite, host: Host, home: str, clearing: Clearing) -> None:
        self._site = site
        self._host = host
        self._home = home
        self._clearing = clearing
        self.goes_on = False  # whether unfinished work is there for this attempt

    def remove_half_made(self) -> None:
        """Remove what git keeps of worktrees of ours over whose making it was killed.

        It may be in no form to be read, and then fails the user's git, too. Raises GitError, OSError.
        """
        if self._half_made():
            with self._site.making():  # nobody makes one
                for path in self._half_made():
                    shutil.rmtree(path)

    def _half_made(self) -> list[str]:
        known = os.path.join(self._site.shared, "worktrees")
        names = os.listdir(known) if os.path.isdir(known) else []
        return [os.path.join(known, name) for name in names if self._is_half_made(known, name)]

    def _is_half_made(self, known: str, name: str) -> bool:
        """Whether git says that it has not made this worktree to its end, and it is one of ours."""
        tasks = (name, name[:-1])  # git adds a digit where the name is taken
        if not name.startswith("tx-") or not any(os.path.lexists(mark_of(self._home, task)) for task in tasks):
            return False
        try:
            with open(os.path.join(known, name, "locked"), encoding="utf-8", errors="replace") as file:
                reason = file.read().strip()
        except OSError:
            return False
        return reason == "initializing" or (not reason and not os.path.exists(os.path.join(known, name, "HEAD")))

    def mend_base(self) -> None:
        """Undo what is half done of putting the base's working tree forward, where a kill came as our work landed.

        Raises GitError.
        """
        for record in self._site.cut_off():
            if record.stage == LANDING and record.landed:
                with self._host.locked(os.path.join(self._site.shared, landing.LOCK)):
                    self._undo(record.landed)

    def _undo(self, commit: str) -> None:
        base = self._site.base
        tree = self._site.main_surely.working_tree_of(base)
        if tree:
            for name in ("index", "HEAD", f"refs/heads/{base}"):
                self._host.free(tree.path_of(name + ".lock"))
            if half_landed.undo(self._site.main_surely, base, commit):
                self._host.remark(f"{tree.top} was half put forward when a kill came: it is as it was")

    def go_on(self, tip: str) -> str | None:
        """Make usable what an attempt that was cut off has left, and record that this one begins there.

        Returns the commit that the work began with; None where a new worktree has to be made.
        """
        site = self._site
        if site.is_marked() or not site.cut_off() or not os.path.isdir(site.path):
            return None
        try:
            self.make_usable(tip)
            if site.own_surely.state().branch != site.branch:
                return self._begin_anew(tip)
            start = site.own_surely.ask("merge-base", "HEAD", tip).strip()
        except GitError:
            return None  # it is none any more
        site.begin(start)
        self.goes_on = True
        self._host.remark(f"it goes on with what earlier attempts have left in {site.path}")
        return start

    def find_judged(self) -> str | None:
        """Return the commit of an attempt that was cut off after that had passed, if it is here as it was. Raises
        GitError."""
        judged = self._site.judged_before()
        state = self._site.own_surely.state() if judged else None
        return judged if state and state.commit == judged and not state.changes else None

    def make_usable(self, tip: str) -> None:
        """Nobody works here: locks are a killed git's, and what was half rebased is as it was. Raises GitError."""
        tree, cut_off = self._site.own_surely, self._site.cut_off()
        parked = [f"{PARKED}/{record.task}/{record.attempt}" for record in cut_off]
        tree.break_locks(["index", "HEAD", f"refs/heads/{self._site.branch}", *parked])
        if is_rebasing(tree):
            last = cut_off[-1].attempt
            ref = parking.park(tree, Origin(tip, None), Label(self._site.task_id, last, "it was cut off in a rebase"))
            self._host.remark(f"what attempt {last} had rebased so far is {ref}")
            abort_rebase(tree)

    def _begin_anew(self, tip: str) -> str:
        """Where an attempt was cut off on another branch, its work is parked, and the worktree used again."""
        site, last = self._site, self._site.cut_off()[-1].attempt
        label = Label(site.task_id, last, "it was cut off")
        parked = self._clearing.clear_away(site.own_surely, Origin(tip, site.branch), label)
        self._host.remark(f"what attempt {last} left when it was cut off is {parked}")
        site.settle_parked(last, parked)
        site.begin(tip)
        return tip
