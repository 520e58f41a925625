"""git, as a loop needs it: commits, worktrees, the way back onto the base branch.

Guarantees: home is never committed; what a person or an agent wrote is passed as data; no author and no trailer is
invented; nothing that is not committed is removed. Questions are asked at once (`ask`); what changes something or runs
hooks goes through the caller's `act`, which guards it as it does an agent. Used by `workplace` and `commands`.
"""

from __future__ import annotations

import os
import subprocess

from .errors import Refused
from .record import NamedTuple
from .sensitive import PRIVATE_KEY, is_allowed, is_sensitive
from .text import shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Act(Protocol):
        """Runs a command to its end; its exit code (None: it could not be started) and its output."""

        def __call__(self, argv: list[str], directory: str, stdin: bytes | None = None) -> tuple[int | None, str]: ...


GITLINK = "160000"  # the mode of a repository within another one
ASKED = 120.0  # seconds for a question
PARKED = "refs/txlite/parked"  # below it: TASK/ATTEMPT
HELD_BACK = "refs/heads/txlite-base"  # below it: a base branch as it will be, while its working tree may not change
BRANCH = "txlite"  # below it: the branch of a task
LOCAL = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX",
         "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE")  # fmt: skip
SETTINGS = ("core.fsmonitor=false", "gc.autoDetach=false", "maintenance.autoDetach=false", "rebase.autoStash=false")
# Nothing may ask, and messages are in the language in which they are searched.
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": ":", "GIT_SEQUENCE_EDITOR": ":", "LANGUAGE": "C"}


class State(NamedTuple):
    """A working tree as it is."""

    commit: str | None  # None: there is none yet
    branch: str | None  # None: HEAD is detached
    changes: list[str]  # what is not committed: changed, staged or new


class GitError(Refused):
    """git could not do it; the message is git's own."""


