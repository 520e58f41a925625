"""Where an attempt of a loop works, and how its work gets where it belongs.

    Plain      a directory without git, or a loop that does not commit: nothing is kept or undone
    InPlace    the user's own working tree: a commit per task; what did not pass is parked, and the tree restored
    Worktree   a working tree and a branch of its own: committed there, rebased, judged again, put onto the base branch

Guarantees: what an attempt leaves is on the base branch, on a ref of its own, or still in its worktree; nothing else is
ever removed. What a kill cut off at any point is found again through its trial (`enter`). Used by `ralph`; `catch_up`
by the loop, `look` and `remove` by `cleanup` and `night`.
"""

from __future__ import annotations

import os
import shutil

from . import git
from .errors import Refused, TaskNotFound
from .git import BRANCH, HELD_BACK, GitError, Repository
from .model import BEGUN, LANDING
from .record import NamedTuple
from .text import shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Protocol

    from .model import Task, Trial
    from .store import Store

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


WORKTREES = "worktrees"  # below home: the directory of the worktrees
ASIDE = "aside"  # below home: repositories that agents made within theirs
# Locks, in the repository itself: two homes may work on one.
TREE_LOCK = "txlite-tree.lock"  # an attempt works in this working tree
WORKTREES_LOCK = "txlite-worktrees.lock"  # a worktree is made or removed
LANDING_LOCK = "txlite-landing.lock"  # work is put onto a base branch


class Rules(NamedTuple):
    """How a loop treats the work of its agents."""

    repository: str | None  # the top of the working tree; None: no git
    base: str | None  # the branch that the work is for
    worktrees: bool
    allow: tuple[str, ...]  # patterns of files that are no secrets
    copy: tuple[str, ...]  # paths from the top that each worktree gets
    setup: str | None  # command that makes a new worktree ready


class Unfit(Refused):
    """The work cannot be kept: the attempt failed."""


class Hindered(Refused):
    """No attempt can work here, whatever its task: a person has to look."""


def choose(store: Store, host: Host, rules: Rules, task: Task, token: int) -> Plain:
    """The place for an attempt of this task."""
    top = rules.repository
    directory = os.path.realpath(task.directory or top or os.getcwd())
    if top is None or _below(directory, os.path.realpath(top)) is None:
        return Plain(store, host, rules, task, token)
    kind = Worktree if rules.worktrees else InPlace
    return kind(store, host, rules, task, token)


def _below(path: str, top: str) -> str | None:
    """A path as it stands below another one, if it does."""
    rest = os.path.relpath(path, top)
    return None if rest == os.pardir or rest.startswith(os.pardir + os.sep) else rest


class Plain:
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
            raise Unfit(failure + when)

    @property
    def _message(self) -> str:
        """The title is data: whatever stands in it, it is one line of a message that comes by stdin."""
        return f"Complete {self._task.id}: {' '.join(self._task.title.split())}\n"

    def _commit(self, repository: Repository, start: str, branch: str | None) -> str | None:
        """Commit all there is, as one commit; it, or None where nothing differs from `start`. Raises Unfit."""
        try:
            return self._try_to_commit(repository, start, branch)
        except GitError as error:
            raise Unfit(str(error)) from error

    def _try_to_commit(self, repository: Repository, start: str, branch: str | None) -> str | None:
        found = repository.state().branch
        if found != branch:
            raise Unfit(f"it left the branch {branch} for {found}")
        repository.squash(start, self._task.id, self._token)
        inner = repository.untracked_repositories()
        if not inner:
            repository.stage()
            inner = repository.staged_repositories(start)
        if inner:
            name = shorten(inner[0].rstrip("/"), 100)
            raise Unfit(f"{name} is a git repository of its own: what is in it cannot be committed here")
        secrets = repository.secrets(start, self._rules.allow)
        if secrets:
            names = shorten(", ".join(secrets[:5]), 200)
            raise Unfit(f"new files look like secrets and were not committed: {names} (--allow PATTERN lets them pass)")
        commit = None
        if repository.is_staged(start):
            self._store.land(self._token, None)
            commit = self._commit_staged(repository)
        left = repository.state().changes
        if left:
            raise Unfit(f"not all of it could be committed: {shorten(', '.join(left[:3]), 100)}")
        return commit

    def _commit_staged(self, repository: Repository) -> str:
        try:
            return repository.commit(self._message)
        except GitError:
            if not repository.has_unstaged():
                raise
        repository.stage()  # a hook changed files and refused: it gets what it wants, if the gate does, too
        self._judge(" (with what a hook changed)")
        repository.stage()
        return repository.commit(self._message)

    def _clear_away(
        self, repository: Repository, start: str, branch: str | None, reason: str, task: str, token: int
    ) -> str | None:
        """Park what differs from `start`, and make the tree what it was; the ref."""
        aside = os.path.join(self._store.home, ASIDE, f"{task}.{token}")
        moved = repository.move_inner(aside)
        parked = repository.park(task, token, start, reason, branch)
        moved += repository.restore(start, branch, parked, aside)
        for path in moved:
            self._host.remark(f"a repository that was within is in {path} now")
        return parked


