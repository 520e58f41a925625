"""All tasks of a night: those that landed, and the others, each with its attempts.

Called by `document`.
"""

from __future__ import annotations

from itertools import groupby

from ...text import count, duration
from .figures import tell_size
from .placed import tell_agent, tell_commit
from .terms import MARKS, STATES, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..summary import Entry
    from .placed import PlacedNight

LANDED = ("Task", "Change", "Commit", "Duration", "Cost", "Report")
TURNS = 4  # of agents, or levels, that are told of a task, the last ones
OTHERS = ("Task", "Outcome", "Change", "Duration", "Cost", "Report")


def tell_landed(night: PlacedNight) -> str:
    """Return the section of what landed."""
    landed = [(row, entry) for row, entry in enumerate(night.summary.entries) if _has_landed(entry)]
    if not landed:
        return ""
    gates = {entry.gate for _, entry in landed}
    only = gates.pop() if len(gates) == 1 else None
    passed = f'<p class="quiet">Each passed its gate: <code>{safe(only, 300)}</code></p>\n' if only else ""
    rows = "".join(_landed_row(night, row, entry, only) for row, entry in landed)
    return _table("landed", f"Landed: {len(landed):,}", passed, LANDED, rows)


def tell_others(night: PlacedNight) -> str:
    """Return the section of the other tasks."""
    others = [(row, entry) for row, entry in enumerate(night.summary.entries) if not _has_landed(entry)]
    if not others and night.summary.entries:
        return ""
    rows = "".join(_other_row(night, row, entry) for row, entry in others)
    name = "Other tasks" if len(others) < len(night.summary.entries) else "Tasks"
    return _table("tasks", f"{name}: {len(others):,}", "", OTHERS, rows)


def _has_landed(entry: Entry) -> bool:
    return entry.commit is not None and entry.status == "done"


def _table(name: str, heading: str, before: str, columns: tuple[str, ...], rows: str) -> str:
    heads = "".join(f'<th scope="col">{column}</th>' for column in columns)
    return (
        f'<section id="{name}"><h2>{heading}</h2>\n{before}<table class="tasks"><thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody></table></section>\n"
    )


def _landed_row(night: PlacedNight, row: int, entry: Entry, gate: str | None) -> str:
    own = f'<p class="quiet">gate: <code>{safe(entry.gate, 200)}</code></p>' if entry.gate and not gate else ""
    cells = (f"<td>{tell_size(entry.changes)}</td>", f"<td>{tell_commit(entry.commit)}</td>")
    return _row(night, row, entry, own, cells)


def _other_row(night: PlacedNight, row: int, entry: Entry) -> str:
    kind, word = STATES[entry.state]
    return _row(
        night, row, entry, "", (f'<td class="{kind}">{MARKS[kind]} {word}</td>', f"<td>{tell_size(entry.changes)}</td>")
    )


def _tell_turns(entry: Entry) -> str:
    """By whom its attempts were made, one after the other, where they were not all made alike."""
    turns = [who for who, _ in groupby(map(tell_agent, entry.tries)) if who]
    return f": {', then '.join(turns[-TURNS:])}" if len(turns) > 1 else ""


def _row(night: PlacedNight, row: int, entry: Entry, own: str, cells: tuple[str, ...]) -> str:
    placed = night.rows[row]
    state = "landed" if _has_landed(entry) else STATES[entry.state][1]
    cost = entry.cost.tell() if night.is_priced else ""
    tries = f" · {count(len(placed), 'attempt')}{_tell_turns(entry)}" if len(placed) > 1 else ""
    summary = f"<summary><code>{safe(entry.task, 40)}</code>{tries}</summary>"
    title = f"<bdi>{safe(entry.title, 240 if night.is_long else 100)}</bdi>"
    return (
        f'<tr id="t{row}" data-state="{state}"><th scope="row">{title}'
        f"<details>{summary}{own}{night.tell_attempts(row)}</details></th>"
        f"{''.join(cells)}<td>{duration(sum(bar.end - bar.start for bar in placed))}</td>"
        f"<td>{cost}</td><td>{night.link_last_report(entry)}</td></tr>\n"
    )
