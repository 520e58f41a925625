"""The worktree of a task, made and removed: at the tip of the base branch, with what is copied and set up in it.

Guarantees: what is in its place, or on its branch, is moved or parked first, if it is nowhere else; what a kill leaves
half made or half removed bears the mark. Held by `worktree` and `reviewed_work`.
"""

from __future__ import annotations

import contextlib
import os
import shutil

from ..git.command import GitError
from ..git.parking import PARKED, make_writable
from ..text import shorten
from .workspace import WorkRejected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .workspace import Host, Rules
    from .worktree_site import WorktreeSite


class WorktreeBuilder:
    """Makes, furnishes and removes the worktree of a site."""

    def __init__(self, site: WorktreeSite, host: Host, rules: Rules) -> None:
        self._site = site
        self._host = host
        self._rules = rules

    def make(self, tip: str) -> str:
        """Make a new worktree at the tip of the base branch, and record that the attempt begins there; the tip.

        Raises WorkRejected where it cannot be furnished, GitError.
        """
        site = self._site
        with site.making():
            os.makedirs(os.path.dirname(site.path), 0o700, exist_ok=True)
            self._make_room(tip)
            site.set_mark()
            site.forget()
            self._keep_branch(tip)
            site.main.act("worktree", "add", "-q", "-f", "--no-track", "-B", site.branch, site.path, tip)
        try:
            self._furnish()
        except WorkRejected:
            site.drop_mark()  # a person may look into it
            raise
        site.begin(tip)
        site.drop_mark()
        return tip

    def _make_room(self, tip: str) -> None:
        """What is at our path is moved aside, if it holds anything."""
        site = self._site
        if site.is_marked():  # nobody has worked there, or all of it was put aside
            _remove_tree(site.path)
        if not os.path.lexists(site.path) or self._is_empty(tip):
            return
        aside = f"{site.path}.{site.token}"
        try:
            site.own.act("checkout", "-q", "--detach")
            site.main.act("worktree", "move", site.path, aside)
        except GitError:
            os.rename(site.path, aside)  # git moves none with submodules
            with contextlib.suppress(GitError):
                site.main.act("worktree", "repair", aside)
        self._host.remark(f"what was in {site.path} is in {aside} now")

    def _is_empty(self, tip: str) -> bool:
        """Whether all that was there is on the base branch, and only its removal was cut off."""
        site = self._site
        try:
            state = site.own.state()
            if state.changes or not state.commit or not site.own.is_ancestor(state.commit, tip):
                return False
            site.main.act("worktree", "remove", "--force", site.path)
        except GitError:
            return False
        return True

    def _keep_branch(self, tip: str) -> None:
        """A branch of the task's that is there already may hold commits that are nowhere else."""
        site = self._site
        commit = site.main.commit_of(f"refs/heads/{site.branch}")
        if commit and not site.main.is_ancestor(commit, tip):
            ref = f"{PARKED}/{site.task_id}/branch-{site.token}"
            site.main.act("update-ref", ref, commit)
            self._host.remark(f"the commits of its branch are parked as {ref}")

    def _furnish(self) -> None:
        """Copy what is configured, and run the setup command."""
        for path in self._rules.copy:
            try:
                _copy(os.path.join(self._site.top, path), os.path.join(self._site.path, path))
            except OSError as error:
                raise WorkRejected(f"{path} could not be copied into the worktree: {error.strerror}") from error
        failure = self._host.set_up(self._rules.setup, self._site.path) if self._rules.setup else None
        if failure:
            raise WorkRejected(failure)

    def remove(self, has_submodules: bool) -> None:
        """Remove the worktree and its branch; where that cannot be, they stay, and the report says why."""
        site = self._site
        try:
            with site.making(surely=True):
                if os.path.isdir(site.path) and not site.is_marked():
                    self._check_removable(has_submodules)
                site.set_mark()
                _remove_tree(site.path)  # git itself would not go on with one that is half removed
                site.forget()
                self._delete_branch()
                site.drop_mark()
        except (GitError, OSError) as error:
            self._host.remark(f"{site.path} stays: {error}")

    def _check_removable(self, has_submodules: bool) -> None:
        """Raise GitError where something is in the worktree, or behind it, that is nowhere else."""
        changes = self._site.own.state().changes
        if changes:
            raise GitError(f"not committed: {shorten(', '.join(changes[:3]), 100)}")
        if has_submodules:
            raise GitError("its commit names one of a submodule, which may be here alone: push that, then remove it")

    def _delete_branch(self) -> None:
        ref = f"refs/heads/{self._site.branch}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self._site.shared, ref + ".lock"))  # of a git that was killed: nobody else's
        if self._site.main.commits_of(ref):
            self._site.main_surely.act("update-ref", "-d", ref)  # `branch -D`, killed, leaves a lock on all refs


def _copy(source: str, target: str) -> None:
    """Copy a file or a directory to where nothing is yet."""
    if not os.path.lexists(source) or os.path.lexists(target):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(source):
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def _remove_tree(path: str) -> None:
    if os.path.lexists(path):
        make_writable(path)
        shutil.rmtree(path)