class InPlace(Plain):
    """The user's own working tree: one attempt at a time, though a worker may outlive its loop."""

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
            raise Hindered(str(error)) from error
        if state.commit is None:
            raise Hindered(f"{self._top} has no commit yet: make a first one")
        landed = self._store.cut_off_landing(self._token)
        if landed and self._repository.is_ancestor(landed, state.commit):
            self._store.settle(self._token, landed)
            return landed
        if state.changes:
            names = shorten(", ".join(state.changes[:3]), 100)
            raise Hindered(f"{self._top} has changes that are not committed ({names}): commit or stash them")
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
            parked = self._clear_away(
                self._surely, self._start, self._branch, reason, self._task.id, self._token
            )  # fmt: skip
        except GitError as error:
            raise Hindered(f"what the attempt left could not be put aside: {error}") from error
        self._store.settle(self._token, parked=parked)
        return parked

    def _cut_off(self) -> list[Trial]:
        """The attempts in this tree whose ends were not recorded: all others have left it as it was."""
        found = [trial for trial in self._store.unsettled() if trial.attempt != self._token and not trial.worktree]
        return [trial for trial in found if trial.repository == self._top and trial.start]

    def _is_being_recovered(self) -> bool:
        """Whether a worker died here whose agent may not be gone yet."""
        claimed = {claim.token for claim in self._store.claims()}
        return any(trial.attempt in claimed for trial in self._cut_off())

    def _settle(self, trial: Trial) -> None:
        """Find out how far an attempt had come that was cut off, and clear up after it."""
        state, start = self._surely.state(), str(trial.start)
        head, parked = state.commit or start, None
        if state.changes:  # what is committed stays: it may be the user's, of the time since
            parked = self._clear_away(
                self._surely, head, state.branch, "it was cut off", trial.task, trial.attempt
            )  # fmt: skip
            self._host.remark(f"what attempt {trial.attempt} of {trial.task} left when it was cut off is {parked}")
        subject = self._surely.ask("log", "-1", "--format=%s", head)
        is_ours = trial.stage == LANDING and subject.startswith(f"Complete {trial.task}: ")
        is_landed = is_ours and self._surely.commit_of(f"{head}~1") == start and not state.changes
        if head != start and not is_landed and not parked:
            parked = f"{git.PARKED}/{trial.task}/{trial.attempt}"
            self._surely.act("update-ref", parked, head)
        self._store.settle(trial.attempt, head if is_landed else None, parked)


