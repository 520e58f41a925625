"""A working tree of a repository: its state, its index, its commits.

Guarantees: home is never staged; what a person or an agent wrote is passed as data; no author and no trailer is
invented. Used by `parking`, `landing` and the places of a loop.
"""

from __future__ import annotations

import contextlib
import os
import shutil

from ..system.named_tuple import NamedTuple
from .command import GitError, ask, command, last_line
from .secrets import PRIVATE_KEY, is_allowed, is_sensitive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .command import Act

SQUASHED = "refs/txlite/squashed"  # below it, TASK/ATTEMPT: commits that became one with the rest
GITLINK = "160000"  # the mode of a repository within another one


class State(NamedTuple):
    """A working tree as it is."""

    commit: str | None  # None: there is none yet
    branch: str | None  # None: HEAD is detached
    changes: list[str]  # what is not committed: changed, staged or new

    @property
    def repositories(self) -> list[str]:
        """Those within it that git does not know, if its files were looked at one by one."""
        return [path for path in self.changes if path.endswith("/")]


class Origin(NamedTuple):
    """Where an attempt's work began, and where its working tree goes back to."""

    commit: str
    branch: str | None  # None: HEAD is detached


class Staged(NamedTuple):
    """What the index has that a commit has not."""

    paths: list[str]
    new: list[str]  # those of them that the commit does not know
    repositories: list[str]  # new ones of which git keeps no more than a commit's name
    has_submodules: bool  # whether one of the paths is a submodule's


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
        if code != 0:
            raise GitError(f"git {words[0]}: {last_line(output)}")
        return output

    def everything(self) -> list[str]:
        """The pathspec for all but home, whichever of the working trees it lies in."""
        return ["--", ":/", *(f":(top,exclude,literal){path}" for path in self.own_paths())]

    def own_paths(self) -> list[str]:
        path = os.path.relpath(os.path.realpath(self._home), os.path.realpath(self.top))
        outside = path == os.curdir or path.startswith(os.pardir + os.sep)
        return [] if outside else [path]

    def state(self, untracked: str = "normal") -> State:
        """untracked: "all" looks at new files one by one, and so finds repositories within new directories."""
        words = ["status", "--porcelain=v2", "--branch", "-z", f"--untracked-files={untracked}"]
        words += ["--ignore-submodules=none", *self.everything()]
        fields = self.ask(*words).split("\0")
        facts = dict(field[2:].split(" ", 1) for field in fields if field.startswith("# branch."))
        commit, branch = facts.get("branch.oid"), facts.get("branch.head")
        return State(
            None if commit == "(initial)" else commit,
            None if branch == "(detached)" else branch,
            list(changed_paths(fields)),
        )

    def commit_of(self, name: str) -> str | None:
        """The commit that a name stands for, if it stands for one."""
        return self.ask("rev-parse", "-q", "--verify", name + "^{commit}", codes=(0, 1)).strip() or None

    def commits_of(self, *refs: str) -> dict[str, str]:
        """The commits of those of these refs that there are, by their full names."""
        lines = self.ask("for-each-ref", "--format=%(refname) %(objectname)", *refs).splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def is_ancestor(self, one: str, other: str) -> bool:
        """Whether `one` is part of the history of `other`."""
        return not self.ask("rev-list", "-n", "1", one, f"^{other}").strip()

    def stage(self) -> None:
        """Put all that there is into the index."""
        self.act("add", "-A", *self.everything())

    def is_staged(self, start: str) -> bool:
        """Whether the index differs from a commit."""
        return bool(self.ask("diff-index", "--cached", "--name-only", "-z", start))

    def staged(self, start: str) -> Staged:
        raw = self.ask("diff-index", "--cached", "--no-renames", "-z", start).split("\0")
        records = [(facts.split(), path) for facts, path in zip(raw[::2], raw[1::2])]
        new = [path for facts, path in records if facts[4] == "A"]
        inner = [path for facts, path in records if facts[4] == "A" and facts[1] == GITLINK]
        if inner and self.ask("ls-files", "--", ":/.gitmodules"):
            inner = []
        has_submodules = any(GITLINK in facts[:2] or facts[0][1:] == GITLINK for facts, _ in records)
        return Staged([path for _, path in records], new, inner, has_submodules)

    def secrets(self, start: str, new: list[str], allowed: tuple[str, ...]) -> list[str]:
        """Those of the new files in the index that look like secrets."""
        found = [path for path in new if is_sensitive(path)]
        if new:
            words = ("diff-index", "--cached", "--name-only", "--diff-filter=A", "--no-renames", "-z")
            found += self.ask(*words, "-G", PRIVATE_KEY, start).split("\0")
        return sorted({path for path in found if path and not is_allowed(path, allowed)})

    def squash(self, head: str, start: str, task: str, attempt: int) -> None:
        """Make what was committed from `start` to `head` uncommitted, all of it one change; the commits stay under a
        ref."""
        self.act("update-ref", f"{SQUASHED}/{task}/{attempt}", head)
        self.act("reset", "-q", "--soft", start)

    def commit(self, message: str) -> None:
        """Commit what is staged."""
        self.act("commit", "-q", "--cleanup=whitespace", "-F", "-", stdin=message.encode("utf-8", "replace"))

    def has_unstaged(self) -> bool:
        """Whether files that git knows differ from the index: a hook may have changed them."""
        return bool(self.ask("diff-files", "--name-only", "-z"))

    def head(self) -> str:
        return self.ask("rev-parse", "HEAD").strip()

    def has(self, name: str) -> bool:
        """Whether git keeps a file of this name of its own."""
        return os.path.lexists(self.path_of(name))

    @property
    def is_rebasing(self) -> bool:
        return self.has("rebase-merge") or self.has("rebase-apply")

    @property
    def unfinished(self) -> str:
        """What somebody began here and did not end: a merge, a cherry-pick, a revert; else ""."""
        kinds = {"MERGE_HEAD": "merge", "CHERRY_PICK_HEAD": "cherry-pick", "REVERT_HEAD": "revert"}
        return next((kind for name, kind in kinds.items() if self.has(name)), "")

    def shared_directory(self) -> str:
        """Where git keeps what all working trees of the repository share."""
        return os.path.join(self.top, self.ask("rev-parse", "--git-common-dir").rstrip("\n"))

    def path_of(self, name: str) -> str:
        """Where git keeps a file of its own."""
        own = os.path.join(self.top, ".git")
        if os.path.isdir(own):  # asked for often, and nowhere else in the tree of a whole repository
            return os.path.join(own, name)
        return os.path.join(self.top, self.ask("rev-parse", "--git-path", name).rstrip("\n"))

    def abort_rebase(self) -> None:
        """Also one that was killed before it had written down how it is aborted: it had changed nothing yet."""
        try:
            self.act("rebase", "--abort")
        except GitError:
            for name in ("rebase-merge", "rebase-apply"):
                shutil.rmtree(self.path_of(name), ignore_errors=True)

    def break_locks(self, names: Iterable[str]) -> None:
        """Remove the locks of files on which nobody but us works: who made them was killed."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path_of(name + ".lock"))

    def rebase(self, onto: str) -> list[str]:
        """Put our commits onto another one; where that does not work, nothing changed, the files in conflict."""
        try:
            self.act("rebase", "-q", onto)
            return []
        except GitError:
            if not self.is_rebasing:
                raise
            files = [path for path in self.ask("diff", "--name-only", "--diff-filter=U", "-z").split("\0") if path]
            self.act("rebase", "--abort")
            if not files:
                raise
            return files

    def checked_out(self, branch: str) -> Repository | None:
        """The working tree in which a branch is checked out."""
        for path, ref in self.worktrees().items():
            if ref == f"refs/heads/{branch}" and os.path.isdir(path):
                return self.at(path)
        return None

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


def changed_paths(fields: list[str]) -> Iterator[str]:
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
