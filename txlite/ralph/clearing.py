"""A working tree as it was before an attempt: what the attempt left is parked, and the report tells what was moved.

Held by the workspaces that commit, `in_place` and `worktree`, by `reviewed_work` and `reviewed_tree`.
"""

from __future__ import annotations

import os

from ..git import parking
from .workspace import ASIDE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..git.parking import Label
    from ..git.repository import Origin, Repository
    from .workspace import Host


class Clearing:
    """Parks what attempts left; repositories that lay within it go below home."""

    def __init__(self, home: str, host: Host) -> None:
        self._home = home
        self._host = host

    def clear_away(self, tree: Repository, origin: Origin, label: Label) -> str | None:
        """Park all that differs from `origin`, and put the tree back to it; the ref, if anything differed.

        Raises GitError, OSError.
        """
        aside = os.path.join(self._home, ASIDE, f"{label.task}.{label.attempt}")
        parked, moved = parking.clear_away(tree, origin, label, aside)
        for path in moved:
            self._host.remark(f"a repository that was within is in {path} now")
        return parked
