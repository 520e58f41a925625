"""How much many branches change, by a few git processes for all of them.

What it tells is what `rebase.find_start` and `changes.count` tell of one; what takes a closer look than this it leaves
to them. Called by what tells of all that waits for a review (`ralph.work`).
"""

from __future__ import annotations

from ..system.named_tuple import NamedTuple
from .command import GitError
from .diff_stat import stat_commits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .diff_stat import DiffStat
    from .repository import Repository


class Branch(NamedTuple):
    """Work on a branch."""

    name: str
    work: str  # the commit that stands for it where it is gone
    base: str  # the branch for which it is
    began: str | None  # the commit with which it began, as far as that is known


def stat_branches(repository: Repository, branches: Sequence[Branch]) -> dict[Branch, DiffStat]:
    """Return how much those of these branches change that are one commit behind their base branch's history; nothing
    where git cannot say it."""
    try:
        commits = _find_commits(repository, branches)
        heads: dict[str, dict[Branch, str]] = {}  # by the tips of their base branches
        for one in branches:
            tip = commits.get(f"refs/heads/{one.base}")
            head = commits.get(f"refs/heads/{one.name}") or commits.get(one.work)
            if tip and head and head != one.began:
                heads.setdefault(tip, {})[one] = head
        alone = {one: head for tip, several in heads.items()
                 for one, head in _find_single(repository, tip, several).items()}  # fmt: skip
    except GitError:
        return {}
    found = stat_commits(repository.top, alone.values())
    return {branch: found[head] for branch, head in alone.items() if head in found}


def _find_commits(repository: Repository, branches: Iterable[Branch]) -> dict[str, str]:
    """The commits of those that are there, by their full names and by themselves."""
    refs = dict.fromkeys(f"refs/heads/{name}" for one in branches for name in (one.name, one.base))
    names = [*refs, *dict.fromkeys(one.work for one in branches)]
    asked = "".join(f"{name}^{{commit}}\n" for name in names)
    told = repository.ask("cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=asked.encode()).splitlines()
    return {name: line[7:] for name, line in zip(names, told) if line.startswith("commit ")}


def _find_single(repository: Repository, tip: str, heads: dict[Branch, str]) -> dict[Branch, str]:
    """Those of which all that the tip's history lacks is their head, and that has one parent."""
    asked = "".join(f"{commit}\n" for commit in (f"^{tip}", *dict.fromkeys(heads.values())))
    lines = repository.ask("rev-list", "--parents", "--stdin", stdin=asked.encode()).splitlines()
    parents = {commit: others for commit, *others in map(str.split, lines)}
    return {
        branch: head for branch, head in heads.items()
        if len(parents.get(head, ())) == 1 and parents[head][0] not in parents
    }  # fmt: skip
