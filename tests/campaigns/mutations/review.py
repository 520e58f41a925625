"""Mutants of reviews: what waits for a person, and what becomes of it."""

from __future__ import annotations

from .mutant import Mutant

REVIEWS = "ralph.test_review.Reviews"
KILLS = "ralph.test_review.Kills"
CONFLICTS = f"{REVIEWS}.test_what_conflicts_lands_nothing_and_what_is_rejected_is_gone_on_with"
REBASED = f"{REVIEWS}.test_it_is_rebased_and_judged_again_where_the_base_has_moved"
APPROVED = f"{REVIEWS}.test_what_passed_waits_on_its_branch_and_lands_when_a_person_says_so"
AGAIN = f"{KILLS}.test_neither_work_that_had_passed_nor_a_landing_is_done_again"
MENDED = f"{REVIEWS}.test_what_a_person_committed_there_lands_with_it"
REBASING = f"{REVIEWS}.test_a_rebase_that_a_person_has_begun_there_is_theirs"
TAKEN_OUT = f"{REVIEWS}.test_what_was_taken_out_of_the_base_does_not_come_back"
BRANCHES = "git.test_branch_stats.BranchStats.test_each_is_as_one_alone_and_what_is_not_one_commit_is_left_out"


MUTANTS = (
    Mutant(
        "review-lands-unseen", "ralph/worktree.py", "        return self._is_reviewed\n", "        return False\n",
        "nothing lands that nobody approved", (APPROVED,),
    ),
    Mutant(
        "approval-ends-the-wait", "store/assignments.py", "        return REVIEW  # of work that did not land",
        "        return DONE  # of work that did not land",
        "what does not land stays to be reviewed", (CONFLICTS,),
    ),
    Mutant(
        "stop-cancels-an-approval", "store/assignments.py", "hold.verdict if is_approval else CANCELLED", "CANCELLED",
        "who stops an approval leaves the task to be reviewed",
        (f"{KILLS}.test_an_approval_that_is_stopped_leaves_its_task_to_be_reviewed",),
    ),
    Mutant(
        "approval-of-anything", "store/approvals.py", "    if task.status == REVIEW and row:", "    if row:",
        "only what waits for a review can be approved",
        (f"{KILLS}.test_an_approval_that_is_ended_at_its_gate_has_landed_nothing",),
    ),
    Mutant(
        "approval-leaves-the-rebase", "ralph/reviewed_work.py",
        "self._clearing.clear_away(site.own_surely, origin, Label(site.task_id, site.token, reason))", "None",
        "a branch that did not land is as it was", (REBASED,),
    ),
    Mutant(
        "approval-of-a-half-rebased", "ralph/reviewed_work.py", "                self._leave_rebase()\n", "",
        "a rebase that a person has begun is theirs", (REBASING,),
    ),
    Mutant(
        "approval-of-drafts", "ralph/reviewed_work.py", "        if state.changes:\n", "        if False:\n",
        "what is not committed does not land", (MENDED,),
    ),
    Mutant(
        "approval-unjudged", "ralph/reviewed_work.py", "        if head != self._work:\n", "        if False:\n",
        "what a person committed becomes one with the rest, and is judged", (MENDED,),
    ),
    Mutant(
        "rejection-untold", "ralph/prompt.py", "    parts += _unaccepted(store, task, ended, goes_on)\n", "",
        "the next attempt is told why", (CONFLICTS,),
    ),
    Mutant(
        "rejection-costs-nothing", "store/approvals.py", "BACKLOG, found.failures + 1)", "BACKLOG, found.failures)",
        "what was rejected counts as an attempt that did not pass", (CONFLICTS,),
    ),
    Mutant(
        "rejection-of-what-landed", "commands/review.py", "        if landed:\n", "        if False:\n",
        "what has landed is not rejected", (AGAIN,),
    ),
    Mutant(
        "review-done-again", "ralph/worktree.py", "self.is_judged = self._judged is not None", "self.is_judged = False",
        "work that had passed is not done again", (AGAIN,),
    ),
    Mutant(
        "review-worktree-removed", "ralph/stale_worktrees.py", '("backlog", "active", "blocked", "review")',
        '("backlog", "active", "blocked")',
        "the worktree of what waits is in use", (APPROVED,),
    ),
    Mutant(
        "worktree-origin-stays", "ralph/worktree.py", "            self._origin = self._follow(self._origin)\n", "",
        "an agent may rebase by itself", (CONFLICTS,),
    ),
    Mutant(
        "taken-out-comes-back", "git/rebase.py", "    if began and not tree.is_ancestor(began, tip)", "    if False",
        "what was taken out of the base stays out", (TAKEN_OUT,),
    ),
    Mutant(
        "approval-as-a-task", "store/attempt_status.py", "AND (? OR {IS_SHOWN})", "AND (? OR 1)",
        "what was approved stands in status once", (APPROVED,),
    ),
    Mutant(
        "approval-killed-unseen", "store/attempt_status.py", " OR (a.outcome = '{LOST}' AND t.token = a.id)", "",
        "an approval that was killed is seen",
        (f"{KILLS}.test_an_approval_that_is_killed_at_its_commit_is_begun_again",),
    ),
    Mutant(
        "branch-stats-of-the-last-commit", "git/branch_stats.py", " and parents[head][0] not in parents", "",
        "a branch of several commits is measured as a whole", (BRANCHES,),
    ),
    Mutant(
        "branch-stats-of-nothing", "git/branch_stats.py", " and head != one.began", "",
        "work that was undone changes nothing", (BRANCHES,),
    ),
    Mutant(
        "branch-stats-each", "git/branch_stats.py", "    found = stat_commits(repository.top, alone.values())\n",
        "    found = {}\n    for one in alone.values():\n        found.update(stat_commits(repository.top, [one]))\n",
        "many branches are measured by few processes", (BRANCHES,),
    ),
    Mutant(
        "held-back-called-landed", "view/reviews.py",
        '("held back", "33") if one.note else', '("held back", "33") if False else',
        "what is held back is not called landed",
        ("ralph.test_review.Reviews.test_what_waits_may_be_held_back_or_be_done_without_it",),
    ),
)  # fmt: skip
