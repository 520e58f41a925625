"""A task list with its boxes ticked, and everything else as it was. Used by the command `export --list`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .settled import ListedTask


def tick(text: str, tasks: Iterable[ListedTask], done: Mapping[str, str]) -> tuple[str, int]:
    """Return a list's text in which the tasks that are done are ticked, and how many were not before. `done`: when,
    by id."""
    changes = []
    count = 0
    for task in tasks:
        if task.id in done and task.ticks:
            count += 1
            for change in task.ticks:
                changes.append(change._replace(becomes=change.becomes.replace("{now}", done[task.id])))
    pieces, place = [], 0
    for change in sorted(changes):
        pieces += [text[place : change.start], change.becomes]
        place = change.end
    return "".join([*pieces, text[place:]]), count
