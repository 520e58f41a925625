"""Mutants of `git`, `ralph` and `view`: landing, parking, workspaces, secrets, the gate, what is shown."""

from __future__ import annotations

from .mutant import Mutant

LANDING = "git.test_landing.Landing"
HALF_LANDED = "git.test_landing.HalfLanded"
TREE = "git.test_tree"
WORKTREES = "ralph.test_worktrees.Worktrees"
LANDED = "ralph.test_worktrees.Landing"
STALE = "ralph.test_stale_worktrees.Stale"
IN_PLACE = "ralph.test_in_place.InPlace"
COMMITS = "ralph.test_commits.Commits"
PARKING = "ralph.test_parking.Parking"

BRANCHES = (
    Mutant(
        "landing-held-back-blindly", "git/landing.py", '"update-ref", ref, commit, held or NOTHING)',
        '"update-ref", ref, commit)',
        "what somebody else holds back is not replaced", (LANDING,),
    ),
    Mutant(
        "landing-held-back-dropped", "git/landing.py", '"update-ref", "-d", ref, held)', '"update-ref", "-d", ref)',
        "what is held back goes only if it landed", (LANDING,),
    ),
    Mutant(
        "landing-merges", "git/landing.py", '"merge", "-q", "--ff-only",', '"merge", "-q",',
        "a base branch moves forward only", (LANDING,),
    ),
    Mutant(
        "landing-moves-back", "git/landing.py", "if tip is None or not repository.is_ancestor(tip, commit):",
        "if tip is None:",
        "a base branch moves forward only", (LANDING,),
    ),
    Mutant(
        "landing-over-a-deleted-file", "git/landing.py",
        "    if changed:\n        return _tell", "    if False:\n        return _tell",
        "a file that a person deleted does not come back", (LANDING,),
    ),
    Mutant(
        "landing-in-a-clean-tree-alone", "git/landing.py", "changed &= set(_touched(tree, commit))", "pass",
        "what is not committed elsewhere does not hinder work", (LANDING,),
    ),
    Mutant(
        "landing-as-a-person-merges", "git/landing.py", '"-c", plain, "merge"', '"merge"',
        "how a person has told git to merge does not count", (LANDING,),
    ),
    Mutant(
        "landing-in-a-cherry-pick", "git/landing.py", "    if unfinished:", "    if False:",
        "nothing lands while something is not finished in the tree", (LANDING,),
    ),
    Mutant(
        "landing-beside-an-attempt", "git/landing.py", "return _merge(tree, base, commit) if lock.try_acquire() else",
        "return _merge(tree, base, commit) if True else",
        "a tree in which an attempt works is left alone", (LANDING,),
    ),
    Mutant(
        "landing-by-two", "git/landing.py", "return _catch_up(repository, base) if lock.try_acquire() else",
        "return _catch_up(repository, base) if True else",
        "one lands at a time", (LANDING,),
    ),
    Mutant(
        "landing-over-a-users-file", "git/landing.py", '"--no-overwrite-ignore", ', "",
        "a user's file that is in the way stays", (f"{LANDED}.test_a_users_file_that_is_in_the_way_stays",),
    ),
    Mutant(
        "undo-what-a-person-did", "git/half_landed.py",
        "if _blob(tree, path) not in both or staged.get(path) not in both:", "if False:",
        "what a person changed is not undone", (HALF_LANDED,),
    ),
    Mutant(
        "undo-elsewhere", "git/half_landed.py", "if path in before or path in after]", "if path]",
        "a person's other changes stay as the rest is undone", (HALF_LANDED,),
    ),
    Mutant(
        "undo-beside-an-attempt", "git/half_landed.py", "return lock.try_acquire() and _undo", "return _undo",
        "nothing is undone where an attempt works", (HALF_LANDED,),
    ),
    Mutant(
        "rebase-left-begun", "git/rebase.py", '        tree.act("rebase", "--abort")\n        if not files:',
        "        if not files:",
        "a rebase that conflicts changes nothing", (f"{TREE}.Rebase",),
    ),
    Mutant(
        "parked-over-parked", "git/parking.py", "if name not in taken)", "if name)",
        "what is parked already stays", (f"{TREE}.Parking",),
    ),
    Mutant(
        "parked-without-new-files", "git/parking.py", "    stage(tree)\n    start, head", "    start, head",
        "all that was left is in the ref", (f"{TREE}.Parking",),
    ),
    Mutant(
        "parked-without-the-branch", "git/parking.py", "is_elsewhere = tip is not None and",
        "is_elsewhere = False and",
        "commits that an agent walked away from are parked",
        (f"{PARKING}.test_commits_that_an_agent_walked_away_from_are_parked",),
    ),
    Mutant(
        "parked-ignored-files-go", "git/parking.py", "        _bring_back_ignored(tree, origin.commit, parked)\n",
        "        pass\n",
        "what git ignored stays where it is",
        (f"{PARKING}.test_ignored_files_are_not_touched_whatever_an_agent_ignores",),
    ),
    Mutant(
        "clean-takes-home", "git/parking.py", 'own = [f"--exclude=/{_escape(path)}" for path in tree.own_paths()]',
        "own: list[str] = []",
        "home is never removed", (f"{IN_PLACE}.test_home_in_a_directory_of_its_own_survives",),
    ),
    Mutant(
        "everything-with-home", "git/repository.py",
        'return ["--", ":/", *(f":(top,exclude,literal){path}" for path in self.own_paths())]', 'return ["--", ":/"]',
        "home is never committed", (f"{COMMITS}.test_home_is_never_committed",),
    ),
    Mutant(
        "sparse-left-out", "git/index.py", '.strip() == "true"', '.strip() == "never"',
        "what lies outside of a sparse checkout is committed, too",
        ("ralph.test_worktrees.Worktrees.test_what_lies_outside_of_a_sparse_checkout_is_committed_or_parked_too",),
    ),
    Mutant(
        "secrets-by-content", "git/index.py", "    if new:\n", "    if False:\n",
        "a private key is found by what is in it", (f"{TREE}.Index",),
    ),
    Mutant(
        "secrets-by-name", "git/index.py", "found = [path for path in new if is_sensitive(path)]",
        "found: list[str] = []",
        "a secret is found by its name", (f"{TREE}.Index",),
    ),
    Mutant(
        "squashed-commits-go", "git/index.py", 'tree.act("update-ref", f"{SQUASHED}/{task}/{attempt}", head)', "pass",
        "what an agent committed stays under a ref", (f"{TREE}.Index",),
    ),
    Mutant(
        "git-of-the-caller", "git/command.py", "if os.fsdecode(name) not in LOCAL}", "}",
        "no variable leads git to another repository",
        (f"{IN_PLACE}.test_a_git_environment_of_the_callers_reaches_nobody",),
    ),
    Mutant(
        "git-above-the-worktree", "git/command.py", "    if top:\n", "    if False:\n",
        "a worktree without its git does not reach the user's tree",
        (f"{WORKTREES}.test_a_worktree_without_its_git_does_not_reach_the_users_tree",),
    ),
)  # fmt: skip

