"""The working tree with work that is reviewed: what differs in it, and what a reviewer changed, undone.

Guarantee: what a reviewer changed is in a ref before it is removed. Held by `review_turn`.
"""

from __future__ import annotations

from ..git.command import GitError
from ..git.repository import Origin, Repository
from . import review_prompt
from .clearing import Clearing
from .workspace import WorkRejected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..git.parking import Label
    from .workspace import Host


class ReviewedTree:
    """The working tree with the work, as it was before the review."""

    def __init__(self, home: str, host: Host, top: str) -> None:
        """Raises WorkRejected."""
        self._tree = Repository(top, home, host.act_surely)
        self._clearing = Clearing(home, host)
        try:
            state = self._tree.state()
        except GitError as error:
            raise WorkRejected(str(error)) from error
        self._origin = Origin(str(state.commit), state.branch)

    def describe(self, start: str) -> str:
        """Return what differs from the commit that the work began with."""
        words = ("diff", "--no-ext-diff", "--no-textconv", "--no-color")
        commit = self._origin.commit
        try:
            summary = self._tree.ask(*words, "--stat=100", start, commit)
            patch = self._tree.ask(*words, start, commit)
        except GitError as error:
            raise WorkRejected(str(error)) from error
        return review_prompt.describe(start, commit, summary, patch)

    def restore(self, label: Label) -> str | None:
        """Put it back to what it was; the ref of what differed, if anything did. Raises WorkRejected."""
        try:
            state = self._tree.state()
            if Origin(str(state.commit), state.branch) == self._origin and not state.changes:
                return None
            self._tree.break_locks(["index", "HEAD"])  # the reviewer is gone, and its git with it
            return self._clearing.clear_away(self._tree, self._origin, label)
        except GitError as error:
            raise WorkRejected(f"what a reviewer left could not be undone: {error}") from error
