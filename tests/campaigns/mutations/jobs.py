"""Mutants of execution: attempts as jobs of Slurm. Their tests need a real Slurm, and are skipped without one, but for
those of a job's course."""

from __future__ import annotations

from .mutant import Mutant

TESTS = "slurm.test_jobs"
COURSE, GUARD, KILLED, STOPPING = "slurm.test_course", "slurm.test_guard", f"{TESTS}.Killed", f"{TESTS}.Stopping"

MUTANTS = (
    Mutant(
        "taken-over-draft",
        "reports/salvage.py",
        'which write it anew. Raises OSError."""\n    remove(draft_path(directory, header))\n',
        'which write it anew. Raises OSError."""\n',
        "of a report that a dead dispatcher had begun nothing is left when another has gone on with its job",
        ("reports.test_report.TakenOver.test_nothing_but_its_report_is_left",),
    ),
    Mutant(
        "guard-without-ticket", "execution/executors/guard.py",
        'mv "$t" "$t.taken" 2>/dev/null || exit 96', 'mv "$t" "$t.taken" 2>/dev/null',
        "a job runs nothing without its ticket", (GUARD,),
    ),
    Mutant(
        "guard-leaves-daemons", "execution/executors/guard.py",
        'code=$?\n[ "$daemons" = yes ] || sweep "$after"', "code=$?",
        "nothing of an attempt is left on its node", (GUARD, f"{TESTS}.Jobs.test_nothing_of_it_is_left_on_its_node"),
    ),
    Mutant(
        "guard-looks-once", "execution/executors/guard.py", '[ -n "$left" ] || left=$(find_left); }', "}",
        "who becomes another program just then is no less found", (GUARD,),
    ),
    Mutant(
        "guard-unwatched", "execution/executors/guard.py", '[ "$daemons" = yes ] || sweep 0\n', "",
        "what a killed guard left is ended", (GUARD,),
    ),
    Mutant(
        "stop-without-revoking", "execution/executors/job_course.py",
        "has_run = not self.ticket.revoke()", "has_run = self.ticket.is_taken",
        "a stopped attempt runs nothing, however late its job starts", (COURSE,),
    ),
    Mutant(
        "old-answer-counts", "execution/executors/job_course.py",
        "if self.result or asked < self._sure_since:", "if self.result:",
        "an answer older than the submission says nothing", (COURSE,),
    ),
    Mutant(
        "forgotten-is-over", "execution/executors/job_course.py",
        "(MOMENT if is_over(self._last) else FORGOTTEN)", "MOMENT",
        "a job that Slurm forgot is no job that is over", (COURSE,),
    ),
    Mutant(
        "refused-once-is-over", "execution/executors/job_course.py",
        "if self.ticket.revoke() or not self._was_unsure:", "if True:",
        "what may have come before is not over as it is refused", (COURSE,),
    ),
    Mutant(
        "verdict-not-awaited", "execution/executors/job_course.py",
        "if not ended.is_plain and not self._is_gone and now < self._over_at + VERDICT:", "if False:",
        "why an attempt failed, Slurm is asked", ("slurm.test_outcomes",),
    ),
    Mutant(
        "jobs-not-adopted", "execution/dispatcher.py", "for assignment in self._adoption.look():",
        "for assignment in ():",
        "a dead worker's jobs are taken over", (f"{KILLED}.test_a_killed_worker_s_jobs_are_taken_over",),
    ),
    Mutant(
        "jobs-ended-by-who-adopts", "execution/recovery.py",
        "if self._jobs == ENDED or not self._places.is_adoptable(claim.token):", "if True:",
        "a dead worker's jobs go on", (KILLED,),
    ),
    Mutant(
        "files-removed-before-the-end-is-recorded", "execution/dispatcher.py",
        "            self._store.database.settle()  # only then may what stands beside the tickets go\n", "",
        "an end is on the disk before its ticket goes", (KILLED,),
        "only a power cut tells them apart",
    ),
    Mutant(
        "queued-jobs-run-on", "execution/dispatcher.py", "attempt.withdraw(NOT_STARTED)", "pass",
        "who leaves gives back what has not started",
        (f"{STOPPING}.test_ctrl_c_gives_back_what_waits_and_lets_what_runs_finish",),
    ),
    Mutant(
        "silence-is-an-answer", "execution/executors/slurm_cluster.py",
        "            self.polling.fail(answer.reason)\n            return\n",
        "            self.polling.fail(answer.reason)\n",
        "a command that fails says nothing of any job", (COURSE,),
    ),
    Mutant(
        "limit-on-jobs-is-a-refusal", "execution/executors/slurm_submissions.py",
        'return any("Submit" in limit for limit in limits)', "return False",
        "a limit on the number of jobs is waited for", ("slurm.test_submissions.Words",),
    ),
    Mutant(
        "run-refused-at-the-limit", "execution/executors/slurm_check.py",
        " or is_crowded(answer.output, took_others=True)", "",
        "a run begins though there are as many jobs as there may be", ("slurm.test_outcomes.LimitedJobs",),
    ),
    Mutant(
        "pause-for-each-refusal", "execution/executors/slurm_submissions.py", "if not self.is_crowded:", "if True:",
        "what was submitted together has one pause", ("slurm.test_submissions.Pauses",),
    ),
    Mutant(
        "who-cancels-a-job-is-not-obeyed", "store/moves.py",
        "CANCELLED: (CANCELLED, CANCELLED, CANCELLED),", "CANCELLED: (BACKLOG, BACKLOG, CANCELLED),",
        "who cancels a job cancels its task", ("store.test_jobs",),
    ),
)  # fmt: skip