class Worktree(Plain):
    """A working tree and a branch of its own, below home."""

    commits = True

    def __init__(self, store: Store, host: Host, rules: Rules, task: Task, token: int) -> None:
        super().__init__(store, host, rules, task, token)
        self._top = str(rules.repository)
        self._base = str(rules.base)
        self._main = Repository(self._top, store.home, host.act)
        self._main_surely = Repository(self._top, store.home, host.act_surely)
        self._shared = self._main.shared_directory()
        self._path = os.path.join(store.home, WORKTREES, task.id)
        self._branch = f"{BRANCH}/{task.id}"
        self.directory = self.top = self._path
        self._own = self._main.at(self._path)
        self._surely = Repository(self._path, store.home, host.act_surely)
        self._start = ""

    def enter(self) -> str | None:
        try:
            tip = find_tip(self._main, self._base)
            landed = self._store.cut_off_landing(self._token)
            if landed and self._main.is_ancestor(landed, tip):
                self._settle_all(landed)
                self._remove()
                return landed
            self._start = self._go_on(tip) or self._make(tip)
        except GitError as error:
            raise Hindered(f"no worktree could be made for {self._task.id}: {error}") from error
        self.directory = self._directory()
        return None

    def _go_on(self, tip: str) -> str | None:
        """The commit that the work began with, where an attempt that was cut off has left some."""
        if os.path.lexists(self._making) or not self._cut_off() or not os.path.isdir(self._path):
            return None
        try:
            self._surely.break_locks()
            if not self._surely.is_usable(self._branch):
                return None
            start = self._surely.ask("merge-base", "HEAD", tip).strip()
        except GitError:
            return None  # it is none any more
        self._store.prepare(self._token, self._top, self._base, start, self._path)
        self.goes_on = True
        self._host.remark(f"it goes on with what an attempt that was cut off has left in {self._path}")
        return start

    def _cut_off(self) -> list[Trial]:
        unsettled = self._store.unsettled(self._task.seq)
        return [trial for trial in unsettled if trial.attempt != self._token and trial.stage != BEGUN]

    @property
    def _making(self) -> str:
        """The mark of a worktree in which no agent has worked yet."""
        return os.path.join(self._store.home, WORKTREES, f".{self._task.id}.making")

    def _make(self, tip: str) -> str:
        """A new worktree at the tip of the base branch; what is in its place is moved aside, if it holds anything."""
        with self._host.locked(os.path.join(self._shared, WORKTREES_LOCK)):
            os.makedirs(os.path.dirname(self._path), 0o700, exist_ok=True)
            self._clear()
            with open(self._making, "w"):
                pass
            self._keep_branch(tip)
            self._main.add_worktree(self._path, self._branch, tip)
        self._furnish()
        self._store.prepare(self._token, self._top, self._base, tip, self._path)
        os.unlink(self._making)
        return tip

    def _clear(self) -> None:
        if not os.path.lexists(self._path):
            return
        if os.path.lexists(self._making):  # nobody has worked there
            shutil.rmtree(self._path)
            return
        aside = f"{self._path}.{self._token}"
        try:
            self._own.act("checkout", "-q", "--detach")
            self._main.act("worktree", "move", self._path, aside)
        except GitError:
            os.rename(self._path, aside)
        self._host.remark(f"what was in {self._path} is in {aside} now")

    def _keep_branch(self, tip: str) -> None:
        """A branch of the task's that is there already may hold commits that are nowhere else."""
        commit = self._main.commit_of(f"refs/heads/{self._branch}")
        if commit and not self._main.is_ancestor(commit, tip):
            ref = f"{git.PARKED}/{self._task.id}/branch-{self._token}"
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
                raise Unfit(f"{path} could not be copied into the worktree: {error.strerror}") from error
        if self._rules.setup:
            failure = self._host.set_up(self._rules.setup, self._path)
            if failure:
                raise Unfit(failure)

    def _directory(self) -> str:
        """The task's directory, in the worktree; its top, where the worktree has no such directory."""
        rest = self._rest(os.path.realpath(self._task.directory or self._top))
        found = os.path.join(self._path, rest) if rest != os.curdir else self._path
        return found if os.path.isdir(found) else self._path

    def _rest(self, directory: str) -> str:
        """A directory as it stands below the top; a task that was added from inside a worktree is below that one's."""
        inside = _below(directory, os.path.join(os.path.realpath(self._store.home), WORKTREES))
        if inside is not None and inside != os.curdir:
            return os.path.join(os.curdir, *inside.split(os.sep)[1:])
        return _below(directory, os.path.realpath(self._top)) or os.curdir

    def keep(self) -> str | None:
        self._judge()
        commit = self._commit(self._own, self._start, self._branch)
        try:
            landed = self._land(commit) if commit else None
        except GitError as error:
            raise Unfit(str(error)) from error
        self._settle_all(landed)
        self._remove()
        return landed

    def _land(self, commit: str) -> str | None:
        """Put the commit onto the base branch, one at a time; what it is there."""
        with self._host.locked(os.path.join(self._shared, LANDING_LOCK)):
            tip = find_tip(self._main, self._base)
            if not self._own.is_ancestor(tip, commit):
                conflicts = self._own.rebase(tip)
                if conflicts:
                    raise Unfit(f"it conflicts with what {self._base} has now, in {', '.join(conflicts[:5])}")
                commit = self._own.head()
                if commit == tip:
                    return None  # another task has done the same
                self._judge(f" (after the rebase onto {self._base})")
            self._store.land(self._token, commit)
            why_not = self._advance(commit)
        if why_not:
            held = f"{HELD_BACK}/{self._base}".replace("refs/heads/", "", 1)
            self._host.remark(f"{why_not}: it was left alone, and {held} holds the work until it is clean")
        return commit

    def _advance(self, commit: str) -> str | None:
        held = f"{HELD_BACK}/{self._base}"
        why_not = self._main_surely.advance(self._base, commit)
        if why_not:
            self._main_surely.act("update-ref", held, commit)
        elif self._main.commit_of(held):
            self._main_surely.act("update-ref", "-d", held)
        return why_not

    def set_aside(self, reason: str) -> str | None:
        if not self._start:
            return None
        try:
            parked = self._clear_away(
                self._surely, self._start, self._branch, reason, self._task.id, self._token
            )  # fmt: skip
        except GitError as error:
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
        if not os.path.isdir(self._path):
            return
        try:
            with self._host.locked(os.path.join(self._shared, WORKTREES_LOCK), surely=True):
                self._main_surely.remove_worktree(self._path)
                self._main_surely.act("branch", "-q", "-D", self._branch)
        except GitError as error:
            self._host.remark(f"{self._path} stays: {error}")


