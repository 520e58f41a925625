"""Mutants of what people and programs are told of: events."""

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

MUTANTS = EVENT_LINES