def environment(inherited: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """What git is started with: nothing that points it to another repository, and nobody to ask."""
    kept = {name: value for name, value in inherited.items() if os.fsdecode(name) not in LOCAL}
    kept.update((name.encode(), value.encode()) for name, value in QUIET.items())
    return kept


def command(*words: str) -> list[str]:
    """argv for git."""
    return ["git", *(part for setting in SETTINGS for part in ("-c", setting)), *words]


def ask(directory: str, *words: str, codes: tuple[int, ...] = (0,)) -> str:
    """What git answers on stdout. Raises GitError for another exit code, or where there is no git."""
    surroundings = environment(dict(os.environb))
    surroundings[b"GIT_OPTIONAL_LOCKS"] = b"0"
    try:
        done = subprocess.run(
            command(*words), cwd=directory, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=ASKED, check=False,
        )  # fmt: skip
    except OSError as error:
        raise GitError(f"git could not be started in {directory}: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise GitError(f"git {words[0]} in {directory} took longer than {ASKED:g} s") from None
    if done.returncode not in codes:
        raise GitError(f"git {words[0]} in {directory}: {last_line(done.stderr.decode(errors='replace'))}")
    return done.stdout.decode("utf-8", "surrogateescape")


def last_line(output: str) -> str:
    """The line that says what was wrong: the last one that git itself calls an error, else the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("error:", "fatal:"))]
    return shorten((errors or lines or ["no reason was given"])[-1], 200)


def find(directory: str) -> str | None:
    """The top of the working tree in which a directory lies; None outside of any."""
    try:
        return ask(directory, "rev-parse", "--show-toplevel").rstrip("\n") or None
    except GitError:
        return None


class Repository:
    """A working tree of a repository.

    top: its path. home: the directory of ours that is never committed. act: how commands that change something are run.
    """

    def __init__(self, top: str, home: str, act: Act) -> None:
        self.top = top
        self._home = home
        self._act = act

    def at(self, top: str) -> Repository:
        """The same repository, seen from another working tree."""
        return Repository(top, self._home, self._act)

    def ask(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        return ask(self.top, *words, codes=codes)

    def act(self, *words: str, stdin: bytes | None = None) -> str:
        """Run git; its output. Raises GitError with what it said last."""
        code, output = self._act(command(*words), self.top, stdin)
        if code:
            raise GitError(f"git {words[0]}: {last_line(output)}")
        return output

    def everything(self) -> list[str]:
        """The pathspec for all but home, whichever of the working trees it lies in."""
        return ["--", ":/", *(f":(top,exclude,literal){path}" for path in self.own_paths())]

    def own_paths(self) -> list[str]:
        path = os.path.relpath(os.path.realpath(self._home), os.path.realpath(self.top))
        outside = path == os.curdir or path.startswith(os.pardir + os.sep)
        return [] if outside else [path]

    def state(self) -> State:
        fields = self.ask("status", "--porcelain=v2", "--branch", "-z", *self.everything()).split("\0")
        facts = dict(field[2:].split(" ", 1) for field in fields if field.startswith("# branch."))
        commit, branch = facts.get("branch.oid"), facts.get("branch.head")
        return State(
            None if commit == "(initial)" else commit,
            None if branch == "(detached)" else branch,
            list(_changes(fields)),
        )

    def commit_of(self, name: str) -> str | None:
        """The commit that a name stands for, if it stands for one."""
        return self.ask("rev-parse", "-q", "--verify", name + "^{commit}", codes=(0, 1)).strip() or None

    def is_ancestor(self, one: str, other: str) -> bool:
        """Whether `one` is part of the history of `other`."""
        return not self.ask("rev-list", "-n", "1", one, f"^{other}").strip()

    def stage(self) -> None:
        """Put all that there is into the index."""
        self.act("add", "-A", *self.everything())

    def is_staged(self, start: str) -> bool:
        """Whether the index differs from a commit."""
        return bool(self.ask("diff-index", "--cached", "--name-only", "-z", start))

    def inner_repositories(self, start: str) -> list[str]:
        """The directories in the index, new since a commit, of which git keeps no more than a commit's name."""
        raw = self.ask("diff-index", "--cached", "--diff-filter=A", "--no-renames", "-z", start).split("\0")
        found = [path for facts, path in zip(raw[::2], raw[1::2]) if facts.split()[1] == GITLINK]
        return [] if found and self.ask("ls-files", "--", ":/.gitmodules") else found

    def secrets(self, start: str, allowed: tuple[str, ...]) -> list[str]:
        """The files in the index, new since a commit, that look like secrets."""
        new = self._new_files(start)
        found = [path for path in new if is_sensitive(path)]
        if new:
            found += self._new_files(start, "-G", PRIVATE_KEY)
        return sorted({path for path in found if not is_allowed(path, allowed)})

    def _new_files(self, start: str, *words: str) -> list[str]:
        shown = self.ask(
            "diff-index", "--cached", "--name-only", "--diff-filter=A", "--no-renames", "-z", *words, start
        )
        return [path for path in shown.split("\0") if path]

    def commit(self, message: str) -> str:
        """Commit what is staged; the commit. A hook that changed files and refused gets a second chance with them."""
        try:
            self.act("commit", "-q", "--cleanup=whitespace", "-F", "-", stdin=message.encode())
        except GitError:
            if not self.ask("diff-files", "--name-only", "-z"):
                raise
            self.stage()
            self.act("commit", "-q", "--cleanup=whitespace", "-F", "-", stdin=message.encode())
        return self.head()

    def head(self) -> str:
        return self.ask("rev-parse", "HEAD").strip()

    def park(self, task: str, attempt: int, start: str, reason: str) -> str | None:
        """Keep all that is different from `start` under a ref of its own; the ref, or None where nothing is."""
        self.stage()
        head = self.head()
        if head == start and not self.is_staged(start):
            return None
        ref = f"{PARKED}/{task}/{attempt}"
        if self.is_staged(head):
            tree = self.ask("write-tree").strip()
            message = f"Parked: {task}, attempt {attempt}: {reason}"
            head = self.act("commit-tree", tree, "-p", head, "-F", "-", stdin=message.encode()).split()[-1]
        self.act("update-ref", ref, head)
        return ref

    def restore(self, start: str, branch: str | None) -> None:
        """Make the working tree what it was. What was not committed is gone after that: park it first."""
        if self._has("rebase-merge") or self._has("rebase-apply"):
            self.act("rebase", "--quit")
        state = self.state()
        if branch and state.branch != branch:
            self.act("checkout", "-q", "-f", branch)
        self.act("reset", "-q", "--hard", start)
        self.act("clean", "-fdq", *self.everything())
        left = self.state().changes
        if left:
            raise GitError(f"{self.top} could not be restored: {', '.join(left[:3])} is left in it")

    def _has(self, name: str) -> bool:
        return os.path.lexists(self.path_of(name))

    def path_of(self, name: str) -> str:
        """Where git keeps a file of its own."""
        return os.path.join(self.top, self.ask("rev-parse", "--git-path", name).rstrip("\n"))

    def rebase(self, onto: str) -> list[str]:
        """Put our commits onto another one; where that does not work, nothing changed, the files in conflict."""
        try:
            self.act("rebase", "-q", onto)
            return []
        except GitError:
            if not self._has("rebase-merge") and not self._has("rebase-apply"):
                raise
            files = [path for path in self.ask("diff", "--name-only", "--diff-filter=U", "-z").split("\0") if path]
            self.act("rebase", "--abort")
            if not files:
                raise
            return files

    def worktrees(self) -> dict[str, str | None]:
        """All working trees of the repository, each with its branch's ref."""
        found: dict[str, str | None] = {}
        path = ""
        for line in self.ask("worktree", "list", "--porcelain").splitlines():
            word, _, rest = line.partition(" ")
            if word == "worktree":
                path = rest
                found[path] = None
            elif word == "branch":
                found[path] = rest
        return found

    def add_worktree(self, path: str, branch: str, start: str) -> None:
        """A working tree of its own, with a branch of its own that begins at `start`; forced, for where one that is
        gone was at the same path."""
        self.act("worktree", "add", "-q", "-f", "--no-track", "-B", branch, path, start)

    def remove_worktree(self, path: str, branch: str) -> None:
        """Remove a working tree without changes, and its branch. Raises GitError where it has some."""
        self.act("worktree", "remove", path)
        self.act("branch", "-q", "-D", branch)

    def break_locks(self) -> None:
        """Remove the locks of a working tree of ours in which nobody works: who made them was killed."""
        names = ["index.lock", "HEAD.lock"]
        for name in names:
            path = self.path_of(name)
            if os.path.lexists(path):
                os.unlink(path)

    def is_usable(self, branch: str) -> bool:
        """Whether one can go on here, on this branch; what was half rebased is as it was before."""
        try:
            if self._has("rebase-merge") or self._has("rebase-apply"):
                self.act("rebase", "--abort")
            return self.state().branch == branch
        except GitError:
            return False

    def advance(self, base: str, commit: str) -> str | None:
        """Put a base branch forward to a commit that follows it; why not, where a working tree is in the way: it is not
        clean, and is left alone."""
        ref = f"refs/heads/{base}"
        for path, branch in self.worktrees().items():
            if branch == ref:
                there = self.at(path)
                changes = there.state().changes
                if changes:
                    return f"{path} has changes that are not committed ({shorten(', '.join(changes[:3]), 100)})"
                there.act("merge", "-q", "--ff-only", commit)
                return None
        self.act("update-ref", ref, commit, str(self.commit_of(ref)))
        return None


def _changes(fields: list[str]) -> Iterator[str]:
    """The paths in the records of `git status --porcelain=v2 -z`."""
    records = iter(fields)
    for record in records:
        kind = record[:2]
        if kind in ("1 ", "u "):
            yield record.split(" ", 8 if kind == "1 " else 10)[-1]
        elif kind == "2 ":
            yield record.split(" ", 9)[-1]
            next(records, None)  # the path that it was renamed from
        elif kind == "? ":
            yield record[2:]
