"""How a base branch is put forward, and what is held back for it while its working tree may not change.

Guarantees: a base branch only ever moves forward, by commits that follow it; a working tree that is not clean, or is on
another branch, is left alone. Used by the places of a loop, by the loop, and by who tells of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

from ..system.named_tuple import NamedTuple
from ..text import shorten
from . import command as git
from .command import GitError
from .repository import changed_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .repository import Repository

# Locks, in the repository itself: two homes may work on one.
LOCK = "txlite-landing.lock"  # work is put onto a base branch
TREE_LOCK = "txlite-tree.lock"  # an attempt, or a landing, is in this working tree
NOTHING = "0" * 40  # for git: a ref that is not there
HELD_BACK = "txlite-base"  # below it: the branch that stands for a base branch while that cannot move


class Tip(NamedTuple):
    """Where the next work for a base branch begins, or lands."""

    commit: str
    held: str | None  # the commit that is, or was, held back for it


class Diverged(GitError):
    """A base branch and what is held back for it have gone different ways: a person has to merge them."""


def find_tip(repository: Repository, base: str) -> Tip:
    """The tip of the base branch, or of what is held back for it.

    Raises Diverged, GitError.
    """
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
    raise Diverged(f"{base} and {name} have gone different ways: merge {name} into {base}")


def land(repository: Repository, base: str, commit: str, held: str | None) -> str | None:
    """Put a base branch forward to a commit that follows its tip, or hold it back; why, if it is held back. `held` is
    what is held back so far. The caller holds the lock on landing."""
    why_not = _advance(repository, base, commit)
    ref = f"refs/heads/{HELD_BACK}/{base}"
    if why_not:
        repository.act("update-ref", ref, commit, held or NOTHING)
    elif held:
        repository.act("update-ref", "-d", ref, held)
    return why_not


def catch_up(repository: Repository, base: str) -> str | None:
    """Put a base branch forward to what is held back for it, now that nothing may be in the way; what still is."""
    with try_lock(os.path.join(repository.shared_directory(), LOCK)) as is_ours:
        return _catch_up(repository, base) if is_ours else "somebody's work lands there now"


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


def undo(repository: Repository, base: str, commit: str) -> bool:
    """Take back what is half done of putting the working tree of a base branch forward to a commit: a kill came. All
    that differs there is then as the one or the other has it; where anything else differs, nothing is touched."""
    place = repository.checked_out(base)
    if place is None:
        return False
    with try_lock(place.path_of(TREE_LOCK)) as is_ours:
        return is_ours and _undo(place, commit)


def _undo(place: Repository, commit: str) -> bool:
    state = place.state()
    if not state.changes or not state.commit or not place.is_ancestor(state.commit, commit):
        return False
    before, after = dict(_files(place, state.commit)), dict(_files(place, commit))
    words = ("status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames")
    staged = dict(_records(place.ask("ls-files", "--stage", "-z", *place.everything()), 1))
    for path in changed_paths(place.ask(*words, *place.everything()).split("\0")):
        both = (before.get(path), after.get(path))
        if both[0] == both[1] or _blob(place, path) not in both or staged.get(path) not in both:
            return False
    place.stage()
    place.act("reset", "-q", "--hard", state.commit)
    return True


def tell_held_back(top: str, base: str) -> str | None:
    """What a person has to know of a base branch that lacks work that is done."""
    name = f"{HELD_BACK}/{base}"
    try:
        count = git.ask(top, "rev-list", "--count", f"refs/heads/{name}", f"^refs/heads/{base}").strip()
    except GitError:
        return None  # nothing is held back, or the repository is gone
    if count == "0":
        return None
    return f"{base} in {top} lacks {count} commits that {name} holds: when it is clean, `git merge {name}`"


def _advance(repository: Repository, base: str, commit: str) -> str | None:
    place, state = repository, repository.state()  # it is here, usually
    if state.branch != base:
        found = repository.checked_out(base)
        if found is None:
            rebased = _who_rebases(repository, base)
            if rebased:
                return f"{base} is being rebased in {rebased}"
            ref = f"refs/heads/{base}"
            repository.act("update-ref", ref, commit, str(repository.commit_of(ref)))
            return None
        place, state = found, found.state()
    if state.changes:
        return f"{place.top} has changes that are not committed ({shorten(', '.join(state.changes[:3]), 100)})"
    with try_lock(place.path_of(TREE_LOCK)) as is_ours:
        if not is_ours:
            return f"an attempt works in {place.top}"
        try:
            place.act("merge", "-q", "--ff-only", "--no-overwrite-ignore", commit)
        except GitError as error:
            return None if place.head() == commit else f"{place.top}: {error}"
    return None


def _who_rebases(repository: Repository, base: str) -> str | None:
    """The working tree in which somebody rebases a branch, which then is checked out nowhere."""
    for path in repository.worktrees():
        for name in ("rebase-merge/head-name", "rebase-apply/head-name"):
            try:
                with open(repository.at(path).path_of(name), encoding="utf-8", errors="replace") as file:
                    if file.read().strip() == f"refs/heads/{base}":
                        return path
            except (OSError, GitError):
                continue
    return None


@contextlib.contextmanager
def try_lock(path: str) -> Iterator[bool]:
    """Whether we have the lock on a file, which we then hold."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = True
        except BlockingIOError:
            is_ours = False
        yield is_ours
    finally:
        os.close(file)


def _files(repository: Repository, commit: str) -> Iterator[tuple[str, str]]:
    """Paths in a commit, each with what stands there."""
    return _records(repository.ask("ls-tree", "-rz", "--full-tree", commit), 2)


def _records(output: str, place: int) -> Iterator[tuple[str, str]]:
    """Path and blob of git's lines of facts, a tab and a path."""
    for entry in output.split("\0"):
        if entry:
            facts, _, path = entry.partition("\t")
            yield path, facts.split()[place]


def _blob(repository: Repository, path: str) -> str | None:
    """What git would store for a file; None where there is none, "" for what is no file."""
    full = os.path.join(repository.top, path)
    if os.path.islink(full):
        return repository.ask("hash-object", "--stdin", stdin=os.fsencode(os.readlink(full))).strip()
    if os.path.isfile(full):
        return repository.ask("hash-object", "--", full).strip()
    return "" if os.path.lexists(full) else None
