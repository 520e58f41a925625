"""Rebases, and what else is begun in a working tree and not ended.

Guarantees: a rebase that conflicts changes nothing. Called by `landing`, `parking` and the workspaces of a loop.
"""

from __future__ import annotations

import shutil

from .command import GitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .repository import Repository

DIRECTORIES = ("rebase-merge", "rebase-apply")  # one of them is there while a rebase goes on


def is_rebasing(tree: Repository) -> bool:
    """Return whether a rebase was begun here and has not ended. Raises GitError."""
    return any(map(tree.has, DIRECTORIES))


def find_unfinished(tree: Repository) -> str:
    """Return what somebody began here and did not end: a merge, a cherry-pick, a revert; else "". Raises GitError."""
    kinds = {"MERGE_HEAD": "merge", "CHERRY_PICK_HEAD": "cherry-pick", "REVERT_HEAD": "revert"}
    return next((kind for name, kind in kinds.items() if tree.has(name)), "")


def find_start(tree: Repository, head: str, tip: str, began: str | None) -> str:
    """Return the commit behind which the work of `head` lies: where it and the base branch, with this tip, part.

    Where somebody has rewritten the base branch since, that is the commit with which the work began (`began`): what
    they took out is no part of the work. Raises GitError.
    """
    if began and not tree.is_ancestor(began, tip) and tree.is_ancestor(began, head):
        return began
    return tree.ask("merge-base", head, tip).strip()


def rebase(tree: Repository, onto: str, start: str) -> list[str]:
    """Put our commits behind `start` onto another one; the files in conflict, where that does not work and nothing
    changed. Raises GitError.
    """
    try:
        tree.act("rebase", "-q", "--onto", onto, find_start(tree, "HEAD", onto, start))
        return []
    except GitError:
        if not is_rebasing(tree):
            raise
        files = [path for path in tree.ask("diff", "--name-only", "--diff-filter=U", "-z").split("\0") if path]
        tree.act("rebase", "--abort")
        if not files:
            raise
        return files


def abort_rebase(tree: Repository) -> None:
    """Abort one, also one that was killed before it had written down how that is done: it had changed nothing yet."""
    try:
        tree.act("rebase", "--abort")
    except GitError:
        for name in DIRECTORIES:
            shutil.rmtree(tree.path_of(name), ignore_errors=True)


def who_rebases(repository: Repository, branch: str) -> str | None:
    """Return the working tree in which somebody rebases a branch, which then is checked out nowhere; or None."""
    for path in repository.worktrees():
        for name in DIRECTORIES:
            try:
                with open(repository.at(path).path_of(f"{name}/head-name"), encoding="utf-8", errors="replace") as file:
                    if file.read().strip() == f"refs/heads/{branch}":
                        return path
            except (OSError, GitError):
                continue
    return None
