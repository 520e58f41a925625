"""Changes of state as lines: each with the attempt that began or ended with it.

On a terminal with the columns that have room, below their headings; elsewhere all of each. Used by `history`.
"""

from __future__ import annotations

import sys

from .. import text
from ..model import APPROVAL
from ..reports.costs import describe_usages
from ..system import clock
from .table import print_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import Usage
    from ..store.history import Event

LEAST = 12  # columns to which what may be cut is cut: how an attempt ended, what it cost, its worker, the title


def print_history(events: Sequence[Event], usages: Sequence[tuple[Usage, ...]]) -> None:
    """Print a line for each change. usages: what the attempt cost that ended with it, for each."""
    if events and sys.stdout.isatty():
        _print_for_a_person(events, [describe_usages(one) for one in usages])
    else:
        print_table(_row(*one) for one in zip(events, usages))


def _row(event: Event, usages: tuple[Usage, ...]) -> tuple[object, ...]:
    end = "  ".join(filter(None, (event.worker, event.outcome)))
    return event.at, event.task, _describe_change(event), _describe_attempt(event), end, describe_usages(usages)


def _print_for_a_person(events: Sequence[Event], costs: Sequence[str]) -> None:
    from .attempts import COLOURS
    from .fitted_table import Column, print_fitted
    from .tasks import describe

    ends = [text.printable(describe(event)) if event.outcome else "" for event in events]
    print_fitted([
        Column("AT", _describe_times(events)),
        Column("ID", [event.task for event in events], colours=["2"] * len(events)),
        Column("CHANGE", list(map(_describe_change, events))),
        Column("OUTCOME", ends, 1, least=LEAST, colours=[COLOURS.get(event.outcome or "", "") for event in events]),
        Column("COST", costs, 2, least=LEAST),
        Column("ATTEMPT", list(map(_describe_attempt, events)), 3),
        Column("WORKER", [text.printable(event.worker or "") for event in events], 4, least=LEAST),
        Column("TASK", [text.printable(event.title or "") for event in events], 5, least=LEAST),
    ])  # fmt: skip


def _describe_times(events: Sequence[Event]) -> list[str]:
    """By this machine's clock, without the day where all of them are of today."""
    try:
        times = [clock.to_local(event.at)[:19] for event in events]
    except ValueError:
        return [text.printable(event.at) for event in events]  # one was edited by hand
    today = clock.to_local(clock.now())[:11]
    return [one[11:] for one in times] if all(one.startswith(today) for one in times) else times


def _describe_change(event: Event) -> str:
    return f"{event.from_status or '(added)'} -> {event.to_status or '(deleted)'}"


def _describe_attempt(event: Event) -> str:
    """What began or ended with it; an approval is none of the agents' attempts, and has a number like them."""
    if not event.worker:
        return ""
    return f"{'approval' if event.agent == APPROVAL else 'attempt'} {event.token}"