def catch_up(repository: Repository, base: str) -> str | None:
    """Put a base branch forward to what is held back for it, now that nothing may be in the way; what still is."""
    ref = f"{HELD_BACK}/{base}"
    held, commit = repository.commit_of(ref), repository.commit_of(f"refs/heads/{base}")
    if held is None or commit is None:
        return None
    if not repository.is_ancestor(held, commit):
        if not repository.is_ancestor(commit, held):
            return "they have gone different ways"
        why_not = repository.advance(base, held)
        if why_not:
            return why_not
    repository.act("update-ref", "-d", ref)
    return None


def held_back(top: str, base: str) -> str | None:
    """What a person has to know of a base branch that lacks work that is done."""
    name = f"{HELD_BACK}/{base}".replace("refs/heads/", "", 1)
    try:
        count = git.ask(top, "rev-list", "--count", f"refs/heads/{name}", f"^refs/heads/{base}").strip()
    except GitError:
        return None  # nothing is held back, or the repository is gone
    if count == "0":
        return None
    return f"{base} in {top} lacks {count} commits that {name} holds: when it is clean, `git merge {name}`"


class Leftover(NamedTuple):
    """A worktree that is still there."""

    path: str
    task: str  # id
    why: str | None  # why it must stay; None: its task is finished, and it holds nothing that is not committed


def look(store: Store) -> list[Leftover]:
    """The worktrees of a home, but for those in which somebody works."""
    directory = os.path.join(store.home, WORKTREES)
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    busy = {claim.task for claim in store.claims()}
    found = [(name, name.split(".")[0]) for name in names if not name.startswith(".")]
    return [
        Leftover(os.path.join(directory, name), task, _why_it_stays(store, os.path.join(directory, name), name, task))
        for name, task in found
        if name != task or task not in busy
    ]


def _why_it_stays(store: Store, path: str, name: str, task: str) -> str | None:
    try:
        status = store.get(task).status
    except TaskNotFound:
        status = "deleted"
    if name == task and status in ("backlog", "active", "blocked") and store.unsettled(store.get(task).seq):
        return f"{task} goes on there"
    try:
        changes = Repository(path, store.home, by_itself).state().changes
    except GitError as error:
        return str(error)
    return f"not committed: {shorten(', '.join(changes[:3]), 100)}" if changes else None


def remove(store: Store, leftover: Leftover) -> None:
    """Remove a finished worktree. Its branch stays where it holds what is nowhere else; commits that are on no branch
    are parked. Raises Refused where somebody works there again, GitError."""
    name = os.path.basename(leftover.path)
    why = _why_it_stays(store, leftover.path, name, leftover.task)
    if why or any(claim.task == name for claim in store.claims()):
        raise Refused(f"it stays: {why or 'somebody works there again'}")
    own = Repository(leftover.path, store.home, by_itself)
    main = own.at(next(iter(own.worktrees())))
    branch, head = own.state().branch, own.head()
    if not branch and not main.ask("for-each-ref", "--count=1", "--contains", head):
        main.act("update-ref", f"{git.PARKED}/{leftover.task}/{name.partition('.')[2] or 'head'}", head)
    main.remove_worktree(leftover.path)
    if branch and branch.startswith(BRANCH + "/"):
        ref = f"refs/heads/{branch}"
        if not main.ask("rev-list", "-n", "1", ref, "--not", f"--exclude={ref}", "--all"):
            main.act("branch", "-q", "-D", branch)


def by_itself(argv: list[str], directory: str, stdin: bytes | None = None) -> tuple[int | None, str]:
    """Run git where no worker guards it: for a command, which is watched by who typed it (`git.Act`)."""
    import subprocess

    done = subprocess.run(
        argv, cwd=directory, env=git.environment(dict(os.environb), directory), input=stdin or b"",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.decode("utf-8", "replace")


def find_tip(repository: Repository, base: str) -> str:
    """The commit that the next work begins with: of the base branch, or of what is held back for it.

    Raises Hindered where neither follows the other.
    """
    commit = repository.commit_of(f"refs/heads/{base}")
    if commit is None:
        raise Hindered(f"the branch {base} is gone from {repository.top}")
    held = repository.commit_of(f"{HELD_BACK}/{base}")
    if held is None or repository.is_ancestor(held, commit):
        return commit
    if repository.is_ancestor(commit, held):
        return held
    name = f"{HELD_BACK}/{base}".replace("refs/heads/", "", 1)
    raise Hindered(f"{base} and {name} have gone different ways: merge {name} into {base}")
