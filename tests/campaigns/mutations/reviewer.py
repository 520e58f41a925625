"""Mutants of reviewers."""

from __future__ import annotations

from .mutant import Mutant

REVIEWS = "ralph.test_reviewer.Reviews"
REJECTED = f"{REVIEWS}.test_what_it_rejects_does_not_land_and_the_next_attempt_is_told"
UNDONE = f"{REVIEWS}.test_what_it_changes_is_undone"
LIMITED = f"{REVIEWS}.test_one_that_is_limited_costs_nothing_and_only_the_review_is_repeated"
APPROVED = f"{REVIEWS}.test_what_it_approves_lands"
JUDGED_BEFORE = f"{REVIEWS}.test_what_was_judged_before_a_kill_is_not_judged_again"
NO_VERDICT = f"{REVIEWS}.test_no_verdict_is_no_approval"

MUTANTS = (
    Mutant(
        "reviewer-unheard-when-cut-off", "ralph/prompt.py",
        "for attempt in [one for one in reversed(ended) if one.id > since]:", "for attempt in []:",
        "what a reviewer said is told, though its attempt was cut off then",
        ("ralph.test_prompt.Prompt.test_a_reviewer_is_heard_though_its_attempt_was_cut_off",),
    ),
    Mutant(
        "approval-left-half-squashed", "ralph/reviewed_work.py", "                self._undo_squash()\n", "",
        "an approval that was killed at its commit is begun again",
        ("ralph.test_review.Kills.test_an_approval_that_is_killed_at_its_commit_is_begun_again",),
    ),
    Mutant(
        "reviewer-not-heeded", "ralph/review_turn.py", "if verdict.verdict != APPROVED:", "if False:",
        "what a reviewer rejects does not land", (REJECTED,),
    ),
    Mutant(
        "reviewer-silence-lands", "ralph/acceptance.py", "    if unjudged:\n", "    if False:\n",
        "no verdict is no approval", (NO_VERDICT,),
    ),
    Mutant(
        "reviewer-silence-of-nothing", "ralph/acceptance.py", "if unjudged and not commit:", "if False:",
        "where nothing could wait, no verdict fails", (f"{REVIEWS}.test_without_a_verdict_on_nothing_it_fails",),
    ),
    Mutant(
        "reviewer-any-word", "agents/verdict.py", 'value.get("verdict") not in (APPROVED, REJECTED)',
        '"verdict" not in value', "what is no verdict is none", (NO_VERDICT,),
    ),
    Mutant(
        "reviewer-any-line", "agents/verdict.py", "        self._last = line",
        "        self._last = self._last or line", "only the last line is a verdict", (NO_VERDICT, APPROVED),
    ),
    Mutant(
        "reviewer-changes-stay", "ralph/reviewed_tree.py",
        "            return self._clearing.clear_away(self._tree, self._origin, label)\n", "            return None\n",
        "what a reviewer changes is undone", (UNDONE,),
    ),
    Mutant(
        "reviewer-limit-costs", "ralph/review_turn.py", "raise AttemptStopped(Result(INTERRUPTED, note=note))",
        "raise WorkRejected(note)", "a limited reviewer costs nothing", (LIMITED,),
    ),
    Mutant(
        "reviewer-limit-unheeded", "ralph/source.py",
        "        if self._reviewer and self._store.loops.limits_of([self._reviewer]):\n", "        if False:\n",
        "while its reviewer is limited a loop begins nothing", (LIMITED,),
    ),
    Mutant(
        "reviewer-work-anew", "ralph/worktree.py", "rules.review or rules.reviewer", "rules.review",
        "work that passed is reviewed again, and not done again", (LIMITED,),
    ),
    Mutant(
        "reviewer-may-end-the-task", "ralph/review_turn.py", "            environment.pop(name, None)\n",
        "            pass\n", "a reviewer has not the agent's word", (APPROVED,),
    ),
    Mutant(
        "reviewer-forged-verdict", "ralph/agent_turn.py", "name.startswith((DONE_FILE, VERDICT_FILE))",
        "name.startswith(DONE_FILE)", "an agent leaves no verdict on its own work",
        (f"{REVIEWS}.test_a_verdict_in_a_file",),
    ),
    Mutant(
        "reviewer-block-ended", "ralph/review_prompt.py", "{3,}", "{9,}",
        "what was changed cannot end its block", ("ralph.test_reviewer.Prompt",),
    ),
    Mutant(
        "reviewer-in-this-tree", "ralph/preflight.py", "    worktrees = bool(review_by) or worktrees\n", "",
        "a reviewer implies worktrees", (f"{REVIEWS}.test_what_is_refused_at_the_start", LIMITED),
    ),
    Mutant(
        "review-though-no-was-said", "ralph/options.py", '("worktrees", "review")', '("worktrees",)',
        "the command line counts before config.ini", ("ralph.test_loop.Options.test_options_come_from_config",),
    ),
    Mutant(
        "reviewer-rejected-again", "ralph/worktree_site.py", "any(one.verdict == REJECTED for one in said)", "False",
        "work that was rejected before a kill is not reviewed again, but mended", (JUDGED_BEFORE,),
    ),
    Mutant(
        "reviewer-approved-again", "ralph/review_turn.py", 'self._find_earlier(), ""', 'None, ""',
        "work that was approved before a kill is not reviewed again", (JUDGED_BEFORE,),
    ),
)  # fmt: skip
