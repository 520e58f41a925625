"""A working tree of a repository: its state, its commits, its branches and the other trees beside it.

Guarantees: home is in nothing that is told of a tree, or done to all of it (`everything`). Called by the other modules
of git and by the workspaces of a loop.
"""

from __future__ import annotations

import contextlib
import os

from ..system.named_tuple import NamedTuple
from .command import GitError, ask, command, last_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .command import Act


class State(NamedTuple):
    """A working tree as it is."""

    commit: str | None  # None: there is none yet
    branch: str | None  # None: HEAD is detached
    changes: list[str]  # what is not committed: changed, staged or new

    @property
    def repositories(self) -> list[str]:
        """The repositories within it that git does not know, if its files were looked at one by one."""
        return [path for path in self.changes if path.endswith("/")]


class Origin(NamedTuple):
    """Where an attempt's work began, and where its working tree goes back to."""

    commit: str
    branch: str | None  # None: HEAD is detached


class Repository:
    """A working tree of a repository.

    top: its path. home: the directory of ours that is never committed. act: how commands that change something are run.
    """

    def __init__(self, top: str, home: str, act: Act) -> None:
        self.top = top
        self._home = home
        self._act = act

    def at(self, top: str) -> Repository:
        """Return the same repository, seen from another working tree."""
        return Repository(top, self._home, self._act)

    def ask(self, *words: str, codes: tuple[int, ...] = (0,), stdin: bytes = b"") -> str:
        """Return what git answers here (`command.ask`). Raises GitError for an exit code that is not in `codes`."""
        return ask(self.top, *words, codes=codes, top=self.top, stdin=stdin)

    def act(self, *words: str, stdin: bytes | None = None) -> str:
        """Run git to change something here; its output. Raises GitError with what it said last.

        words: may begin with a setting, as "-c", "NAME=VALUE".
        """
        code, output = self._act(command(*words), self.top, stdin)
        if code != 0:
            raise GitError(f"git {words[2] if words[0] == '-c' else words[0]}: {last_line(output)}")
        return output

    def everything(self) -> list[str]:
        """Return the pathspec for all but home, whichever of the working trees it lies in (gitglossary(7))."""
        return ["--", ":/", *(f":(top,exclude,literal){path}" for path in self.own_paths())]

    def own_paths(self) -> list[str]:
        """Return home as a path from the top, if it lies in this tree; no path, if not."""
        path = os.path.relpath(os.path.realpath(self._home), os.path.realpath(self.top))
        outside = path == os.curdir or path.startswith(os.pardir + os.sep)
        return [] if outside else [path]

    def state(self, untracked: str = "normal") -> State:
        """Return its commit, branch and changes. Raises GitError.

        untracked: "all" looks at new files one by one, and so finds repositories within new directories.
        """
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
        """Return the commit that a name stands for, or None. Raises GitError."""
        return self.ask("rev-parse", "-q", "--verify", name + "^{commit}", codes=(0, 1)).strip() or None

    def commits_of(self, *refs: str) -> dict[str, str]:
        """Return the commits of those of these refs that there are, by their full names. Raises GitError."""
        lines = self.ask("for-each-ref", "--format=%(refname) %(objectname)", *refs).splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def is_ancestor(self, one: str, other: str) -> bool:
        """Return whether `one` is part of the history of `other`. Raises GitError."""
        return not self.ask("rev-list", "-n", "1", one, f"^{other}").strip()

    def head(self) -> str:
        """Return the commit that is checked out. Raises GitError where there is none yet."""
        return self.ask("rev-parse", "HEAD").strip()

    def has(self, name: str) -> bool:
        """Return whether git keeps a file of this name of its own. Raises GitError."""
        return os.path.lexists(self.path_of(name))

    def shared_directory(self) -> str:
        """Return where git keeps what all working trees of the repository share. Raises GitError."""
        return os.path.join(self.top, self.ask("rev-parse", "--git-common-dir").rstrip("\n"))

    def path_of(self, name: str) -> str:
        """Return the path of a file of git's own (gitrepository-layout(5)). Raises GitError."""
        own = os.path.join(self.top, ".git")
        if os.path.isdir(own):  # asked for often, and nowhere else in the tree of a whole repository
            return os.path.join(own, name)
        return os.path.join(self.top, self.ask("rev-parse", "--git-path", name).rstrip("\n"))

    def break_locks(self, names: Iterable[str]) -> None:
        """Remove the locks of files on which nobody but us works: who made them was killed. Raises GitError."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path_of(name + ".lock"))

    def working_tree_of(self, branch: str) -> Repository | None:
        """Return the working tree in which a branch is checked out, or None. Raises GitError."""
        for path, ref in self.worktrees().items():
            if ref == f"refs/heads/{branch}" and os.path.isdir(path):
                return self.at(path)
        return None

    def worktrees(self) -> dict[str, str | None]:
        """Return the paths of all working trees, each with its branch's ref; the main one first. Raises GitError."""
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
    """Yield the paths in the records of `git status --porcelain=v2 -z` (git-status(1))."""
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
