"""git, as a loop needs it: commits, worktrees, the way back onto the base branch.

Guarantees: home is never committed; what a person or an agent wrote is passed as data; no author and no trailer is
invented; nothing that is not committed is removed. Questions are asked at once (`ask`); what changes something or runs
hooks goes through the caller's `act`, which guards it as it does an agent. Used by `workplace` and `commands`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
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
SQUASHED = "refs/txlite/squashed"  # the same: commits that became one with the rest
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


def environment(inherited: dict[bytes, bytes], top: str | None = None) -> dict[bytes, bytes]:
    """What git is started with: nothing that points it to another repository, and nobody to ask."""
    kept = confined(inherited, top)
    kept.update((name.encode(), value.encode()) for name, value in QUIET.items())
    return kept


def confined(inherited: dict[bytes, bytes], top: str | None) -> dict[bytes, bytes]:
    """An environment in which git finds no repository but the one at `top`: a worktree lies within the user's own
    working tree, which would be found where its `.git` is gone."""
    kept = {name: value for name, value in inherited.items() if os.fsdecode(name) not in LOCAL}
    if top:
        kept[b"GIT_CEILING_DIRECTORIES"] = os.fsencode(os.path.dirname(top))
    return kept


def command(*words: str) -> list[str]:
    """argv for git."""
    return ["git", *(part for setting in SETTINGS for part in ("-c", setting)), *words]


def ask(
    directory: str, *words: str, codes: tuple[int, ...] = (0,), top: str | None = None, stdin: bytes = b""
) -> str:  # fmt: skip
    """What git answers on stdout. Raises GitError for another exit code, or where there is no git."""
    surroundings = environment(dict(os.environb), top)
    surroundings[b"GIT_OPTIONAL_LOCKS"] = b"0"
    try:
        done = subprocess.run(
            command(*words), cwd=directory, env=surroundings, input=stdin, capture_output=True, timeout=ASKED,
            check=False,
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
    except GitError as error:
        silent = ("not a git repository", "must be run in a work tree")
        if any(words in str(error) for words in silent) or not shutil.which("git"):
            return None
        raise  # it may be one, and be forbidden to us: then nobody else's work may be mixed with ours


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

    def ask(self, *words: str, codes: tuple[int, ...] = (0,), stdin: bytes = b"") -> str:
        return ask(self.top, *words, codes=codes, top=self.top, stdin=stdin)

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
        words = ("status", "--porcelain=v2", "--branch", "--untracked-files=normal", "-z")
        fields = self.ask(*words, *self.everything()).split("\0")
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

    def staged_repositories(self, start: str) -> list[str]:
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

    def squash(self, start: str, task: str, attempt: int) -> None:
        """Make what was committed since `start` uncommitted, all of it one change; the commits stay under a ref."""
        head = self.head()
        if head != start:
            self.act("update-ref", f"{SQUASHED}/{task}/{attempt}", head)
            self.act("reset", "-q", "--soft", start)

    def commit(self, message: str) -> str:
        """Commit what is staged; the commit."""
        self.act("commit", "-q", "--cleanup=whitespace", "-F", "-", stdin=message.encode("utf-8", "replace"))
        return self.head()

    def has_unstaged(self) -> bool:
        """Whether files that git knows differ from the index: a hook may have changed them."""
        return bool(self.ask("diff-files", "--name-only", "-z"))

    def head(self) -> str:
        return self.ask("rev-parse", "HEAD").strip()

    def park(self, task: str, attempt: int, start: str, reason: str, branch: str | None) -> str | None:
        """Keep all that is different from `start` under a ref of its own; the ref, or None where nothing is. What
        stands on the branch and not below HEAD, which may have been moved away, is kept beside it."""
        self.stage()
        head = self.head()
        tip = branch and self.commit_of(f"refs/heads/{branch}")
        if tip and not self.is_ancestor(tip, head):
            self.act("update-ref", f"{PARKED}/{task}/{attempt}-branch", tip)
        if head == start and not self.is_staged(start):
            return None
        ref = f"{PARKED}/{task}/{attempt}"
        if self.is_staged(head):
            tree = self.ask("write-tree").strip()
            message = f"Parked: {task}, attempt {attempt}: {reason}".encode("utf-8", "replace")
            head = self.act("commit-tree", tree, "-p", head, "-F", "-", stdin=message).split()[-1]
        self.act("update-ref", ref, head)
        return ref

    def restore(self, start: str, branch: str | None, parked: str | None, aside: str) -> list[str]:
        """Make the working tree what it was, once what is in it is parked under the ref `parked`. What git cannot park,
        repositories within it, is moved below `aside`; their paths there."""
        if self._has("rebase-merge") or self._has("rebase-apply"):
            self.act("rebase", "--quit")
        if self.state().branch != branch:
            self.act("checkout", "-q", "-f", *([branch] if branch else ["--detach"]))
        self.act("reset", "-q", "--hard", start)
        if parked:
            self._bring_back_ignored(start, parked)
        self._clean()
        moved = self.move_inner(aside)
        left = self.state().changes
        if left:
            raise GitError(f"{self.top} could not be restored: {shorten(', '.join(left[:3]), 100)} is left in it")
        return moved

    def _clean(self) -> None:
        own = [f"--exclude=/{_escape(path)}" for path in self.own_paths()]  # a directory that holds nothing else
        try:
            self.act("clean", "-fdq", *own, *self.everything())
        except GitError:
            for path in self.state().changes:
                _make_writable(os.path.join(self.top, path))
            self.act("clean", "-fdq", *own, *self.everything())

    def _bring_back_ignored(self, start: str, parked: str) -> None:
        """Files that are ignored again were parked because somebody changed what is ignored: they are not ours."""
        new = self.ask("diff", "--name-only", "--diff-filter=A", "--no-renames", "-z", start, parked)
        if not new:
            return
        ignored = self.ask("check-ignore", "--no-index", "-z", "--stdin", codes=(0, 1), stdin=_encode(new))
        paths = [path for path in ignored.split("\0") if path]
        for begin in range(0, len(paths), 500):
            some = [f":(top,literal){path}" for path in paths[begin : begin + 500]]
            self.act("checkout", "-q", parked, "--", *some)
            self.act("reset", "-q", "--", *some)

    def move_inner(self, aside: str) -> list[str]:
        """Move the repositories within it below `aside`: git can neither park nor remove them; their paths there."""
        return [self._move(path, aside) for path in self.untracked_repositories()]

    def untracked_repositories(self) -> list[str]:
        found = self.ask("ls-files", "--others", "--exclude-standard", "-z", *self.everything()).split("\0")
        return [path for path in found if path.endswith("/")]

    def _move(self, path: str, aside: str) -> str:
        target = os.path.join(aside, path.rstrip("/"))
        os.makedirs(os.path.dirname(target), 0o700, exist_ok=True)
        return str(shutil.move(os.path.join(self.top, path.rstrip("/")), target))

    def _has(self, name: str) -> bool:
        return os.path.lexists(self.path_of(name))

    def shared_directory(self) -> str:
        """Where git keeps what all working trees of the repository share."""
        return os.path.join(self.top, self.ask("rev-parse", "--git-common-dir").rstrip("\n"))

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
        if path in self.worktrees():  # whoever removed the directory did not tell git
            self.act("worktree", "remove", "--force", path)
        self.act("worktree", "add", "-q", "-f", "--no-track", "-B", branch, path, start)

    def remove_worktree(self, path: str) -> None:
        """Remove a working tree without changes. Raises GitError where it has some."""
        changes = self.at(path).state().changes
        if changes:
            raise GitError(f"{path} holds what is not committed: {shorten(', '.join(changes[:3]), 100)}")
        self.act("worktree", "remove", "--force", path)  # git alone would refuse one with submodules in it

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
            if branch == ref and os.path.isdir(path):
                return self.at(path)._advance(commit)
        self.act("update-ref", ref, commit, str(self.commit_of(ref)))
        return None

    def _advance(self, commit: str) -> str | None:
        changes = self.state().changes
        if changes:
            return f"{self.top} has changes that are not committed ({shorten(', '.join(changes[:3]), 100)})"
        try:
            self.act("merge", "-q", "--ff-only", "--no-overwrite-ignore", commit)
        except GitError as error:
            return None if self.head() == commit else f"{self.top}: {error}"
        return None


def _escape(path: str) -> str:
    """A path as a pattern of what is ignored."""
    return re.sub(r"([*?\[\]\\ ])", r"\\\1", path)


def _encode(output: str) -> bytes:
    return output.encode("utf-8", "surrogateescape")


def _make_writable(path: str) -> None:
    """So that what is in it can be removed."""
    for directory, _, _ in os.walk(path):
        with contextlib.suppress(OSError):
            os.chmod(directory, 0o700)


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
