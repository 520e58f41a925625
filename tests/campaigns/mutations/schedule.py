"""Mutants of what comes again: the next time, and how an occurrence ends."""

from __future__ import annotations

from .mutant import Mutant

CRON = "store.test_schedule.Cron"
PERIODS = "store.test_schedule.Periods"
OCCURRENCES = "store.test_occurrences.Occurrences"

MUTANTS = (
    Mutant(
        "cron-either",
        "store/cron.py",
        "is_day or is_weekday if cron.is_either else",
        "is_day and is_weekday if cron.is_either else",
        "a day of the month or of the week is enough where both are restricted",
        (f"{CRON}.test_fields",),
    ),
    Mutant(
        "cron-gap",
        "store/cron.py",
        "wall - before if wall - before < late else",
        "wall - before if wall - before < wall else",
        "a time that does not exist comes right after the gap",
        (f"{CRON}.test_a_clock_that_is_set",),
    ),
    Mutant(
        "schedule-missed",
        "store/schedule.py",
        "count = math.floor((floor - start) / period) + 1",
        "count = 1",
        "what was missed comes as one",
        (f"{PERIODS}.test_the_next_is_later_than_now_and_keeps_step", f"{OCCURRENCES}.test_what_was_missed_comes_once"),
    ),
    Mutant(
        "occurrence-fast",
        "store/assignments.py",
        "WHERE r.attempt = :token)) AND every IS NULL",
        "WHERE r.attempt = :token))",
        "a task that comes again is not done for good",
        (f"{OCCURRENCES}.test_done_or_failed_it_comes_again",),
    ),
    Mutant(
        "occurrence-unkillable",
        "store/assignments.py",
        "if result.outcome not in STAYS:",
        "if result.outcome:",
        "what may still run does not come again",
        (f"{OCCURRENCES}.test_what_may_still_run_does_not_come_again",),
    ),
    Mutant(
        "occurrence-import",
        "store/merging.py",
        "WHERE k.fate = 'newer' AND b.every IS NOT NULL",
        "WHERE k.fate = 'never' AND b.every IS NOT NULL",
        "an import refuses what would wait for a task that comes again",
        (f"{OCCURRENCES}.test_an_export_takes_it_along",),
    ),
    Mutant(
        "occurrence-rest",
        "store/assignments.py",
        "(every IS NULL OR not_before <= ?)",
        "(every IS NULL OR ? <> '')",
        "a run does not stay for what comes again later",
        (f"{OCCURRENCES}.test_done_or_failed_it_comes_again",),
    ),
)