LOOPS = (
    Mutant(
        "gate-unheard", "ralph/workspace.py", "    if failure:\n", "    if False:\n",
        "a task is done when the gate passed",
        ("ralph.test_gate.Gate.test_an_exit_of_0_without_the_gate_is_a_failure_and_the_next_one_is_told",),
    ),
    Mutant(
        "gate-not-after-a-rebase", "ralph/worktree_landing.py",
        'judge(self._host, directory, f" (after the rebase onto {site.base})")', "pass",
        "what was rebased is judged again", (f"{LANDED}.test_the_gate_is_asked_again_after_a_rebase",),
    ),
    Mutant(
        "gate-not-after-a-hook", "ralph/committer.py", 'judge(self._host, directory, " (with what a hook changed)")',
        "pass",
        "what a hook changed is judged, too",
        ("ralph.test_hooks.Hooks.test_the_gate_sees_what_a_hook_changed",),
    ),
    Mutant(
        "commit-on-another-branch", "ralph/committer.py", "if state.branch != origin.branch:", "if False:",
        "work on another branch is no work", (f"{COMMITS}.test_work_on_another_branch_is_no_work",),
    ),
    Mutant(
        "commit-an-unfinished-merge", "ralph/committer.py", "        if unfinished:\n", "        if False:\n",
        "a merge that an agent began is no work", (f"{COMMITS}.test_a_merge_that_an_agent_began_is_no_work",),
    ),
    Mutant(
        "commit-secrets", "ralph/committer.py", "        if secrets:\n", "        if False:\n",
        "no secret is committed", ("ralph.test_secrets.Secrets",),
    ),
    Mutant(
        "commit-a-repository-within", "ralph/committer.py",
        "        if inner:\n            name", "        if False:\n            name",
        "a repository within is no work that can be committed",
        (f"{COMMITS}.test_a_repository_within_is_no_work_that_can_be_committed",),
    ),
    Mutant(
        "commit-a-part", "ralph/committer.py", "    if state.changes:\n        raise WorkRejected(f\"not all",
        "    if False:\n        raise WorkRejected(f\"not all",
        "all of it is committed, or nothing",
        ("ralph.test_hooks.Hooks.test_a_hook_that_leaves_a_part_out_is_the_tasks_failure",),
    ),
    Mutant(
        "worktree-dirty-removed", "ralph/worktree_builder.py", "        if changes:\n", "        if False:\n",
        "a worktree with uncommitted changes stays",
        (f"{LANDED}.test_what_came_into_a_worktree_after_its_commit_keeps_it",),
    ),
    Mutant(
        "worktree-with-submodules-removed", "ralph/worktree_builder.py", "        if has_submodules:\n",
        "        if False:\n",
        "a submodule's commit that is only there stays",
        (f"{STALE}.test_a_submodules_commit_that_is_only_there_stays",),
    ),
    Mutant(
        "worktree-landing-not-noted", "ralph/worktree_landing.py", "            site.record_landing(commit)\n", "",
        "work that had landed is not done again",
        ("ralph.test_kills.Kills.test_work_that_had_landed_is_not_done_again",),
    ),
    Mutant(
        "stale-dirty-removed", "ralph/stale_worktrees.py", "100)}\" if changes else None",
        "100)}\" if False else None",
        "cleanup removes nothing that is not committed",
        (f"{STALE}.test_cleanup_removes_finished_ones_that_hold_nothing",),
    ),
    Mutant(
        "stale-branch-deleted", "ralph/stale_worktrees.py",
        'if not main.ask("rev-list", "-n", "1", ref, "--not", f"--exclude={ref}", "--all"):', "if True:",
        "no commit becomes unreachable", (f"{STALE}.test_cleanup_keeps_commits_that_are_nowhere_else",),
    ),
    Mutant(
        "in-place-dirty-tree", "ralph/in_place.py", "        if state.changes:\n", "        if False:\n",
        "an attempt begins in a clean tree",
        (f"{IN_PLACE}.test_what_a_user_changes_between_two_attempts_stops_the_loop_and_stays",),
    ),
    Mutant(
        "in-place-by-two", "ralph/in_place.py", "self.lock = self._tree.path_of(TREE_LOCK)", 'self.lock = ""',
        "one attempt at a time works in a tree",
        (f"{IN_PLACE}.test_a_tree_in_which_another_homes_attempt_works_is_waited_for",),
    ),
    Mutant(
        "in-place-not-waited-for", "ralph/in_place_recovery.py",
        "return any(record.attempt in claimed for record in self._found())", "return False",
        "nothing is cleared away while its agent may run",
        (f"{IN_PLACE}.test_nothing_is_cleared_away_while_the_agent_of_a_dead_worker_may_run",),
    ),
    Mutant(
        "in-place-person-moved", "ralph/in_place_recovery.py",
        "state.branch != record.base and self._was_moved_by(record)", "state.branch != record.base",
        "a person who went to another branch stays there",
        (f"{IN_PLACE}.test_a_person_who_went_to_another_branch_stays_there",),
    ),
    Mutant(
        "preflight-dirty-tree", "ralph/preflight.py", "if state.changes and not _is_cut_off(store, top):",
        "if False:",
        "a dirty tree is refused before anything is claimed",
        ("ralph.test_preflight.Refusals.test_a_dirty_tree_is_refused",),
    ),
    Mutant(
        "preflight-branch-in-the-way", "ralph/preflight.py", "for name in (BRANCH, HELD_BACK):", "for name in ():",
        "a branch in the way of those of tasks is named at the start",
        ("ralph.test_preflight.Refusals.test_a_branch_in_the_way_of_those_of_tasks_is_named",),
    ),
    Mutant(
        "ended-by-a-disk-for-good", "execution/supervisor.py", "; once that is mended, {GOES_ON}", "",
        "what a full disk ended says that it goes on",
        ("ralph.test_loop.Ends.test_one_that_the_disk_ended_says_that_it_goes_on",),
    ),
    Mutant(
        "preflight-different-ways", "ralph/preflight.py",
        "find_tip(repository, state.branch)  # raises", "pass  #",
        "nothing is begun for a branch that went another way than what is held back",
        ("ralph.test_preflight.Refusals.test_what_went_another_way_than_what_is_held_back_is_for_a_person",),
    ),
    Mutant(
        "provider-refusal-costs", "ralph/agent_turn.py", "return result._replace(outcome=INTERRUPTED, note=",
        "return result._replace(note=",
        "what a provider refuses costs the task nothing",
        ("ralph.test_limits.Provider.test_a_usage_limit_costs_nothing_and_pauses_the_agent",),
    ),
    Mutant(
        "done-by-another", "ralph/agent_turn.py", "self._store.loop_attempts.has_said_done(self._token)", "True",
        "only an agent's own word is its word",
        ("ralph.test_gate.Word.test_the_word_of_another_attempt_does_not_count",),
    ),
    Mutant(
        "loop-without-bound", "store/loops.py",
        "    if max_failures and _failing(connection, loop, max_failures) >= max_failures:\n        return True",
        "    if False:\n        return True",
        "a loop in which all fails ends", ("ralph.test_loop.Ends.test_it_ends_when_different_tasks_fail_in_a_row",),
    ),
    Mutant(
        "shown-raw", "view/table.py", "[text.printable(str(cell)) for cell in row]", "[str(cell) for cell in row]",
        "what agents and users wrote is shown escaped",
        ("commands.test_cli.Verbs.test_what_agents_and_users_wrote_is_shown_escaped",),
    ),
    Mutant(
        "output-shown-raw", "view/terminal.py", "text.printable_lines(self._decoder.decode(data))",
        "self._decoder.decode(data)",
        "an agent's output is shown escaped", ("view.test_follow.Logs.test_following_from_the_start_to_the_end",),
    ),
)  # fmt: skip

MUTANTS = (*BRANCHES, *LOOPS)
