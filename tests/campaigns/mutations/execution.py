"""Mutants of `execution`, `agents` and `reports`: recovery, stopping, what agents get, files and rights."""

from __future__ import annotations

from .mutant import Mutant

GIVEN = "execution.test_recovery.Given"
DEAD = "execution.test_recovery.Dead"
POLICY = "execution.test_stopping.Policy"
ORDERED = "execution.test_stopping.Ordered"
GUARDED = "execution.test_guarded_process.Guarded"
STALLS = "execution.test_guarded_process.Stalls"
STARTS = "execution.test_stopping.Starts"
TREES = "execution.test_trees"
ARCHIVE = "reports.test_archive.Crashes"
ONLY_REPORTS = "reports.test_retention.OnlyReports"
RESULTS = "agents.test_results"
ENDED = "execution.test_ended.Ends"

PROCESSES = (
    Mutant(
        "recovery-before-kill", "execution/dead_worker.py", "if self._ending and not self._ending.is_over:",
        "if False:",
        "a task goes back when its old tree is gone", (GIVEN,),
    ),
    Mutant(
        "recovery-while-it-ends", "execution/dead_worker.py",
        "            if not self._ending.is_over:\n                return pause\n", "",
        "a task goes back when its old tree is gone", (GIVEN,),
    ),
    Mutant(
        "recovery-unkillable-given-back", "execution/dead_worker.py", "if self._ending and self._ending.survivors:",
        "if False:",
        "what could not be killed is not run twice", (GIVEN,),
    ),
    Mutant(
        "recovery-of-the-living", "execution/recovery.py", "        if identity.is_alive():", "        if False:",
        "who lives is not recovered, though its lock file is gone",
        (f"{DEAD}.test_lock_files_tidied_away_do_not_make_a_worker_dead",),
    ),
    Mutant(
        "recovery-by-two", "execution/recovery.py", "if not lock.is_taken and not lock.is_missing:", "if False:",
        "one alone clears up after a dead worker", (f"{DEAD}.test_several_recover_at_once",),
    ),
    Mutant(
        "told-before-workers-are", "execution/supervisor.py", "self._observe(is_interrupted)",
        "self._observe(self.is_interrupted)",
        "nothing is begun once it is said that a run stops",
        ("execution.test_signals.Stopping.test_nothing_is_begun_once_it_is_said_whenever_the_signal_came",),
    ),
    Mutant(
        "run-is-quit", "execution/known_runs.py", "process.send_signal(seen, signal.SIGTERM)",
        "process.send_signal(seen, signal.SIGQUIT)",
        "a run that is stopped lets what runs finish",
        ("execution.test_signals.Running.test_a_run_is_ended_from_another_shell",),
    ),
    Mutant(
        "presence-of-the-dead", "execution/presence.py",
        'state=state if is_job or is_present(store, status.worker, status.identity) else LOST,',
        "state=state,",
        "what a dead worker ran is lost at once", (GIVEN,),
    ),
    Mutant(
        "presence-note-of-another", "execution/presence.py",
        'return note if note.get("attempt") == status.attempt else {}', "return note",
        "an attempt is not shown in another one's place", ("view.test_places.Places",),
    ),
    Mutant(
        "stop-no-second-between", "execution/stop_policy.py", " and now >= self._first_at + SECOND_SIGNAL", "",
        "signals closer than a second are one", (POLICY,),
    ),
    Mutant(
        "stop-no-drain", "execution/stop_policy.py",
        "if self._drain is not None and now >= self._first_at + self._drain:", "if False:",
        "--drain bounds the wait", (POLICY,),
    ),
    Mutant(
        "stop-no-quit", "execution/stop_policy.py", "if signal.SIGQUIT in self._signals:", "if False:",
        "SIGQUIT stops at once", (POLICY,),
    ),
    Mutant(
        "stop-goes-back", "execution/stop_policy.py", "self.stage = max(self.stage, stage)", "self.stage = stage",
        "a softer order after a harder one changes nothing", (POLICY,),
    ),
    Mutant(
        "stop-between-claim-and-start", "execution/attempt_runner.py", "    return self._policy.result\n",
        "    pass\n",
        "an order that comes before the start reaches it", (ORDERED,),
    ),
    Mutant(
        "stop-of-a-command", "execution/attempt_runner.py", "    raise AttemptStopped(self._policy.result)\n",
        "    pass\n",
        "a gate is not started after an order to stop", (ORDERED,),
    ),
    Mutant(
        "error-leaves-the-agent", "execution/attempt_runner.py", "            self.end_process()\n            raise",
        "            raise",
        "what was started is ended before an error goes on", (ORDERED,), "the end of the attempt ends it, too",
    ),
    Mutant(
        "end-recorded-before-it-is", "execution/attempt_runner.py",
        "        self.end_process()\n        record, self._record", "        record, self._record",
        "no end is recorded while something runs", (ORDERED,),
    ),
    Mutant(
        "tree-left-behind", "execution/guarded_process.py",
        "return not process.reap_adopted(child.uncollected())", "return True",
        "an attempt is over when its tree is gone", (f"{TREES}.Trees.test_when_the_agent_exits_by_itself",),
    ),
    Mutant(
        "daemons-of-another-attempt", "execution/guarded_process.py",
        "process_tree.marked_attempt(seen.pid, home) in (attempt, None)", "True",
        "what was left running on purpose is left alone",
        (f"{TREES}.Bystanders.test_daemons_left_on_purpose_live_on",),
    ),
    Mutant(
        "survivors-unnamed", "execution/guarded_process.py", "        if survivors:\n", "        if False:\n",
        "what could not be killed is an outcome of its own", (GUARDED,),
    ),
    Mutant(
        "timeout-unheeded", "execution/guarded_process.py", "            if now >= deadline:\n",
        "            if False:\n",
        "an attempt has a time limit", (GUARDED,),
    ),
    Mutant(
        "stall-not-seen", "execution/stall.py", "return now >= self._last + (self._limit or inf)", "return False",
        "who does nothing any more is stopped", (STALLS,),
    ),
    Mutant(
        "stall-of-the-machine", "execution/stall.py",
        " and not self._is_late\n        self._next", "\n        self._next",
        "where all looks are late, a stall is seen all the same", (STALLS,),
    ),
    Mutant(
        "stall-seen-late", "execution/stall.py", "(self._limit or inf) and not self._is_late", "(self._limit or inf)",
        "who could not look gives an agent another moment", (STALLS,),
    ),
    Mutant(
        "stall-despite-output", "execution/stall.py",
        "        self._last = clock.monotonic()\n        self.silent_since = \"\"\n\n",
        "        self.silent_since = \"\"\n\n",
        "who writes is not stopped", (STALLS,),
    ),
    Mutant(
        "agent-not-marked", "execution/executors/local.py", "process_tree.mark_children(self._home, attempt)", "pass",
        "the processes of an attempt carry its mark", (GUARDED,),
    ),
    Mutant(
        "end-not-noted", "execution/attempt_record.py", "if not self.plan.in_loop:", "if False:",
        "an attempt that has ended is not run again", ("execution.test_ended",),
    ),
    Mutant(
        "noted-end-not-read", "execution/dead_worker.py", "self._ended = parse(self._note)", "self._ended = None",
        "an attempt that has ended is not run again", ("execution.test_ended",),
    ),
    Mutant(
        "agent-in-our-session", "system/child.py", "setsid=True", "setsid=False",
        "an agent leads a session of its own", (GUARDED,),
    ),
    Mutant(
        "agent-sees-what-is-hidden", "agents/environment.py",
        "if not any(fnmatchcase(os.fsdecode(name), pattern) for pattern in hidden)", "if True",
        "what an agent's configuration hides does not reach it", ("agents.test_agents.Agents",),
    ),
    Mutant(
        "start-without-room-costs", "execution/starting.py",
        "if self.trouble or (self.is_interruptible and self._policy.stage > self._stage):", "if True:",
        "a start for which there is no room is waited for", (STARTS,),
    ),
    Mutant(
        "start-without-room-for-ever", "execution/starting.py", "if clock.monotonic() >= self._deadline:",
        "if False:",
        "the wait for room is bounded", (STARTS,),
    ),
    Mutant(
        "launch-nobody-was-told-of", "execution/launched.py", 'runner.refuse("its launch was interrupted")', "pass",
        "what nobody was told of does not run",
        ("commands.test_foreground.Foreground.test_an_interrupt_before_it_began",),
    ),
    Mutant(
        "launch-keeps-descriptors", "execution/launch.py", "                os.close(int(name))\n",
        "                pass\n",
        "a launched worker holds nothing of its caller",
        ("execution.test_launch.Launch.test_it_keeps_no_descriptor_of_its_callers",),
    ),
    Mutant(
        "provider-words-anywhere", "agents/results.py", 'if not result or result.get("is_error") is not True:',
        "if not result:",
        "only a result that is an error says that the provider refuses", (f"{RESULTS}.Claude",),
    ),
    Mutant(
        "provider-rule-anywhere", "agents/results.py", "LAST_LINES = 5", "LAST_LINES = 500",
        "a rule is applied to the last lines only", (f"{RESULTS}.Rules",),
    ),
    Mutant(
        "provider-time-misread", "agents/results.py",
        "if until is None or not now - SLACK <= until <= now + LONGEST:", "if until is None:",
        "a time that is over, or far away, was misread", (f"{RESULTS}.Claude",),
    ),
    Mutant(
        "provider-minute-missed", "agents/results.py", "if one > time.time() - MISSED)",
        "if one > time.time())", "a minute that has just begun is not that of tomorrow", (f"{RESULTS}.Rules",),
    ),
)  # fmt: skip

