"""Mutants of what a person sees of agents that run, and says to them."""

from __future__ import annotations

from .mutant import Mutant

KEPT = "reports.test_events.Kept"
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
        "events-of-what-runs-deleted",
        "reports/retention.py",
        "if step and not self._is_open(events.attempt_of(name)):",
        "if step:",
        "events of what runs are left alone",
        (f"{KEPT}.test_cleanup_leaves_alone_what_runs",),
    ),
)
