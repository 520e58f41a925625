"""What is to be committed: staged, looked at for what must not be, and committed as one change.

Guarantees: home is never staged; what a person or an agent wrote is passed as data; no author and no trailer is
invented. Called by `parking`, `changes` and the workspaces of a loop.
"""

from __future__ import annotations

from ..system.named_tuple import NamedTuple
from .command import GitError
from .secrets import PRIVATE_KEY, is_allowed, is_sensitive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .repository import Repository

SQUASHED = "refs/txlite/squashed"  # below it, TASK/ATTEMPT: commits that became one with the rest
GITLINK = "160000"  # the mode of a repository within another one (git-fast-import(1))


class Staged(NamedTuple):
    """What the index has that a commit has not."""

    new: list[str]  # paths that the commit does not know
    repositories: list[str]  # new ones of which git keeps no more than a commit's name
    has_submodules: bool  # whether one of the paths is a submodule's


def stage(tree: Repository) -> None:
    """Put all that there is into the index. Raises GitError."""
    home = tree.own_paths()
    if not home or not tree.ask("check-ignore", "--no-index", "--", *home, codes=(0, 1)):
        _add(tree, tree.everything())
        return
    _add(tree, ["--", ":/"])  # git-add refuses a path that is ignored, even one that is to be left out
    inside = [f":(top,literal){path}" for path in home]
    if tree.ask("ls-files", "-z", "--", *inside):
        tree.act("reset", "-q", "--", *inside)


def _add(tree: Repository, paths: list[str]) -> None:
    """Also what lies outside of a sparse checkout, which git refuses since there is an option for it (2.34)."""
    if tree.ask("config", "--type=bool", "--get", "core.sparseCheckout", codes=(0, 1)).strip() == "true":
        try:
            tree.act("add", "-A", "--sparse", *paths)
            return
        except GitError:
            pass  # an older one
    tree.act("add", "-A", *paths)


def is_staged(tree: Repository, start: str) -> bool:
    """Return whether the index differs from the commit `start`. Raises GitError."""
    return bool(tree.ask("diff-index", "--cached", "--name-only", "-z", start))


def has_unstaged(tree: Repository) -> bool:
    """Return whether files that git knows differ from the index: a hook may have changed them. Raises GitError."""
    return bool(tree.ask("diff-files", "--name-only", "-z"))


def staged(tree: Repository, start: str) -> Staged:
    """Return what the index has that the commit `start` has not. Raises GitError."""
    raw = tree.ask("diff-index", "--cached", "--no-renames", "-z", start).split("\0")
    records = [(facts.split(), path) for facts, path in zip(raw[::2], raw[1::2])]
    new = [path for facts, path in records if facts[4] == "A"]
    inner = [path for facts, path in records if facts[4] == "A" and facts[1] == GITLINK]
    if inner and tree.ask("ls-files", "--", ":/.gitmodules"):
        inner = []
    has_submodules = any(GITLINK in facts[:2] or facts[0][1:] == GITLINK for facts, _ in records)
    return Staged(new, inner, has_submodules)


def find_secrets(tree: Repository, start: str, new: list[str], allowed: tuple[str, ...]) -> list[str]:
    """Return those of the paths in the index that are new since `start` and look like secrets, but for allowed ones.

    `allowed`: patterns of fnmatch. Raises GitError.
    """
    found = [path for path in new if is_sensitive(path)]
    if new:
        words = ("diff-index", "--cached", "--name-only", "--diff-filter=A", "--no-renames", "-z")
        found += tree.ask(*words, "-G", PRIVATE_KEY, start).split("\0")
    return sorted({path for path in found if path and not is_allowed(path, allowed)})


def squash(tree: Repository, head: str, start: str, task: str, attempt: int) -> None:
    """Make what was committed from `start` to `head` uncommitted; the commits stay under a ref. Raises GitError."""
    tree.act("update-ref", f"{SQUASHED}/{task}/{attempt}", head)
    tree.act("reset", "-q", "--soft", start)


def undo_squash(tree: Repository, start: str, task: str, attempt: int) -> None:
    """Put back the commits that an attempt made uncommitted when it was cut off; no file changes. Raises GitError."""
    head = tree.commit_of(f"{SQUASHED}/{task}/{attempt}")
    if head and tree.head() == start:
        tree.act("reset", "-q", "--soft", head)


def commit(tree: Repository, message: str) -> None:
    """Commit what is staged; hooks run. Raises GitError."""
    tree.act("commit", "-q", "--cleanup=whitespace", "-F", "-", stdin=message.encode("utf-8", "replace"))
