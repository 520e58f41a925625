"""From what an agent calls done to where it belongs: the gate, the commit, and then the base branch.

Between the commit and the base branch stands all that has a say in work that passed its gate. Guarantee: nothing lands
that was not judged; what is turned down there fails as it would at the gate (WorkRejected). Called by `trial`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .workspace import Host, Workspace


def accept(workspace: Workspace, host: Host, review: Callable[[], None]) -> None:
    """Judge and commit what an agent did, and bring it where it belongs.

    review: has another agent judge what is committed in the workspace. Raises WorkRejected, WorkspaceUnusable,
    AttemptStopped, and what `review` raises.
    """
    commit = workspace.commit()
    review()
    if commit and workspace.submit(commit):
        return
    landed = workspace.land(commit)
    if landed:
        host.remark(f"committed as {landed}")
