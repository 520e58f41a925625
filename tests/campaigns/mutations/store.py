"""Mutants of `store`: claims, moves, batches, the schema's rules, what comes in. (Its transactions: `database`.)"""

from __future__ import annotations

from .mutant import Mutant

STORE = "store.test_store"
CLAIMS = f"{STORE}.Claims"
ATTEMPTS = f"{STORE}.Attempts"
LATE = f"{ATTEMPTS}.test_a_worker_that_is_late_keeps_its_claim"
RULES = "store.test_database.Rules"
DELAYS = f"{ATTEMPTS}.test_a_clock_that_is_set_makes_no_delay_longer"
BATCHES = "execution.test_run.Batches"
TURNS = "execution.test_launch.Turns"
IMPORTS = "store.test_importing.Imports"
MANY = "store.test_jobs.ManyClaims"
JOBS = "store.test_jobs.Options"
GROUPS = "store.test_groups"
QUEUE = "store/versions/v1_queue.py"  # what the first version of the schema made

IN_GROUPS = (
    Mutant(
        "group-own-claim-counts", "store/assignments.py", "for_worker=True, instead_of=instead_of)", "for_worker=True)",
        "who ends an attempt takes the next of its group", (f"{GROUPS}.Limits",),
    ),
    Mutant(
        "group-one-too-many", "store/group_room.py", "max(limit - self._running.get(group, 0), 0)",
        "max(limit - self._running.get(group, 0) + 1, 0)", "a group has no more in work than its limit",
        (f"{GROUPS}.Limits",),
    ),
    Mutant(
        "group-pause-ignored", "store/group_room.py", "0 if paused else max(", "max(", "a paused group begins nothing",
        (f"{GROUPS}.Limits",),
    ),
    Mutant(
        "group-first-instead-of-best", "store/group_room.py", "key=lambda row: rank(row[1], row[2])",
        "key=lambda row: row[2]", "the best of all groups comes first", (f"{GROUPS}.Limits",),
    ),
    Mutant(
        "group-room-not-told", "store/assignments.py", "None if group_room.are_any(connection) else seen", "seen",
        "a group that has room again wakes who is idle", (f"{GROUPS}.Woken",),
    ),
    Mutant(
        "group-room-by-hand-not-told", "store/completion.py",
        "    waking.wake_for({lane for _, lane in decision.freed})\n    waking.wake_for_groups()\n",
        "    waking.wake_for({lane for _, lane in decision.freed})\n", "what a person ends wakes who is idle",
        (f"{GROUPS}.Woken",),
    ),
    Mutant(
        "group-run-leaves", "store/assignments.py", "return not ready_index.is_any_there(connection, lanes)",
        "return not any(group_room.claimable(connection, lanes))", "a run stays for what waits for its group",
        (f"{GROUPS}.Told",),
    ),
)  # fmt: skip
HOLDS = (
    Mutant(
        "fencing-any-token", "store/claim_rows.py", " or (token is not None and hold.token != token):", ":",
        "who speaks with an old token changes nothing", (CLAIMS,),
    ),
    Mutant(
        "fencing-any-worker", "store/claim_rows.py", "(worker is not None and hold.worker != worker) or (token",
        "(token",
        "who speaks for another's claim changes nothing", (CLAIMS,),
    ),
    Mutant(
        "fencing-lease-over", "store/claim_rows.py", "    if not hold.held and hold.is_over():\n", "    if False:\n",
        "who comes after the lease changes nothing",
        ("store.test_from_python.Claimed.test_a_late_holder_changes_nothing_even_if_nobody_noticed",),
    ),
    Mutant(
        "fencing-end-too-late", "store/attempts.py", " AND ended IS NULL", "",
        "an attempt that has ended stays as it is", (ATTEMPTS,),
    ),
    Mutant(
        "lease-by-the-wall-clock", "system/clock.py", "return monotonic() >= deadline", "return now() >= expected",
        "on the same boot leases follow monotonic time", (LATE, CLAIMS),
    ),
    Mutant(
        "lease-after-a-reboot", "system/clock.py", "return host_then == host() or now() >= expected",
        "return now() >= expected",
        "after a reboot a lease is over", (CLAIMS,),
    ),
    Mutant(
        "lease-renewed-shorter", "store/claims.py", "clock.monotonic() + hold.lease, clock.now(hold.lease)",
        "clock.monotonic() + 1, clock.now(1)",
        "a lease is renewed at its length", (CLAIMS,),
    ),
    Mutant(
        "claim-of-a-late-worker", "store/claims.py", "if hold and not hold.held and hold.is_over():",
        "if hold and hold.is_over():",
        "a worker that lives keeps its claim, however late", (LATE,),
    ),
    Mutant(
        "claim-expired-of-a-worker", "store/claims.py", "if hold.held or not hold.is_over():",
        "if not hold.is_over():",
        "a worker's claim ends through recovery alone", (LATE,),
    ),
    Mutant(
        "claim-listed-as-expired", "store/claims.py", "if not hold.held and hold.is_over()]", "if hold.is_over()]",
        "a worker's claim does not run out", (LATE,),
    ),
    Mutant(
        "claim-released-of-a-worker", "store/claims.py",
        "            claim_rows.refuse_held(hold)\n            _give_back(", "            _give_back(",
        "nobody releases what a worker runs", (LATE,),
    ),
    Mutant(
        "claim-despite-new-blocker", "model.py",
        "self.status == BACKLOG and not self.open_blockers and self.reserved_for",
        "self.status == BACKLOG and self.reserved_for",
        "a task waits until its blockers are done, for its last holder, too", (CLAIMS,),
    ),
    Mutant(
        "claim-reserved-for-another", "store/claims.py", "found.is_reserved and found.reserved_for == worker",
        "found.is_reserved",
        "a task released by hand is its last holder's for two seconds", (CLAIMS,),
    ),
    Mutant(
        "end-despite-a-verdict", "store/assignments.py", "AND c.token = :token AND c.verdict IS NULL",
        "AND c.token = :token", "what was said while an attempt ran counts more than how it ended", (ATTEMPTS,),
    ),
    Mutant(
        "claim-despite-a-pause", "store/assignments.py",
        "tasks.best_ready(connection, lanes, for_worker=True, instead",
        "tasks.best_ready(connection, lanes, for_worker=False, instead",
        "a pause that comes between look and claim counts",
        (f"{ATTEMPTS}.test_a_pause_that_comes_between_the_look_and_the_claim_counts",),
    ),
    Mutant(
        "ready-ignores-blockers", "store/tasks.py",
        "AND t.open_blockers = 0 AND t.not_before IS NULL ORDER BY t.score DESC, t.seq LIMIT 1",
        "AND t.not_before IS NULL ORDER BY t.score DESC, t.seq LIMIT 1",
        "no worker claims what waits for another task", (ATTEMPTS,),
    ),
    Mutant(
        "ready-ignores-scores", "store/tasks.py",
        "AND t.open_blockers = 0 AND t.not_before IS NULL ORDER BY t.score DESC, t.seq LIMIT 1",
        "AND t.open_blockers = 0 AND t.not_before IS NULL ORDER BY t.seq LIMIT 1",
        "the best goes first", (f"{STORE}.Dependencies",),
    ),
    Mutant(
        "decided-while-it-runs", "store/completion.py", "if status not in VERDICTS or (token is None and not force):",
        "if status not in VERDICTS:",
        "nobody says done of what a worker runs", (LATE,),
    ),
    Mutant(
        "moves-all-allowed", "store/completion.py", "    refuse_move(found, status)\n", "    pass\n",
        "a done task is not failed or cancelled", (CLAIMS,),
    ),
    Mutant(
        "moves-launched-into-the-queue", "store/moves.py",
        "if connection.execute(IS_LAUNCHED, (task.seq,)).fetchone():", "if False:",
        "a launched task never drifts into somebody's run", (TURNS, "execution.test_launch.Launch"),
    ),
    Mutant(
        "unkillable-again", "store/moves.py", "UNKILLABLE: (FAILED,", "UNKILLABLE: (BACKLOG,",
        "what still runs is not run twice", ("store.test_moves.Tables", "execution.test_recovery.Given"),
    ),
    Mutant(
        "node-failed-again", "store/moves.py", "NODE_FAILED: (FAILED,", "NODE_FAILED: (BACKLOG,",
        "what may still run on a node is not run twice", ("store.test_moves.Tables",),
    ),
    Mutant(
        "preempted-is-spent", "store/moves.py", "PREEMPTED: (BACKLOG, BACKLOG,", "PREEMPTED: (BACKLOG, FAILED,",
        "a preempted attempt costs no try", ("store.test_moves.Tables",),
    ),
    Mutant(
        "slurm-for-anybody", "store/new_tasks.py", 'needs or (SLURM if slurm is not None else "")', "needs",
        "a task with options for Slurm is run by no other worker", (JOBS,),
    ),
    Mutant(
        "export-without-empty-options", "store/jsonl.py", '(value != "" or key in _SAID_EMPTY)', 'value != ""',
        "an export says that a task is a job, whatever its options", (JOBS,),
    ),
    Mutant(
        "heartbeat-for-one", "store/workers.py",
        'WHERE worker = ? AND held"', 'WHERE worker = ? AND held AND rowid = 1"',
        "a worker keeps all that it holds", (MANY,),
    ),
    Mutant(
        "adopted-by-hand", "store/assignments.py", "AND token = :token AND held", "AND token = :token",
        "what a person holds is a person's", (MANY,),
    ),
    Mutant(
        "adopted-without-its-attempt", "store/assignments.py", "    connection.execute(ADOPT_ATTEMPT, values)\n", "",
        "an attempt is shown with the worker that has it", (MANY,),
    ),
    Mutant(
        "interrupted-is-spent", "store/moves.py", "INTERRUPTED: (BACKLOG, BACKLOG,", "INTERRUPTED: (BACKLOG, FAILED,",
        "an interrupted attempt costs no try", ("store.test_moves.Tables", ATTEMPTS),
    ),
    Mutant(
        "interrupted-costs", "store/assignments.py", "costs = result.outcome in COSTLY", "costs = True",
        "an interrupted attempt costs no try", (ATTEMPTS,),
    ),
    Mutant(
        "lost-for-ever", "store/assignments.py", "losses >= LOSSES, losses - 1", "False, losses - 1",
        "what kills its workers is put aside", (ATTEMPTS,),
    ),
    Mutant(
        "verdict-after-landing", "store/assignments.py", "(hold.token,)).fetchone():\n        return None",
        "(hold.token,)).fetchone():\n        return hold.verdict",
        "what has landed is done, whatever was said too late",
        ("ralph.test_worktrees.Worktrees.test_cancelled_too_late",),
    ),
    Mutant(
        "stop-of-an-ended-claim", "store/assignments.py", 'return "its claim was ended"', "return None",
        "a worker stops what it holds no more", (ATTEMPTS,),
    ),
    Mutant(
        "delay-by-the-wall-clock", "store/ready_index.py", "delay_boot = :boot AND delay_until <= :monotonic",
        "delay_boot = :boot AND not_before <= :now",
        "a clock that is set makes no delay longer", (DELAYS,),
    ),
    Mutant(
        "delay-shown-by-the-wall-clock", "store/ready_index.py",
        "WHEN t.delay_boot = :boot THEN t.delay_until <= :monotonic",
        "WHEN t.delay_boot = :boot THEN t.not_before <= :now",
        "what is listed as ready is what could be claimed", (DELAYS,),
    ),
    Mutant(
        "delay-none", "store/moves.py", "    if later:\n", "    if False:\n",
        "what failed comes back later, and the last holder has two seconds", (CLAIMS,),
    ),
    Mutant(
        "batch-lines-without-count", "store/batches.py", "            left -= common\n", "            left.clear()\n",
        "of a file that has grown the new lines are added",
        (f"{BATCHES}.test_of_a_file_that_has_grown_only_the_new_lines_are_added",),
    ),
    Mutant(
        "batch-added-anew", "store/batches.py", "            left -= common\n", "            pass\n",
        "a line that was added before is not added again",
        (f"{BATCHES}.test_of_a_file_that_has_grown_only_the_new_lines_are_added",),
    ),
    Mutant(
        "batch-of-another-pipe", "store/batches.py", "(match in (ANY, REST) or common == lines)", "True",
        "a pipe with some of the same lines is another batch",
        (f"{BATCHES}.test_lines_of_a_pipe_are_known_again_when_all_are_there",),
    ),
    Mutant(
        "batch-of-a-command", "store/batches.py", "if match in (OPEN, REST):", "if match == REST:",
        "a command after two dashes is run each time",
        (f"{BATCHES}.test_a_command_after_two_dashes_is_run_each_time",),
    ),
    Mutant(
        "turn-passes-the-narrow", "store/launches.py",
        "running + connection.execute(EARLIER, (token,)).fetchone()[0] < width", "running < width",
        "a narrow launch is not passed for ever", (f"{TURNS}.test_a_narrow_one_is_not_passed_for_ever",),
    ),
)  # fmt: skip

