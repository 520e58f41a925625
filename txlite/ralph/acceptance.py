"""From what an agent calls done to where it belongs: the gate, the commit, and then the base branch.

Between the commit and the base branch stands all that has a say in work that passed its gate. Guarantee: nothing lands
that was not judged; what is turned down there fails as it would at the gate (WorkRejected), and what nobody has judged
who was asked waits for a person. Called by `trial`.
"""

from __future__ import annotations

from .workspace import WorkRejected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .workspace import Host, Workspace


def accept(workspace: Workspace, host: Host, review: Callable[[], str]) -> str:
    """Judge and commit what an agent did, and bring it where it belongs.

    review: has another agent judge what is committed in the workspace; why it was not judged, "" where it was. Returns
    why it waits for a person nevertheless, or "". Raises WorkRejected, WorkspaceUnusable, AttemptStopped, and what
    `review` raises.
    """
    commit = workspace.commit()
    unjudged = review()
    if unjudged and not commit:  # there is nothing that could wait
        raise WorkRejected(unjudged)
    if unjudged:
        host.remark(f"{unjudged}: it waits for you")
        return f"{unjudged}: it waits for you"
    if commit and workspace.submit(commit):
        return ""
    landed = workspace.land(commit)
    if landed:
        host.remark(f"committed as {landed}")
    return ""
