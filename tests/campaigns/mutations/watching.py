"""Mutants of what a person sees of agents that run, and says to them."""

from __future__ import annotations

from .mutant import Mutant

KEPT = "reports.test_events.Kept"
ATTACHED = "execution.test_agent_sessions.Attached"
ACTIVITY = "agents.test_activity.Done"
SAID, LISTENING = "execution.test_saying.Said", "execution.test_saying.Listening"
SILENCE = "execution.test_guarded_process.Stalls.test_silence_is_told_from_its_last_sign_of_life"
FOLLOWED = f"{KEPT}.test_a_follower_reads_each_byte_once_or_is_told_how_much_it_missed"

MUTANTS = (
    Mutant(
        "events-cut-in-a-line",
        "reports/events.py",
        '        tail = tail[tail.find(b"\\n") + 1 :]\n',
        "",
        "events that are kept are whole lines",
        (f"{KEPT}.test_beyond_the_cap_the_ends_stay_and_lines_are_whole",),
    ),
    Mutant(
        "said-to-nobody",
        "execution/saying.py",
        "    if message.attempt is None and status in (DONE, CANCELLED):\n",
        "    if False:\n",
        "who says something as the task ends learns that nobody has read it",
        ("execution.test_saying.Said.test_who_says_something_as_the_task_ends_learns_that_nobody_has_read_it",),
    ),
    Mutant(
        "events-followed-from-anew",
        "reports/events.py",
        "else place + shift)",
        "else 0)",
        "who follows events reads none twice",
        (FOLLOWED,),
    ),
    Mutant(
        "events-missing-unsaid",
        "reports/events.py",
        "seek(min(place, self._head) if",
        "seek(place if",
        "who follows events is told what was cut before it was read",
        (FOLLOWED,),
    ),
    Mutant(
        "silence-unseen",
        "execution/stall.py",
        "if now < self._last + self._shown:",
        "if True:",
        "who neither writes nor computes is shown to be silent",
        (SILENCE,),
    ),
    Mutant(
        "silence-despite-output",
        "execution/stall.py",
        '        self.silent_since = ""\n\n    def has',
        "\n    def has",
        "who writes again is silent no more",
        (SILENCE,),
    ),
    Mutant(
        "silence-not-told",
        "execution/guarded_process.py",
        '"silent": self._stall.silent_since, ',
        "",
        "all that looks is told who is silent",
        ("view.test_follow.Silent",),
    ),
    Mutant(
        "said-at-the-end-lost",
        "execution/conversation.py",
        "goes_on = self._input.is_open and self._tell()",
        "goes_on = False",
        "what is said as an agent ends is told all the same",
        (f"{LISTENING}.test_what_is_said_as_it_ends_has_it_go_on",),
    ),
    Mutant(
        "said-once-only",
        "execution/conversation.py",
        "    return add_messages(prompt, messages)\n",
        "    return add_messages(prompt, [one for one in messages if one.attempt is None])\n",
        "an agent that begins is told all that was ever said",
        (f"{SAID}.test_who_begins_is_told_all_that_was_said",),
    ),
    Mutant(
        "said-without-bound",
        "store/messages.py",
        "> LONGEST:",
        "> LONGEST * 9:",
        "what is said fits into a prompt",
        (f"{SAID}.test_what_nobody_would_read_is_refused",),
    ),
    Mutant(
        "said-without-room",
        "execution/conversation.py",
        "if room < 0 and lines:",
        "if False:",
        "what was said fits into a prompt together",
        ("execution.test_saying.InAPrompt.test_the_last_are_told_and_how_many_there_were_before",),
    ),
    Mutant(
        "input-never-ends",
        "execution/conversation.py",
        "if not self.is_answering and clock.",
        "if False and clock.",
        "an agent that reads to the end first gets it",
        (f"{LISTENING}.test_one_that_reads_to_the_end_first_gets_it",),
    ),
    Mutant(
        "said-by-an-agent",
        "commands/say.py",
        'refuse_agents("what is said to agents")',
        "pass",
        "no agent says something in a person's name",
        (f"{SAID}.test_what_nobody_would_read_is_refused",),
    ),
    Mutant(
        "attached-unheld",
        "execution/agent_sessions.py",
        "    return store.claimed(id, HOLDER)\n",
        "    return contextlib.nullcontext()\n",
        "a task that a person goes on with is nobody else's",
        (f"{ATTACHED}.test_a_session_is_gone_on_with_and_the_task_is_nobody_elses",),
    ),
    Mutant(
        "attached-beside-an-agent",
        "execution/agent_sessions.py",
        "    if task.status == ACTIVE:\n",
        "    if False:\n",
        "nobody goes on with a session that is at work",
        (f"{ATTACHED}.test_what_was_cut_off_before_it_said_what_it_cost",),
    ),
    Mutant(
        "attached-with-a-claim",
        "execution/agent_sessions.py",
        "for name, value in seen.items() if name not in OF_ATTEMPT",
        'for name, value in (*seen.items(), (b"TXLITE_TOKEN", b"1"))',
        "an agent that is gone on with has no claim to prove",
        (f"{ATTACHED}.test_a_session_is_gone_on_with_and_the_task_is_nobody_elses",),
    ),
    Mutant(
        "refused-change-counted",
        "agents/activity.py",
        'if path and not block.get("is_error"):',
        "if path:",
        "only what was changed counts as changed",
        (f"{ACTIVITY}.test_files_that_claude_changed",),
    ),
    Mutant(
        "unsaid-output-counted",
        "agents/usage.py",
        "seen.input, seen.cached, None, cost,",
        "seen.input, seen.cached, seen.output, cost,",
        "what an agent at work has written is not known",
        (f"{ACTIVITY}.test_what_it_has_used_so_far_and_in_all",),
    ),
    Mutant(
        "doings-not-final",
        "view/doing.py",
        " and not attempt.is_over",
        "",
        "the line below what was followed says what was done in all",
        ("view.test_follow.Events.test_what_it_has_done_so_far",),
    ),
    Mutant(
        "events-of-what-runs-deleted",
        "reports/retention.py",
        "if step and not self._is_open(events.attempt_of(name)):",
        "if step:",
        "events of what runs are left alone",
        (f"{KEPT}.test_cleanup_leaves_alone_what_runs",),
    ),
)
