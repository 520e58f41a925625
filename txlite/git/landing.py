"""How a base branch is put forward, and what is held back for it while its working tree may not change.

Guarantees: a base branch only ever moves forward, by commits that follow it; its working tree goes with it, and nothing
there that is not committed is changed: where something is in the way, tree and branch are left alone. Called by the
workspaces of a loop, by the loop, and by its summary.
"""

from __future__ import annotations

import os

from ..system.locks import PolledLock
from ..system.named_tuple import NamedTuple
from ..text import count, shorten
from .command import GitError, ask
from .half_landed import TREE_LOCK, undo
from .rebase import find_unfinished, is_rebasing, who_rebases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .repository import Repository

LOCK = "txlite-landing.lock"  # in the repository itself, for two homes may work on one: work is put onto a base branch
NOTHING = "0" * 40  # for git: a ref that is not there
HELD_BACK = "txlite-base"  # below it: the branch that stands for a base branch while that cannot move


class Tip(NamedTuple):
    """Where the next work for a base branch begins, or lands."""

    commit: str
    held: str | None  # the commit that is, or was, held back for it


class Diverged(GitError):
    """A base branch and what is held back for it have gone different ways: a person has to merge them."""


def find_tip(repository: Repository, base: str) -> Tip:
    """Return the tip of the base branch, or of what is held back for it. Raises Diverged, GitError."""
    ref, held_ref = f"refs/heads/{base}", f"refs/heads/{HELD_BACK}/{base}"
    commits = repository.commits_of(ref, held_ref)
    commit, held = commits.get(ref), commits.get(held_ref)
    if commit is None:
        raise GitError(f"the branch {base} is gone from {repository.top}")
    if held is None or repository.is_ancestor(held, commit):
        return Tip(commit, held)
    if repository.is_ancestor(commit, held):
        return Tip(held, held)
    name = f"{HELD_BACK}/{base}"
    raise Diverged(f"{base} and {name} have gone different ways: on {base}, `git merge {name}`")


def land(repository: Repository, base: str, commit: str, held: str | None) -> str | None:
    """Put a base branch forward to a commit that follows its tip, or hold it back; why, if it is held back.

    `held` is what is held back so far. The caller holds the lock on landing. Raises GitError.
    """
    why_not = _advance(repository, base, commit)
    ref = f"refs/heads/{HELD_BACK}/{base}"
    if why_not:
        repository.act("update-ref", ref, commit, held or NOTHING)
    elif held:
        repository.act("update-ref", "-d", ref, held)
    return why_not


def catch_up(repository: Repository, base: str) -> str | None:
    """Put a base branch forward to what is held back for it; why not, where something is still in the way.

    Raises GitError.
    """
    with PolledLock(os.path.join(repository.shared_directory(), LOCK)) as lock:
        return _catch_up(repository, base) if lock.try_acquire() else "somebody's work lands there now"


def _catch_up(repository: Repository, base: str) -> str | None:
    held, commit = repository.commit_of(f"refs/heads/{HELD_BACK}/{base}"), repository.commit_of(f"refs/heads/{base}")
    if held is None or commit is None:
        return None
    if repository.is_ancestor(held, commit):
        return land(repository, base, commit, held)
    if not repository.is_ancestor(commit, held):
        return "they have gone different ways"
    undo(repository, base, held)
    return land(repository, base, held, held)


def tell_held_back(top: str, base: str) -> str | None:
    """Return what a person has to know of a base branch that lacks work that is done; None where it lacks none."""
    name = f"{HELD_BACK}/{base}"
    try:
        commits = ask(top, "rev-list", "--count", f"refs/heads/{name}", f"^refs/heads/{base}").strip()
    except GitError:
        return None  # nothing is held back, or the repository is gone
    if commits == "0":
        return None
    brings = f"`git merge {name}` there brings {'it' if commits == '1' else 'them'}, or names what is in the way"
    return f"{base} in {top} lacks {count(int(commits), 'commit')} of {name}: {brings}"


def _advance(repository: Repository, base: str, commit: str) -> str | None:
    """Put it forward wherever it is checked out; why not."""
    tree, state = repository, repository.state("no")  # it is here, usually
    if state.branch != base:
        found = repository.working_tree_of(base)
        if found is None:
            return _advance_ref(repository, base, commit)
        tree, state = found, found.state("no")
    unfinished = "rebase" if is_rebasing(tree) else find_unfinished(tree)
    if unfinished:
        return f"a {unfinished} is not finished in {tree.top}"
    changed = set(state.changes)
    if changed:  # git would bring back a file that was only deleted
        changed &= set(_touched(tree, commit))
    if changed:
        return _tell_in_the_way(tree, changed)
    with PolledLock(tree.path_of(TREE_LOCK)) as lock:
        return _merge(tree, base, commit) if lock.try_acquire() else f"an attempt works in {tree.top}"


def _touched(tree: Repository, commit: str, *options: str) -> list[str]:
    """The paths that differ between what is checked out and a commit."""
    words = ("diff-tree", "-r", "--name-only", "--no-renames", "-z", *options)
    return tree.ask(*words, "HEAD", commit).split("\0")[:-1]


def _tell_in_the_way(tree: Repository, paths: Iterable[str]) -> str:
    names = sorted(paths)
    more = f" and {len(names) - 3} more" if names[3:] else ""
    return f"{tree.top} has changes that are not committed ({shorten(', '.join(names[:3]), 100)}{more})"


def _advance_ref(repository: Repository, base: str, commit: str) -> str | None:
    """It is checked out nowhere."""
    rebased = who_rebases(repository, base)
    if rebased:
        return f"{base} is being rebased in {rebased}"
    ref = f"refs/heads/{base}"
    tip = repository.commit_of(ref)
    if tip is None or not repository.is_ancestor(tip, commit):
        return f"{base} has gone another way meanwhile"
    repository.act("update-ref", ref, commit, tip)
    return None


def _merge(tree: Repository, base: str, commit: str) -> str | None:
    """git is the judge of what is in the way, and changes nothing where something is."""
    plain = f"branch.{base}.mergeOptions=--no-squash"  # whatever the user has there
    try:
        tree.act("-c", plain, "merge", "-q", "--ff-only", "--no-overwrite-ignore", commit)
    except GitError as error:
        if tree.head() == commit:
            return None
        new = _touched(tree, commit, "--diff-filter=A") if "untracked" in str(error) else []
        there = [path for path in new if os.path.lexists(os.path.join(tree.top, path))]
        return _tell_in_the_way(tree, there) if there else f"{tree.top}: {error}"
    return None