SCHEMA = (
    Mutant(
        "schema-negative-blockers", QUEUE,
        "CONSTRAINT open_blockers_are_counted CHECK (open_blockers >= 0)", "",
        "the count of blockers cannot go wrong unseen", (RULES,),
    ),
    Mutant(
        "schema-any-status", QUEUE, "CONSTRAINT status_is_known\n                  CHECK (status IN",
        "CHECK (1 OR status IN",
        "a status is one of the seven", (RULES,),
    ),
    Mutant(
        "schema-sequence-lost", "store/versions/v9_reviews.py",
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'tasks_with_reviews', seq FROM sqlite_sequence "
        "WHERE name = 'tasks';", "",
        "the number of a task that was deleted is not given again after a migration",
        ("store.test_migrations.Reviewed.test_no_number_is_given_twice",),
    ),
    Mutant(
        "review-skipped", "store/assignments.py",
        "\n        AND NOT EXISTS (SELECT 1 FROM reviews r WHERE r.attempt = :token)",
        "", "work that is to be reviewed is not done when its attempt is",
        ("store.test_reviews.Reviews.test_what_passed_waits_for_a_word_and_so_do_others_for_it",),
    ),
    Mutant(
        "schema-end-without-outcome", "store/versions/v7_jobs.py",
        "    place     TEXT,\n    CONSTRAINT ended_with_an_outcome CHECK ((ended IS NULL) = (outcome IS NULL))",
        "    place     TEXT,\n    CONSTRAINT ended_with_an_outcome CHECK (1)",
        "an attempt that has ended says how", (RULES,),
    ),
    Mutant(
        "schema-claim-of-nothing", QUEUE, "token    INTEGER NOT NULL REFERENCES attempts (id)",
        "token    INTEGER NOT NULL",
        "a claim's token is an attempt", (RULES,),
    ),
    Mutant(
        "schema-reopened-blocker", QUEUE, "open_blockers = open_blockers + 1\n        WHERE seq IN",
        "open_blockers = open_blockers\n        WHERE seq IN",
        "a blocker that is reopened blocks", (RULES,),
    ),
    Mutant(
        "schema-deleted-blocker", QUEUE,
        "DELETE FROM dependencies WHERE blocker = OLD.seq OR task = OLD.seq;",
        "DELETE FROM dependencies WHERE task = OLD.seq;",
        "a blocker that is deleted blocks no more", (RULES, f"{STORE}.Dependencies"),
    ),
    Mutant(
        "schema-history", QUEUE, "WHEN OLD.status <> NEW.status BEGIN", "WHEN 0 BEGIN",
        "each change of state is written down", (RULES,),
    ),
    Mutant(
        "dependencies-circle", "store/dependencies.py",
        "if connection.execute(WAITS_FOR, (blocker, task)).fetchone():", "if False:",
        "no task waits for itself", (f"{STORE}.Dependencies",),
    ),
    Mutant(
        "graph-no-cycle", "store/graph.py", "if on_way[following]:", "if False:",
        "an import that closes a circle is refused", ("store.test_graph.Cycles",),
    ),
    Mutant(
        "delete-what-is-held", "store/editing.py", "for id, worker in connection.execute(HELD, (seq,)):",
        "for id, worker in ():",
        "what somebody holds is not deleted", ("commands.test_queue.Verbs.test_fail_reset_and_delete",),
    ),
    Mutant(
        "delete-children-unasked", "store/editing.py",
        "if not cascade and connection.execute(HAS_CHILDREN, (found.seq,)).fetchone():", "if False:",
        "a task with children is not deleted unasked", ("commands.test_queue.Verbs.test_fail_reset_and_delete",),
    ),
    Mutant(
        "import-token-again", "store/merging.py", "0 if first > last else last + 1 - first", "0",
        "no token is given twice", (f"{IMPORTS}.test_no_token_is_given_twice",),
    ),
    Mutant(
        "import-older-wins", "store/merging.py", "OR n.updated < t.updated THEN 'kept'", "THEN 'kept'",
        "the newer record wins", (f"{IMPORTS}.test_the_newer_record_wins",),
    ),
    Mutant(
        "import-of-what-is-held", "store/merging.py", "WHEN {IS_HELD.format(\"t.seq\")} OR n.updated",
        "WHEN n.updated",
        "a task that somebody holds is left alone", (f"{IMPORTS}.test_a_task_that_somebody_holds_is_left_alone",),
    ),
)  # fmt: skip

MUTANTS = (*IN_GROUPS, *HOLDS, *SCHEMA)
