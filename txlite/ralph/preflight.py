"""What must hold before a loop starts: which working tree it works in, and whether it may.

Guarantee: whatever would make each attempt fail, or would commit what is not the loop's, is refused in one line before
anything is claimed. Called by the command `ralph`.
"""

from __future__ import annotations

import os

from ..errors import Refused, UsageError
from ..git import command
from ..git.landing import HELD_BACK, catch_up, find_tip
from ..git.repository import Repository
from ..home import location
from .workspace import Rules
from .worktree_site import BRANCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..agents.roster import Roster
    from ..git.repository import State
    from ..store.store import Store
    from .ladder import Ladder
    from .loop_settings import Reviewer


def find_rules(
    store: Store,
    workers: int,
    worktrees: bool | None,
    commits: bool,
    allow: Iterable[str],
    copy: Iterable[str],
    setup: str | None,
    review: bool = False,
    reviewer: bool = False,
) -> Rules:
    """Return how the work of a loop that is started here is treated.

    worktrees: None where nobody said; commits: whether git is used at all; review: what passes its gate waits for a
    person; reviewer: an agent reviews it. Raises UsageError, Refused where it may not start.
    """
    review_by = "--review" if review else "--reviewer" if reviewer else ""
    top = _find_top(worktrees, commits, review_by)
    worktrees = bool(review_by) or worktrees
    is_apart = workers > 1 and top is not None if worktrees is None else worktrees
    rules = Rules(top, None, is_apart, tuple(allow), tuple(copy), setup, review=review, reviewer=reviewer)
    if top is None:
        return rules
    repository = Repository(top, store.home, command.by_itself)
    rules = rules._replace(shared=repository.shared_directory())
    if workers > 1 and not is_apart:
        raise UsageError(f"{workers} workers in one working tree would commit each other's work: omit --no-worktrees")
    state = repository.state()
    _check_commits(top, state)
    if is_apart:
        _check_worktrees(store, top, state, rules)
    why_held = catch_up(repository, state.branch) if state.branch else None
    if is_apart:
        _check_way(repository, state)
    else:
        _check_clean(store, top, state, why_held)
    return rules._replace(base=state.branch)


def tell_unclean(rules: Rules, home: str) -> str | None:
    """Return what a person should know before worktrees are worked in: no work comes over files that are changed in
    their own tree; None where there are none, or that is worked in itself."""
    if rules.repository is None or not rules.worktrees:
        return None
    changes = Repository(rules.repository, home, command.by_itself).state("no").changes
    if not changes:
        return None
    return (
        f"{rules.repository} has changes that are not committed ({', '.join(changes[:3])}): "
        f"{HELD_BACK}/{rules.base} holds what lands, once work changes those files, too"
    )


def check_cost(roster: Roster, ladder: Ladder, reviewer: Reviewer | None) -> Roster:
    """Return the agents with which a bound of money can be kept: tasks that name another one wait. Raises UsageError
    where one of the loop's own, of its ladder, or its reviewer says nothing of what it costs."""
    by_ladder = [roster.find(rung.agent) for rung in ladder.rungs if rung.agent]
    for agent in (*roster.agents, *by_ladder, *([reviewer.agent] if reviewer else [])):
        if not agent.tells_cost:
            raise UsageError(f"--max-cost: {agent.why_no_cost}")
    return roster._replace(others=tuple(agent for agent in roster.others if agent.tells_cost))


def _find_top(worktrees: bool | None, commits: bool, review_by: str) -> str | None:
    """The top of the working tree that the loop is started in; None: it does without git. review_by: the option by
    which work is reviewed, if there is any."""
    if review_by and worktrees is False:
        without = review_by.replace("--", "--no-")
        raise UsageError(
            f"{review_by}: what is to be reviewed waits in worktrees: omit --no-worktrees, or give {without}"
        )
    wanted_by = review_by or ("--worktrees" if worktrees else "")
    top = command.find(location.working_directory()) if commits else None
    if wanted_by and top is None:
        without = "with --no-commit nothing could leave worktrees"
        raise UsageError(
            f"{wanted_by}: {'this directory is in no git repository: `git init` makes one' if commits else without}"
        )
    return top


def _check_commits(top: str, state: State) -> None:
    """There is something to build on, and somebody who commits."""
    if state.commit is None:
        raise Refused(f"{top} has no commit yet: make a first one, or give --no-commit")
    for role in ("AUTHOR", "COMMITTER"):
        try:
            command.ask(top, "var", f"GIT_{role}_IDENT")
        except command.GitError:
            raise Refused("git does not know who commits here: `git config user.name` and user.email tell it") from None


def _check_worktrees(store: Store, top: str, state: State, rules: Rules) -> None:
    """Worktrees have a branch to come back to, and nothing that they get would be committed."""
    if state.branch is None:
        raise Refused(f"{top} is on no branch, and worktrees need one to come back to: `git switch BRANCH`")
    if os.pathsep in store.home:
        raise Refused(f"{store.home} holds a {os.pathsep!r}, which git takes for two paths: give another with --home")
    for path in filter(lambda path: os.path.lexists(os.path.join(top, path)), rules.copy):
        tracked = command.ask(top, "ls-files", "--", path)
        if not tracked and not command.ask(top, "check-ignore", "--", path, codes=(0, 1)):
            raise UsageError(f"config.ini, [ralph]: copy: {path} is not ignored by git: it would be committed")


def _check_way(repository: Repository, state: State) -> None:
    """The branches of tasks can be made, and what is held back for the branch can still come to it."""
    for name in (BRANCH, HELD_BACK):
        if f"refs/heads/{name}" in repository.commits_of(f"refs/heads/{name}"):
            raise Refused(
                f"{repository.top} has a branch {name}, and git makes none below it (as {name}/...): "
                f"`git branch -m {name} OTHER` renames it"
            )
    if state.branch:
        find_tip(repository, state.branch)  # raises Diverged, where it cannot


def _check_clean(store: Store, top: str, state: State, why_held: str | None) -> None:
    """The user's own tree holds all that was landed, and nothing that is not committed."""
    if why_held:
        raise Refused(
            f"{top}: {state.branch} lacks what {HELD_BACK}/{state.branch} holds ({why_held}): merge that first"
        )
    if state.changes and not _is_cut_off(store, top):
        names = ", ".join(state.changes[:3])
        raise Refused(
            f"{top} has changes that are not committed ({names}): commit or stash them, or give --worktrees or "
            "--no-commit"
        )


def _is_cut_off(store: Store, top: str) -> bool:
    """Whether the changes there are an attempt's: one that was killed, or goes on though its loop was killed."""
    return any(record.repository == top and not record.worktree for record in store.loop_attempts.unsettled())
