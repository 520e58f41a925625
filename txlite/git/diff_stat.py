"""How much commits change, in figures.

Called by who tells of a night, and of what waits for a review (`changes`, `branch_stats`).
"""

from __future__ import annotations

import re

from ..system.named_tuple import NamedTuple
from .command import GitError, ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_FIGURES = re.compile(r"(\d+) files? changed(?:, (\d+) insertions?\(\+\))?(?:, (\d+) deletions?\(-\))?")


class DiffStat(NamedTuple):
    """What commits change; a file that several of them change counts for each."""

    files: int
    added: int  # lines
    deleted: int


def stat_commits(directory: str, commits: Iterable[str]) -> dict[str, DiffStat]:
    """Return what each of these commits (all 40 or 64 digits) changes; without those that are not there any more.

    directory: any in the repository; where there is none, nothing is found.
    """
    wanted = "".join(f"{commit}\n" for commit in dict.fromkeys(commits))
    if not wanted:
        return {}
    words = ("--no-walk=unsorted", "--ignore-missing", "--shortstat", "--no-ext-diff", "--format=%x00%H", "--stdin")
    try:
        told = ask(directory, "log", *words, stdin=wanted.encode())
    except GitError:
        return {}
    found = {}
    for part in told.split("\0")[1:]:
        commit, _, figures = part.partition("\n")
        found[commit.strip()] = read_figures(figures)
    return found


def read_figures(told: str) -> DiffStat:
    """Return what a line of --shortstat says."""
    counts = _FIGURES.search(told)
    return DiffStat(*(int(count or 0) for count in counts.groups())) if counts else DiffStat(0, 0, 0)
