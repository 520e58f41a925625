"""The working tree of a base branch that a kill left half put forward, as it was before.

Guarantees: where anything differs that is neither the old nor the new commit's, nothing is touched. Called by `landing`
before it lands what was held back, and by a loop's worktrees as they mend what was cut off.
"""

from __future__ import annotations

import os

from ..system.locks import PolledLock
from .index import stage
from .repository import changed_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .repository import Repository

TREE_LOCK = "txlite-tree.lock"  # in git's directory: an attempt, or a landing, is in this working tree


def undo(repository: Repository, base: str, commit: str) -> bool:
    """Take back what is half done of putting the base's working tree forward to a commit; return whether it was.

    All that differs there is then as the one or the other has it. Raises GitError.
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
    if not _is_half_way(tree, state.commit, commit):
        return False
    stage(tree)
    tree.act("reset", "-q", "--hard", state.commit)
    return True


def _is_half_way(tree: Repository, old: str, new: str) -> bool:
    """Whether all that differs from the old commit is, in the tree and in the index, as one of the two has it."""
    before, after = dict(_files(tree, old)), dict(_files(tree, new))
    words = ("status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames")
    staged = dict(_records(tree.ask("ls-files", "--stage", "-z", *tree.everything()), 1))
    for path in changed_paths(tree.ask(*words, *tree.everything()).split("\0")):
        both = (before.get(path), after.get(path))
        if both[0] == both[1] or _blob(tree, path) not in both or staged.get(path) not in both:
            return False
    return True


def _files(tree: Repository, commit: str) -> Iterator[tuple[str, str]]:
    """Paths in a commit, each with what stands there."""
    return _records(tree.ask("ls-tree", "-rz", "--full-tree", commit), 2)


def _records(output: str, place: int) -> Iterator[tuple[str, str]]:
    """Path and blob of git's lines of facts, a tab and a path."""
    for entry in output.split("\0"):
        if entry:
            facts, _, path = entry.partition("\t")
            yield path, facts.split()[place]


def _blob(tree: Repository, path: str) -> str | None:
    """What git would store for a file; None where there is none, "" for what is no file."""
    full = os.path.join(tree.top, path)
    if os.path.islink(full):
        return tree.ask("hash-object", "--stdin", stdin=os.fsencode(os.readlink(full))).strip()
    if os.path.isfile(full):
        return tree.ask("hash-object", "--", full).strip()
    return "" if os.path.lexists(full) else None
