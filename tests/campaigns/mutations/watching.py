"""Mutants of what a person sees of agents that run, and says to them."""

from __future__ import annotations

from .mutant import Mutant

KEPT = "reports.test_events.Kept"
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
        "events-of-what-runs-deleted",
        "reports/retention.py",
        "if step and not self._is_open(events.attempt_of(name)):",
        "if step:",
        "events of what runs are left alone",
        (f"{KEPT}.test_cleanup_leaves_alone_what_runs",),
    ),
)
