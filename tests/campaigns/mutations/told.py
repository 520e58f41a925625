"""Mutants of what people and programs are told of: events, and hooks; and of what they write in an editor."""

from __future__ import annotations

from .mutant import Mutant

EVENTS = "view.test_events.Events"

EVENT_LINES = (
    Mutant(
        "events-told-twice", "view/event_stream.py", "self._event = found[-1].id", "self._event = found[0].id",
        "no change is told twice", (f"{EVENTS}.test_each_change_from_a_number_on",),
    ),
    Mutant(
        "events-replaced-unnoticed", "view/event_stream.py", "            store.database.check_file()\n", "",
        "a database that was replaced ends who follows it", (f"{EVENTS}.test_a_database_that_is_replaced_ends_it",),
    ),
    Mutant(
        "events-of-a-moment", "view/event_stream.py", "self._event = self._event or 0", "pass",
        "of a home that comes into being each change is told",
        (f"{EVENTS}.test_following_waits_for_a_database_and_is_ended_by_ctrl_c",),
    ),
    Mutant(
        "events-number-to-come", "store/history.py", "if event > newest:", "if False:",
        "a number that no change has is refused", (f"{EVENTS}.test_each_change_from_a_number_on",),
    ),
)  # fmt: skip

BOUNDED, TOLD = "execution.test_hooks.Bounded", "execution.test_hooks.Told"

HOOKS = (
    Mutant(
        "hook-forgets", "execution/hook_teller.py", "self._pending += [event] if", "self._pending = [event] if",
        "a hook is told of each end", (f"{BOUNDED}.test_what_ends_while_one_is_called_is_told_together",
                                       f"{TOLD}.test_each_kind_is_told_what_became_of_tasks"),
    ),
    Mutant(
        "hook-reports-always", "execution/hook_teller.py", "if failure and not self._has_complained:", "if failure:",
        "a hook that fails is reported once",
        (f"{BOUNDED}.test_one_that_outlasts_its_time_is_ended_and_reported_once",),
    ),
    Mutant(
        "hook-outlives-its-run", "execution/hook_teller.py", "                running.stop(GIVEN_UP)\n",
        "                pass\n",
        "a run leaves no hook behind", (f"{BOUNDED}.test_one_that_hangs_is_ended_at_the_end_of_its_run",),
    ),
    Mutant(
        "hook-without-a-run", "execution/hook_teller.py",
        "            self._channel.close()\n            self._must_leave = True\n",
        "            self._channel.close()\n",
        "who tells leaves when its run was killed",
        (f"{TOLD}.test_a_run_that_stays_tells_each_time_that_it_is_idle_and_one_that_is_killed_nothing_more",),
    ),
    Mutant(
        "hook-failure-of-all", "execution/hook_teller.py",
        "(self._order.kind != FAILURE or event.to_status == FAILED) and ",
        "",
        "on_failure is told of what failed", (f"{TOLD}.test_each_kind_is_told_what_became_of_tasks",),
    ),
)  # fmt: skip

EDIT = "commands.test_edit.Edit"
WRITTEN = (
    Mutant(
        "edit-changed-meanwhile", "store/editing.py", "    if changed:\n", "    if False:\n",
        "what was changed while it was edited is not overwritten",
        (f"{EDIT}.test_what_runs_or_was_changed_meanwhile_is_refused_and_kept",),
    ),
    Mutant(
        "edit-lost", "commands/edit.py", "elif isinstance(error, Error):", "elif False:",
        "what was written in an editor is not lost", (f"{EDIT}.test_a_mistake_is_named_and_what_was_written_is_kept",),
    ),
    Mutant(
        "edit-all-of-it", "commands/task_form.py", " or value != before[key][1]:", ":",
        "what a person changed is changed",
        (f"{EDIT}.test_all_of_what_stands_there_can_be_changed_and_taken_away",),
    ),
)  # fmt: skip

MUTANTS = (*EVENT_LINES, *HOOKS, *WRITTEN)
