"""What an attempt leaves that did not pass: kept under a ref of its own, and the working tree as it was before.

Guarantees: what is removed from the tree is in the ref first, or moved; what git ignored before stays where it is.
Called by the workspaces of a loop.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil

from ..system.named_tuple import NamedTuple
from ..text import printable, shorten
from .command import GitError
from .index import is_staged, stage
from .rebase import is_rebasing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .repository import Origin, Repository

PARKED = "refs/txlite/parked"  # below it: TASK/ATTEMPT
AT_ONCE = 500  # paths on a command line


class Label(NamedTuple):
    """Whose work is parked, and why: the ref's name and the commit's message."""

    task: str  # id
    attempt: int
    reason: str


def clear_away(tree: Repository, origin: Origin, label: Label, aside: str) -> tuple[str | None, list[str]]:
    """Park all that differs from `origin`, and put the tree back to it.

    Repositories within it, which git can neither park nor remove, are moved below `aside`. Returns the ref, or None
    where nothing differed, and the paths of what was moved. Raises GitError where the tree is not as it was after that.
    """
    moved = _move_inner(tree, aside)
    parked = park(tree, origin, label)
    _restore(tree, origin)
    if parked:
        _bring_back_ignored(tree, origin.commit, parked)
    _clean(tree)
    moved += _move_inner(tree, aside)
    left = tree.state().changes
    if left:
        raise GitError(f"{tree.top} could not be restored: {shorten(', '.join(left[:3]), 100)} is left in it")
    return parked, moved


def park(tree: Repository, origin: Origin, label: Label) -> str | None:
    """Keep all that differs from `origin`, here and on the branch that HEAD may have been moved away from.

    Returns the ref, or None where nothing differs. Raises GitError.
    """
    stage(tree)
    start, head = origin.commit, tree.head()
    tip = tree.commit_of(f"refs/heads/{origin.branch}") if origin.branch else None
    is_elsewhere = tip is not None and not tree.is_ancestor(tip, head) and not tree.is_ancestor(tip, start)
    if head == start and not is_elsewhere and not is_staged(tree, start):
        return None
    ref = free_ref(tree, f"{PARKED}/{label.task}/{label.attempt}")
    if is_elsewhere or is_staged(tree, head):
        contents = tree.ask("write-tree").strip()
        message = f"Parked: {label.task}, attempt {label.attempt}: {printable(label.reason)}".encode()
        parents = ["-p", head, *(["-p", str(tip)] if is_elsewhere else [])]
        head = tree.act("commit-tree", contents, *parents, "-F", "-", stdin=message).split()[-1]
    tree.act("update-ref", ref, head)
    return ref


def free_ref(tree: Repository, ref: str) -> str:
    """Return this ref, or one after it that is free: what is parked already stays. Raises GitError."""
    taken = tree.commits_of(f"{ref}*")
    names = [ref, *(f"{ref}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _restore(tree: Repository, origin: Origin) -> None:
    if is_rebasing(tree):
        tree.act("rebase", "--quit")
    try:
        _check_out(tree, origin)
    except GitError:
        _unlock(tree)
        _check_out(tree, origin)


def _check_out(tree: Repository, origin: Origin) -> None:
    if tree.state().branch != origin.branch:
        tree.act("checkout", "-q", "-f", *([origin.branch] if origin.branch else ["--detach"]))
    tree.act("reset", "-q", "--hard", origin.commit)


def _clean(tree: Repository) -> None:
    """Remove what git does not know, but never home, though it may lie in a directory that holds nothing else."""
    own = [f"--exclude=/{_escape(path)}" for path in tree.own_paths()]
    try:
        tree.act("clean", "-fdq", *own, *tree.everything())
    except GitError:
        _unlock(tree)
        tree.act("clean", "-fdq", *own, *tree.everything())


def _bring_back_ignored(tree: Repository, start: str, parked: str) -> None:
    """Files that are ignored again were parked because somebody changed what is ignored: they are not the attempt's."""
    new = tree.ask("diff", "--name-only", "--diff-filter=A", "--no-renames", "-z", start, parked)
    if not new:
        return
    names = new.encode("utf-8", "surrogateescape")
    ignored = tree.ask("check-ignore", "--no-index", "-z", "--stdin", codes=(0, 1), stdin=names)
    paths = [f":(top,literal){path}" for path in ignored.split("\0") if path]
    for begin in range(0, len(paths), AT_ONCE):
        some = paths[begin : begin + AT_ONCE]
        tree.act("checkout", "-q", parked, "--", *some)
        tree.act("reset", "-q", "--", *some)


def _move_inner(tree: Repository, aside: str) -> list[str]:
    """Move the repositories within the tree below `aside`; their paths there."""
    moved = []
    for path in tree.state("all").repositories:
        make_writable(os.path.join(tree.top, path))
        target = os.path.join(aside, path.rstrip("/"))
        os.makedirs(os.path.dirname(target), 0o700, exist_ok=True)
        moved.append(str(shutil.move(os.path.join(tree.top, path.rstrip("/")), target)))
    return moved


def _escape(path: str) -> str:
    """A path as a pattern of what is ignored."""
    return re.sub(r"([*?\[\]\\ ])", r"\\\1", path)


def _unlock(tree: Repository) -> None:
    """Make writable what an attempt has changed, and all directories that lead there."""
    for path in tree.state("all").changes:
        for end, letter in enumerate(path):
            if letter == "/":
                make_writable(os.path.join(tree.top, path[:end]), deep=False)
        make_writable(os.path.join(tree.top, path))


def make_writable(path: str, deep: bool = True) -> None:
    """Let us write into a directory, and those below it if `deep`, so that what is in it can be removed."""
    if os.path.islink(path):
        return  # what it leads to is not the attempt's
    for directory, _, _ in os.walk(path):
        with contextlib.suppress(OSError):
            mode = os.stat(directory).st_mode
            if mode & 0o700 != 0o700:
                os.chmod(directory, mode & 0o777 | 0o700)
        if not deep:
            break
