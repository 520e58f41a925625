"""A working tree and a branch of its own as the place of an attempt, below home.

They begin at the tip of the base branch. The work becomes one commit, is rebased onto what the base branch has by then,
judged again if that had moved, and put onto it, one at a time. What an attempt leaves that was cut off stays, and the
next one goes on with it; what did not pass is parked. Used by `ralph`.
"""

from __future__ import annotations

import contextlib
import os
import shutil

from ..errors import Refused
from ..git import landing
from ..git.command import GitError
from ..git.parking import PARKED, make_writable, park
from ..git.repository import Repository
from ..model import BEGUN, LANDING
from ..text import shorten
from .workspace import PlainDirectory, WorkRejected, WorkspaceUnusable, below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import LoopAttempt, Task
    from ..store.store import Store
    from .workspace import Host, Rules

WORKTREES = "worktrees"  # below home
BRANCH = "txlite"  # below it: the branch of a task
MAKING_LOCK = "txlite-worktrees.lock"  # in the repository itself, as the other locks: a worktree is made or removed


class Worktree(PlainDirectory):
    """An attempt in a working tree of its own."""

    commits = True

    def __init__(self, store: Store, host: Host, rules: Rules, task: Task, token: int) -> None:
        super().__init__(store, host, rules, task, token)
        self._top = str(rules.repository)
        self._base = str(rules.base)
        self._main = Repository(self._top, store.home, host.act)
        self._main_surely = Repository(self._top, store.home, host.act_surely)
        self._shared = rules.shared
        self._path = os.path.join(store.home, WORKTREES, task.id)
        self._branch = f"{BRANCH}/{task.id}"
        self.directory = self.top = self._path
        self._own = self._main.at(self._path)
        self._surely = Repository(self._path, store.home, host.act_surely)
        self._start = ""

    def enter(self) -> str | None:
        try:
            self._sweep()
            self._mend()
            tip = landing.find_tip(self._main, self._base).commit
            landed = self._store.cut_off_landing(self._token)
            if landed and self._main.is_ancestor(landed, tip):
                self._settle_all(landed)
                self._remove()
                return landed
            self._start = self._go_on(tip) or self._make(tip)
        except GitError as error:
            raise WorkspaceUnusable(f"no worktree could be made for {self._task.id}: {error}") from error
        self.directory = self._directory()
        return None

    def _sweep(self) -> None:
        """Remove what git keeps of worktrees of ours over whose making it was killed: it may be in no form to be read,
        and then fails the user's git, too."""
        if self._half_made():
            with self._host.locked(os.path.join(self._shared, MAKING_LOCK)):  # nobody makes one
                for path in self._half_made():
                    shutil.rmtree(path)

    def _half_made(self) -> list[str]:
        known = os.path.join(self._shared, "worktrees")
        names = os.listdir(known) if os.path.isdir(known) else []
        return [os.path.join(known, name) for name in names if self._is_half_made(known, name)]

    def _is_half_made(self, known: str, name: str) -> bool:
        """Whether git says that it has not made this worktree to its end, and it is one of ours."""
        task = next((task for task in (name, name[:-1]) if os.path.lexists(self._mark_of(task))), None)
        if task is None or not name.startswith("tx-"):
            return False
        try:
            with open(os.path.join(known, name, "locked"), encoding="utf-8", errors="replace") as file:
                reason = file.read().strip()
        except OSError:
            return False
        return reason == "initializing" or (not reason and not os.path.exists(os.path.join(known, name, "HEAD")))

    def _mend(self) -> None:
        """The working tree of the base branch may be half put forward, where a kill came as our work landed."""
        for trial in self._cut_off():
            if trial.stage == LANDING and trial.landed:
                with self._host.locked(os.path.join(self._shared, landing.LOCK)):
                    self._mend_base(trial.landed)

    def _mend_base(self, commit: str) -> None:
        place = self._main_surely.place_of(self._base)
        if place:
            for name in ("index", "HEAD", f"refs/heads/{self._base}"):
                self._host.free(place.path_of(name + ".lock"))
            if landing.undo(self._main_surely, self._base, commit):
                self._host.remark(f"{place.top} was half put forward when a kill came: it is as it was")

    def _go_on(self, tip: str) -> str | None:
        """The commit that the work began with, where an attempt that was cut off has left some."""
        if os.path.lexists(self._making) or not self._cut_off() or not os.path.isdir(self._path):
            return None
        try:
            self._make_usable(tip)
            if self._surely.state().branch != self._branch:
                return self._begin_anew(tip)
            start = self._surely.ask("merge-base", "HEAD", tip).strip()
        except GitError:
            return None  # it is none any more
        self._store.prepare(self._token, self._top, self._base, start, self._path)
        self.goes_on = True
        self._host.remark(f"it goes on with what an attempt that was cut off has left in {self._path}")
        return start

    def _begin_anew(self, tip: str) -> str:
        """Where an attempt was cut off on another branch, its work is parked, and the worktree used again."""
        last = self._cut_off()[-1].attempt
        parked = self._clear_away(self._surely, tip, self._branch, "it was cut off", (self._task.id, last))
        self._host.remark(f"what attempt {last} left when it was cut off is {parked}")
        self._store.settle(last, parked=parked)
        self._store.prepare(self._token, self._top, self._base, tip, self._path)
        return tip

    def _make_usable(self, tip: str) -> None:
        """Nobody works here: locks are a killed git's, and what was half rebased is as it was before."""
        parked = [f"{PARKED}/{trial.task}/{trial.attempt}" for trial in self._cut_off()]
        self._surely.break_locks(["index", "HEAD", f"refs/heads/{self._branch}", *parked])
        if self._surely.is_rebasing:
            last = self._cut_off()[-1].attempt
            ref = park(self._surely, tip, None, "it was cut off in a rebase", self._task.id, last)
            self._host.remark(f"what attempt {last} had rebased so far is {ref}")
            self._surely.abort_rebase()

    def _cut_off(self) -> list[LoopAttempt]:
        unsettled = self._store.unsettled(self._task.seq)
        found = [trial for trial in unsettled if trial.attempt != self._token and trial.stage != BEGUN]
        return [trial for trial in found if trial.base == self._base and trial.worktree]

    @property
    def _making(self) -> str:
        """The mark of a worktree that is being made or removed: nobody's work is in it."""
        return self._mark_of(self._task.id)

    def _mark_of(self, task: str) -> str:
        return os.path.join(self._store.home, WORKTREES, f".{task}.making")

    def _make(self, tip: str) -> str:
        """A new worktree at the tip of the base branch; what is in its place is moved aside, if it holds anything."""
        with self._host.locked(os.path.join(self._shared, MAKING_LOCK)):
            os.makedirs(os.path.dirname(self._path), 0o700, exist_ok=True)
            self._clear(tip)
            self._set_mark()
            self._forget()
            self._keep_branch(tip)
            words = ("worktree", "add", "-q", "-f", "--no-track", "-B", self._branch)
            self._main.act(*words, self._path, tip)
        try:
            self._furnish()
        except WorkRejected:
            self._drop_mark()  # a person may look into it
            raise
        self._store.prepare(self._token, self._top, self._base, tip, self._path)
        self._drop_mark()
        return tip

    def _clear(self, tip: str) -> None:
        """Make room at our path."""
        if os.path.lexists(self._making):  # nobody has worked there, or all of it was put aside
            _remove_tree(self._path)
        if not os.path.lexists(self._path) or self._is_empty(tip):
            return
        aside = f"{self._path}.{self._token}"
        try:
            self._own.act("checkout", "-q", "--detach")
            self._main.act("worktree", "move", self._path, aside)
        except GitError:
            os.rename(self._path, aside)  # git moves none with submodules
            with contextlib.suppress(GitError):
                self._main.act("worktree", "repair", aside)
        self._host.remark(f"what was in {self._path} is in {aside} now")

    def _is_empty(self, tip: str) -> bool:
        """Whether all that was there is on the base branch, and only its removal was cut off."""
        try:
            state = self._own.state()
            if state.changes or not state.commit or not self._own.is_ancestor(state.commit, tip):
                return False
            self._main.act("worktree", "remove", "--force", self._path)
        except GitError:
            return False
        return True

    def _forget(self) -> None:
        """git must not take our path for a worktree that is not there; twice forced, for it locks those it makes."""
        known = os.path.join(self._shared, "worktrees")
        names = os.listdir(known) if os.path.isdir(known) else []
        if any(name.startswith(self._task.id) for name in names) and self._path in self._main.worktrees():
            self._main_surely.act("worktree", "remove", "--force", "--force", self._path)

    def _set_mark(self) -> None:
        with open(self._making, "w"):
            pass

    def _drop_mark(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._making)

    def _keep_branch(self, tip: str) -> None:
        """A branch of the task's that is there already may hold commits that are nowhere else."""
        commit = self._main.commit_of(f"refs/heads/{self._branch}")
        if commit and not self._main.is_ancestor(commit, tip):
            ref = f"{PARKED}/{self._task.id}/branch-{self._token}"
            self._main.act("update-ref", ref, commit)
            self._host.remark(f"the commits of its branch are parked as {ref}")

    def _furnish(self) -> None:
        """Copy what is configured, and run the setup command."""
        for path in self._rules.copy:
            source, target = os.path.join(self._top, path), os.path.join(self._path, path)
            if not os.path.lexists(source) or os.path.lexists(target):
                continue
            try:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                if os.path.isdir(source):
                    shutil.copytree(source, target, symlinks=True)
                else:
                    shutil.copy2(source, target, follow_symlinks=False)
            except OSError as error:
                raise WorkRejected(f"{path} could not be copied into the worktree: {error.strerror}") from error
        if self._rules.setup:
            failure = self._host.set_up(self._rules.setup, self._path)
            if failure:
                raise WorkRejected(failure)

    def _directory(self) -> str:
        """The task's directory, in the worktree; its top, where the worktree has no such directory."""
        rest = self._rest(os.path.realpath(self._task.directory or self._top))
        found = os.path.join(self._path, rest) if rest != os.curdir else self._path
        return found if os.path.isdir(found) else self._path

    def _rest(self, directory: str) -> str:
        """A directory as it stands below the top; a task that was added from inside a worktree is below that one's."""
        inside = below(directory, os.path.join(os.path.realpath(self._store.home), WORKTREES))
        if inside is not None and inside != os.curdir:
            return os.path.join(os.curdir, *inside.split(os.sep)[1:])
        return below(directory, os.path.realpath(self._top)) or os.curdir

    def keep(self) -> str | None:
        self._judge()
        try:
            self._own.break_locks(["index", "HEAD"])  # the agent is gone, and its git with it
        except GitError as error:
            raise WorkRejected(str(error)) from error
        commit = self._commit(self._own, self._start, self._branch)
        try:
            landed = self._land(commit) if commit else None
        except landing.Diverged as error:
            raise WorkspaceUnusable(str(error)) from error
        except GitError as error:
            raise WorkRejected(str(error)) from error
        self._settle_all(landed)
        self._remove()
        return landed

    def _land(self, commit: str) -> str | None:
        """Put the commit onto the base branch, one at a time; what it is there."""
        with self._host.locked(os.path.join(self._shared, landing.LOCK)):
            tip, held = landing.find_tip(self._main, self._base)
            if tip != self._start and not self._own.is_ancestor(tip, commit):
                conflicts = self._own.rebase(tip)
                if conflicts:
                    raise WorkRejected(f"it conflicts with what {self._base} has now, in {', '.join(conflicts[:5])}")
                commit = self._own.head()
                if commit == tip:
                    return None  # another task has done the same
                self._judge(f" (after the rebase onto {self._base})")
            self._store.land(self._token, commit)
            why_not = landing.land(self._main_surely, self._base, commit, held)
        if why_not:
            name = f"{landing.HELD_BACK}/{self._base}"
            self._host.remark(f"{why_not}: it was left alone, and {name} holds the work until it is clean")
        return commit

    def set_aside(self, reason: str) -> str | None:
        if not self._start:
            return None
        try:
            self._surely.break_locks(["index", "HEAD"])
            parked = self._clear_away(self._surely, self._start, self._branch, reason)
        except (Refused, OSError) as error:
            self._host.remark(f"its work stays in {self._path}: {error}")
            return None
        self._settle_all(None, parked)
        self._remove()
        return parked

    def leave(self, reason: str) -> str | None:
        return None  # the next attempt goes on with it

    def _settle_all(self, landed: str | None, parked: str | None = None) -> None:
        """Ours, and those before it whose work is in ours."""
        for trial in self._store.unsettled(self._task.seq):
            if trial.attempt != self._token:
                self._store.settle(trial.attempt, landed if trial.stage == LANDING else None)
        self._store.settle(self._token, landed, parked)

    def _remove(self) -> None:
        """The worktree and the branch; the mark says that nobody's work is in what a kill leaves of them."""
        try:
            with self._host.locked(os.path.join(self._shared, MAKING_LOCK), surely=True):
                if os.path.isdir(self._path) and not os.path.lexists(self._making):
                    self._check_removable()
                self._set_mark()
                _remove_tree(self._path)  # git itself would not go on with one that is half removed
                self._forget()
                self._delete_branch()
                self._drop_mark()
        except (GitError, OSError) as error:
            self._host.remark(f"{self._path} stays: {error}")

    def _check_removable(self) -> None:
        """Raise GitError where something is in the worktree, or behind it, that is nowhere else."""
        changes = self._own.state().changes
        if changes:
            raise GitError(f"not committed: {shorten(', '.join(changes[:3]), 100)}")
        if self._has_submodules:
            raise GitError("its commit names one of a submodule, which may be here alone: push that, then remove it")

    def _delete_branch(self) -> None:
        ref = f"refs/heads/{self._branch}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self._shared, ref + ".lock"))  # of a git that was killed: nobody else works on it
        if self._main.commits_of(ref):
            self._main_surely.act("update-ref", "-d", ref)  # `branch -D`, killed, leaves a lock on all refs


def _remove_tree(path: str) -> None:
    if os.path.lexists(path):
        make_writable(path)
        shutil.rmtree(path)
