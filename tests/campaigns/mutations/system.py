"""Mutants of `system`, and of `text`: processes, locks, who lives, files that appear complete."""

from __future__ import annotations

from .mutant import Mutant

TREE = "system.test_process_tree"
KIN = f"{TREE}.Members.test_each_thing_that_tells_kin_finds_what_has_shed_the_others"
MARKS = f"{TREE}.Members.test_marks_of_another_attempt_or_home_do_not_match"
SAME_PID = f"{TREE}.Members.test_a_process_with_the_same_pid_is_not_signalled"
COLLECTED = f"{TREE}.Members.test_a_child_is_collected_alone"
ENDINGS = f"{TREE}.Endings"
ATOMIC = "system.test_atomic_file.AtomicFiles"
LIVENESS = "system.test_liveness.Locks"
TEXT = "test_text.Terminals"

MUTANTS = (
    Mutant(
        "text-del-and-c1", "text.py", r"\x7f-\x9f", r"\x9f",
        "DEL and C1 are escaped", (TEXT,),
    ),
    Mutant(
        "text-lines-keep-returns", "text.py", r"\x08\x0b-\x1f", r"\x08\x0e-\x1f",
        "a carriage return in an output is escaped", (TEXT,),
    ),
    Mutant(
        "text-bidi", "text.py", r"\u2028-\u202e\u2060", r"\u2028-\u2029\u2060",
        "what turns text round is escaped", (TEXT,),
    ),
    Mutant(
        "text-json-raw", "text.py", "re.sub(f\"[{_HIDDEN}]\", _escape_json, text)", "text",
        "JSON on a terminal does nothing to it",
        ("commands.test_cli.Verbs.test_what_agents_and_users_wrote_is_shown_escaped", TEXT),
    ),
    Mutant(
        "text-nul", "text.py", r'if "\0" in value:', "if False:",
        "text that the database would cut is refused", ("store.test_store.Tasks",),
    ),
    # Only with tests that signal nobody: these would take other homes' processes for ours.
    Mutant(
        "tree-mark-of-any-attempt", "system/process_tree.py", "return marked_attempt(pid, home) == attempt",
        "return marked_attempt(pid, home) is not None",
        "another attempt's processes are not ours", (MARKS,),
    ),
    Mutant(
        "tree-mark-of-any-home", "system/process_tree.py",
        "if found and int(found[1]) >> _ATTEMPT_BITS == mark_value(home, 0) >> _ATTEMPT_BITS:",
        "if found and int(found[1]) >= _MARK_BASE:",
        "another home's processes are not ours", (MARKS,),
    ),
    Mutant(
        "tree-leader-of-another-time", "system/process_tree.py", "(found and found.start == agent.start)", "found",
        "a session's number that was given again is nobody's", (SAME_PID,),
    ),
    Mutant(
        "tree-leader-of-another-boot", "system/process_tree.py",
        "if not agent or (agent.boot, agent.namespace) != (clock.boot(), process.pid_namespace()):", "if not agent:",
        "a PID of another boot is nobody's", (SAME_PID,),
    ),
    Mutant(
        "tree-no-marks", "system/process_tree.py", "roots = marked | {", "roots = {",
        "what has left session and parent is found by its mark", (KIN,),
    ),
    Mutant(
        "tree-no-sessions", "system/process_tree.py",
        "(leader is not None and member.session == leader) or self._is_orphan(member)", "self._is_orphan(member)",
        "what has shed mark and parent is found by its session", (KIN,),
    ),
    Mutant(
        "tree-no-parents", "system/process_tree.py", "found.update(children)", "pass",
        "what has shed mark and session is found by its parent", (KIN,),
    ),
    Mutant(
        "tree-no-orphans", "system/process_tree.py",
        "(leader is not None and member.session == leader) or self._is_orphan(member)",
        "(leader is not None and member.session == leader)",
        "orphans that came to us belong to the tree", (KIN,),
    ),
    Mutant(
        "tree-nobody-spared", "system/process_tree.py", "if pid not in found and pid not in spared]",
        "if pid not in found]",
        "the sweep stops at live workers of other attempts", (KIN,),
    ),
    Mutant(
        "tree-kill-at-once", "system/process_tree.py", "self._kill_at = clock.monotonic() + kill_after",
        "self._kill_at = clock.monotonic()",
        "TERM comes first, and time to heed it", (ENDINGS,),
    ),
    Mutant(
        "tree-no-cont", "system/process_tree.py", "send(member, signal.SIGCONT)", "pass",
        "a stopped process hears that it is to end", (ENDINGS,),
    ),
    Mutant(
        "tree-no-stop-before-kill", "system/process_tree.py", "(signal.SIGSTOP, signal.SIGKILL)", "(signal.SIGKILL,)",
        "nobody forks while the others are killed", (ENDINGS,),
    ),
    Mutant(
        "tree-never-over", "system/process_tree.py", "if not members or now >= self._kill_at + KILL_PATIENCE:",
        "if not members:",
        "what cannot be killed is named within a deadline", (ENDINGS,),
    ),
    Mutant(
        "process-with-the-same-pid", "system/process.py", "return found is not None and found.start == process.start",
        "return found is not None",
        "only the process that was seen is signalled", (SAME_PID,),
    ),
    Mutant(
        "process-alive-by-pid", "system/process.py",
        "return found if found and found.start == self.start and found.state",
        "return found if found and found.state",
        "a PID that was given again is another's life", (SAME_PID,),
    ),
    Mutant(
        "process-reaps-any-child", "system/process.py", "os.waitpid(pid, os.WNOHANG)", "os.waitpid(-1, os.WNOHANG)",
        "nobody's exit code is stolen", (COLLECTED,),
    ),
    Mutant(
        "process-reaps-own-children", "system/process.py", "if dead is None or dead.si_pid in own:",
        "if dead is None:",
        "a supervisor's own workers keep their exit codes", (COLLECTED,),
    ),
    Mutant(
        "liveness-file-is-gone", "system/liveness.py",
        "try_lock(self._file) and os.path.samestat(os.stat(self.path), os.fstat(self._file))", "try_lock(self._file)",
        "who lives holds the lock that others look at", (LIVENESS,),
    ),
    Mutant(
        "liveness-lock-not-taken", "system/liveness.py", "self.is_taken = try_lock(self._file)\n",
        "self.is_taken = True\n",
        "one alone clears up after a dead one", (LIVENESS,),
    ),
    Mutant(
        "liveness-leftovers-of-the-living", "system/liveness.py", " if not is_held(os.path.join(locks, name))}", "}",
        "the lock of one that lives is no leftover", (LIVENESS,),
    ),
    Mutant(
        "lock-others-may-read", "system/locks.py", "os.O_CLOEXEC, 0o600)", "os.O_CLOEXEC, 0o644)",
        "files of home are 0600", ("store.test_database.Beginning.test_only_we_may_read_it",),
    ),
    Mutant(
        "lock-of-any-host", "system/locks.py", "if self._read() == host:", "if True:",
        "a home on a network file system is one host's at a time",
        ("store.test_database.Sharing.test_a_network_file_system_is_for_one_host_at_a_time",),
    ),
    Mutant(
        "lock-ends-twice", "system/locks.py", "            if is_waiting:", "            if True:",
        "a wait that is too long ends with its error, once", ("system.test_locks.FileLocks",),
    ),
    Mutant(
        "lock-without-deadline", "system/locks.py", "if clock.monotonic() >= deadline:", "if False:",
        "every wait for a lock ends", ("system.test_locks.FileLocks.test_a_thread_that_waits_for_the_lock_gives_up",),
    ),
    Mutant(
        "atomic-content-not-synced", "system/atomic_file.py", "sync(self.draft)\n", "pass\n",
        "a file is on the disk before its name is", (ATOMIC,),
    ),
    Mutant(
        "atomic-name-not-synced", "system/atomic_file.py", "sync(os.path.dirname(self.path))", "pass",
        "a name is on the disk when it was told", (ATOMIC,),
    ),
    Mutant(
        "atomic-draft-stays", "system/atomic_file.py", "if os.path.lexists(self.draft):", "if False:",
        "what went wrong leaves nothing", (ATOMIC,),
    ),
    Mutant(
        "atomic-always-replaces", "system/atomic_file.py", "        if self._replace:\n            os.replace",
        "        if True:\n            os.replace",
        "nothing is replaced that came meanwhile", (ATOMIC,),
    ),
    Mutant(
        "atomic-mode-late", "system/atomic_file.py", "os.O_EXCL | os.O_CLOEXEC, self._mode)",
        "os.O_EXCL | os.O_CLOEXEC)",
        "a file has its rights from its first moment", (ATOMIC,),
    ),
    Mutant(
        "signals-stay-blocked", "system/event_loop.py", "signal.pthread_sigmask(signal.SIG_SETMASK, ())", "pass",
        "no agent inherits a blocked signal",
        ("execution.test_run.Attempts.test_no_signal_stays_ignored_or_blocked",),
    ),
    Mutant(
        "signals-stay-ignored", "system/event_loop.py", "for number in (*ignored, *numbers):",
        "for number in numbers:",
        "no agent inherits an ignored signal",
        ("execution.test_run.Attempts.test_no_signal_stays_ignored_or_blocked",),
    ),
    Mutant(
        "bell-without-rings", "system/wakeup.py", 'os.write(handle, b"!")', "pass",
        "an idle worker starts at once what is added",
        ("execution.test_signals.Running.test_an_idle_worker_starts_what_is_added_at_once",),
    ),
)  # fmt: skip
