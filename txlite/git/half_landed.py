"""The working tree of a base branch that a kill left half put forward, as it was before.

Guarantees: nothing is touched but what differs between the old commit and the new one, and none of that where some of
it is neither's, and so a person's. Called by `landing` before it lands what was held back, and by a loop's worktrees as
they mend what was cut off.
"""

from __future__ import annotations

import os

from ..system.locks import PolledLock
from .parking import AT_ONCE
from .repository import changed_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .repository import Repository

TREE_LOCK = "txlite-tree.lock"  # in git's directory: an attempt, or a landing, is in this working tree


def undo(repository: Repository, base: str, commit: str) -> bool:
    """Take back what is half done of putting the base's working tree forward to a commit; return whether it was.

    Raises GitError.
    """
    tree = repository.working_tree_of(base)
    if tree is None:
        return False
    with PolledLock(tree.path_of(TREE_LOCK)) as lock:
        return lock.try_acquire() and _undo(tree, commit)


def _undo(tree: Repository, commit: str) -> bool:
    state = tree.state()
    if not state.changes or not state.commit or not tree.is_ancestor(state.commit, commit):
        return False
    before, after = _differing(tree, state.commit, commit)
    half = _find_half_done(tree, before, after)
    if half:
        new = [path for path in half if path not in before]
        _restore(tree, state.commit, [path for path in half if path in before], new)
    return bool(half)


def _find_half_done(tree: Repository, before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Which of the paths that differ between the two commits differ from the old one, in the tree or in the index.

    None of them, where one is there as neither of the commits has it: that is a person's.
    """
    words = ("status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames")
    staged = dict(_staged(tree))
    changed = changed_paths(tree.ask(*words, *tree.everything()).split("\0"))
    half = [path for path in changed if path in before or path in after]
    for path in half:
        both = (before.get(path), after.get(path))
        if _blob(tree, path) not in both or staged.get(path) not in both:
            return []
    return half


def _restore(tree: Repository, commit: str, old: list[str], new: list[str]) -> None:
    """Have these paths as the commit has them: `old` ones are in it, `new` ones are not."""
    for some in _portions(tree, [path for path in new if os.path.lexists(os.path.join(tree.top, path))]):
        tree.act("add", "-f", *some)
    for some in _portions(tree, new):
        tree.act("rm", "-q", "-f", "--ignore-unmatch", *some)
    for some in _portions(tree, old):
        tree.act("checkout", "-q", commit, *some)


def _portions(tree: Repository, paths: list[str]) -> Iterator[list[str]]:
    """Pathspecs for these paths, as many at once as a command line bears."""
    for begin in range(0, len(paths), AT_ONCE):
        yield ["--", *(f":(top,literal){path}" for path in paths[begin : begin + AT_ONCE])]


def _differing(tree: Repository, old: str, new: str) -> tuple[dict[str, str], dict[str, str]]:
    """The paths that differ between two commits, each with what stands there: in the old one, and in the new one."""
    fields = tree.ask("diff-tree", "-r", "--no-renames", "-z", old, new).split("\0")
    before, after = {}, {}
    for facts, path in zip(fields[::2], fields[1::2]):
        _, _, was, is_now, kind = facts.split()
        if kind != "A":
            before[path] = was
        if kind != "D":
            after[path] = is_now
    return before, after


def _staged(tree: Repository) -> Iterator[tuple[str, str]]:
    """The paths in the index, each with the blob that stands there."""
    for entry in tree.ask("ls-files", "--stage", "-z", *tree.everything()).split("\0")[:-1]:
        facts, _, path = entry.partition("\t")
        yield path, facts.split()[1]


def _blob(tree: Repository, path: str) -> str | None:
    """What git would store for a file; None where there is none, "" for what is no file."""
    full = os.path.join(tree.top, path)
    if os.path.islink(full):
        return tree.ask("hash-object", "--stdin", stdin=os.fsencode(os.readlink(full))).strip()
    if os.path.isfile(full):
        return tree.ask("hash-object", "--", full).strip()
    return "" if os.path.lexists(full) else None
