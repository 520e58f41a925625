"""What differs between two commits: how much, and shown to a person by git itself.

Guarantee: nothing in the working tree or its index is touched; what a person sees goes through the pager that git would
choose for them. Called by what tells of the work of tasks (`ralph.work`), and by the commands `review` and `diff`.
"""

from __future__ import annotations

import contextlib
import os

from . import command
from .command import GitError
from .diff_stat import read_figures
from .index import stage
from .repository import Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .diff_stat import DiffStat


def count(repository: Repository, old: str, new: str) -> DiffStat:
    """Return how much differs between two commits, or trees. Raises GitError."""
    return read_figures(repository.ask("diff", "--no-ext-diff", "--shortstat", old, new))


def snapshot(top: str, home: str) -> str:
    """Return a tree object with all that is in a working tree, but for home and what git ignores. Raises GitError."""
    index = f"{Repository(top, home, command.by_itself).path_of('index')}.txlite-{os.getpid()}"

    def act_apart(argv: list[str], directory: str, stdin: bytes | None = None) -> tuple[int | None, str]:
        """Run git with an index of its own."""
        return command.by_itself(argv, directory, stdin, {b"GIT_INDEX_FILE": os.fsencode(index)})

    tree = Repository(top, home, act_apart)
    try:
        tree.act("read-tree", "HEAD")
        stage(tree)
        return tree.act("write-tree").split()[-1]
    finally:
        for path in (index, index + ".lock"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def show(top: str, old: str, new: str) -> NoReturn:
    """Become git, which shows a person what differs between two commits, or trees: in their pager and colours on a
    terminal, plain elsewhere. Raises GitError where there is no git."""
    surroundings = command.environment(dict(os.environb), top)
    argv = ["git", "-C", top, "--no-optional-locks", "diff", "--stat", "--patch", old, new, "--"]
    try:
        os.execvpe("git", argv, surroundings)
    except OSError as error:
        raise GitError(f"git could not be started: {error.strerror}") from error