FILES = (
    Mutant(
        "report-not-synced", "reports/report.py", "if size > TAIL:", "if False:",
        "a long output is on the disk before it has its name", ("reports.test_report.Names",),
    ),
    Mutant(
        "report-name-of-another", "reports/naming.py", "            os.link(path, name)\n",
        "            if os.path.lexists(name):\n                os.unlink(name)\n            os.link(path, name)\n",
        "no report replaces another", ("reports.test_report.Names",),
    ),
    Mutant(
        "report-others-may-read", "reports/naming.py",
        "    try:\n        return os.open(path, flags, 0o600)", "    try:\n        return os.open(path, flags, 0o644)",
        "reports are 0600", ("reports.test_report.Names",),
    ),
    Mutant(
        "archive-not-read-back", "reports/archive.py", "if not _is_same(directory, draft, original):", "if False:",
        "an original goes when its archive reads back",
        (f"{ARCHIVE}.test_an_archive_that_does_not_read_back_is_not_kept",),
    ),
    Mutant(
        "archive-of-what-changed", "reports/archive.py", "if not _is_unchanged(directory, name, before):",
        "if False:",
        "a report that changes meanwhile is kept", (f"{ARCHIVE}.test_a_report_that_changes_meanwhile_is_kept",),
    ),
    Mutant(
        "archive-not-synced", "reports/archive.py", "            os.fsync(file.fileno())\n", "",
        "the archive is on the disk before its original goes",
        (f"{ARCHIVE}.test_the_archive_is_on_the_disk_before_its_original_goes",),
    ),
    Mutant(
        "archive-name-not-synced", "reports/archive.py", "        os.fsync(directory)  #", "        pass  #",
        "the archive's name is on the disk before the original's goes",
        (f"{ARCHIVE}.test_the_archive_is_on_the_disk_before_its_original_goes",),
    ),
    Mutant(
        "archive-through-a-link", "reports/archive.py", "_READ = os.O_RDONLY | os.O_NOFOLLOW |",
        "_READ = os.O_RDONLY |",
        "nothing is reached through a symbolic link", (f"{ARCHIVE}.test_a_link_that_came_meanwhile_is_not_followed",),
    ),
    Mutant(
        "cleanup-through-a-link", "reports/inventory.py", "os.O_DIRECTORY | os.O_NOFOLLOW |", "os.O_DIRECTORY |",
        "nothing is reached through a symbolic link",
        (f"{ONLY_REPORTS}.test_nothing_is_reached_through_a_symbolic_link",),
    ),
    Mutant(
        "cleanup-chosen-long-ago", "reports/retention.py", "now = self._choose(report) if report else None",
        "now = step",
        "what is to be done is chosen again under the lock",
        (f"{ARCHIVE}.test_what_was_written_to_while_the_lock_was_waited_for_stays",),
    ),
)  # fmt: skip

WORKERS = (
    Mutant(
        "fork-keeps-what-was-open", "execution/worker_process.py",
        "        os.closerange(first, last)\n", "        pass\n",
        "a worker has nothing open that is another one's", ("execution.test_slot.Forked",),
    ),
    Mutant(
        "more-workers-than-tasks", "execution/slots.py", "due[: self._count_missing()] if due else []", "due",
        "workers start when there is work for them", ("execution.test_slot.Demand",),
    ),
    Mutant(
        "report-unannounced", "reports/report.py", "        self._announce()\n", "",
        "a report's file is found by who recovers", (f"{ENDED}.test_no_file_is_left_of_one_that_had_not",),
    ),
    Mutant(
        "end-noted-alone", "execution/attempt_record.py", "self._noted.update(more)", "self._noted = more",
        "an attempt that ends is shown with report and PID", (f"{ENDED}.test_it_is_shown_until_it_is_recorded",),
    ),
)  # fmt: skip

MUTANTS = (*PROCESSES, *FILES, *WORKERS)
