"""Mutants of `git` and `ralph`: landing, parking, workspaces, secrets, the gate."""

from __future__ import annotations

from .mutant import Mutant

LANDING = "git.test_landing.Landing"
WORKTREES = "ralph.test_worktrees"

MUTANTS = (
    Mutant(
        "landing-held-back-blindly", "git/landing.py", '"update-ref", ref, commit, held or NOTHING)',
        '"update-ref", ref, commit)', "what somebody else holds back is not replaced", (LANDING,),
    ),
    Mutant(
        "worktree-dirty-removed", "ralph/worktree_builder.py", "        if changes:\n", "        if False:\n",
        "a worktree with uncommitted changes stays",
        (f"{WORKTREES}.Landing.test_what_came_into_a_worktree_after_its_commit_keeps_it",),
    ),
    Mutant(
        "in-place-dirty-tree", "ralph/in_place.py", "        if state.changes:\n", "        if False:\n",
        "an attempt begins in a clean tree",
        ("ralph.test_in_place.InPlace.test_what_a_user_changes_between_two_attempts_stops_the_loop_and_stays",),
    ),
)  # fmt: skip
