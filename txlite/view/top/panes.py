"""The three panes: what runs, what waits, what failed. Pure: from rows to blocks of lines."""

from __future__ import annotations

from functools import partial

from ... import text
from ...model import RUNNING
from .spans import BAD, BUSY, CARE, FAINT, PLAIN, Span, cut, spread
from .window import Block, share

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .snapshot import FailedRow, RunningRow, Snapshot, WaitingRow
    from .spans import Line

WIDE = 120  # columns, from which on an attempt and its last line stand in one line
FIGURES = 60  # columns, from which on there is room for what an attempt uses
INDENT = 2  # columns, for the mark of the line that is chosen


def _room_of_ids(snapshot: Snapshot) -> int:
    """Columns of the longest id, with what follows it."""
    tasks = (row.task for rows in (snapshot.running, snapshot.failed) for row in rows)
    waiting = (row.task for cause in snapshot.waiting for row in cause.first)
    return max(map(len, (*tasks, *waiting)), default=0) + 2


def draw_running(snapshot: Snapshot, columns: int, is_short: bool = False) -> list[Block]:
    """Return a block for each attempt that has not ended: a line, and what it wrote last in a second one or, on a wide
    screen, or where they are to be short, behind its title."""
    is_short = is_short or columns >= WIDE
    ids, share_of_titles = _room_of_ids(snapshot), columns * 2 // 5
    widest = max((min(text.columns(cut(row.title, columns)), share_of_titles) for row in snapshot.running), default=0)
    draw = partial(_draw_short if is_short else _draw_long, columns=columns, widest=widest, ids=ids)
    return [Block(row.task, draw(row), row.attempt) for row in snapshot.running]


def _draw_short(row: RunningRow, columns: int, widest: int, ids: int) -> list[Line]:
    start, right, room = _draw_ends(row, columns, ids)
    title = text.pad(cut(row.title, widest), widest)
    line = Span("  " + cut(row.line or row.place, room - widest - 2), FAINT)
    return [spread([*start, Span(title, BUSY), line], right, columns)]


def _draw_long(row: RunningRow, columns: int, widest: int, ids: int) -> list[Line]:
    start, right, room = _draw_ends(row, columns, ids)
    first = spread([*start, Span(cut(row.title, room), BUSY)], right, columns)
    line = row.line or row.place
    return [first, (Span(" " * (INDENT + ids) + cut(line, columns - INDENT - ids), FAINT),)] if line else [first]


def _draw_ends(row: RunningRow, columns: int, ids: int) -> tuple[list[Span], list[Span], int]:
    """The beginning of its line, the end, and the room between them."""
    figures = _figures(row, columns)
    start = [Span(" " * INDENT), Span(f"{row.task:<{ids}}", FAINT)]
    right = [Span(figures, PLAIN if row.state == RUNNING else CARE)]
    return start, right, columns - INDENT - ids - len(figures) - 1


def _figures(row: RunningRow, columns: int) -> str:
    if columns < FIGURES:
        return f"{text.age(row.seconds):>7}"
    if row.state != RUNNING:
        return f"{text.age(row.seconds):>7}{row.state:>14}"
    share, memory = "", ""
    if row.usage:
        share = "" if row.usage.share is None else f"{100 * row.usage.share:.0f}%"
        memory = text.size(row.usage.memory)
    return f"{text.age(row.seconds):>7}{share:>6}{memory:>8}"


def draw_waiting(snapshot: Snapshot, columns: int, room: int | None) -> list[Block]:
    """Return a block for each cause, what needs a person first, and below it one for each of its first tasks: as many
    as have room, or, without a room, all that are known."""
    blocks, ids = [], _room_of_ids(snapshot)
    causes = sorted(snapshot.waiting, key=lambda cause: not cause.is_left)
    shown = [len(cause.first) for cause in causes]
    if room is not None:
        shown = share(shown, room - len(causes))
    for cause, most in zip(causes, shown):
        style = CARE if cause.is_left else PLAIN
        blocks.append(Block("", [(Span(f" {cut(cause.words, columns - 1)}", style),)]))
        blocks += [Block(row.task, [_draw_task(row, columns, ids, snapshot.time)]) for row in cause.first[:most]]
        if room is None and cause.size > len(cause.first):
            blocks.append(Block("", [(Span(f"{' ' * INDENT}and {cause.size - len(cause.first):,} more", FAINT),)]))
    return blocks


def _draw_task(row: WaitingRow, columns: int, ids: int, now: float) -> Line:
    right = f" score {row.score:g}" if row.score else ""
    if row.until:
        right = f" in {text.age(max(row.until - now, 0))}"
    room = columns - INDENT - ids - len(right)
    left = [Span(" " * INDENT), Span(f"{row.task:<{ids}}", FAINT), Span(cut(row.title, room))]
    return spread(left, [Span(right, FAINT)], columns)


def draw_failed(snapshot: Snapshot, columns: int) -> list[Block]:
    """Return a block for each task that failed, the last one first."""
    whys = [min(text.columns(cut(row.why, columns)), columns * 2 // 5) for row in snapshot.failed]
    widest = max(whys, default=0)
    ids = _room_of_ids(snapshot)
    return [Block(row.task, [_draw_failure(row, columns, widest, ids, snapshot.time)]) for row in snapshot.failed]


def _draw_failure(row: FailedRow, columns: int, widest: int, ids: int, now: float) -> Line:
    ago = f"{text.ago(now - row.at):>9}"
    room = columns - INDENT - ids - widest - len(ago) - 2
    left = [Span(" " * INDENT), Span(f"{row.task:<{ids}}", FAINT), Span(cut(row.title, room))]
    return spread(left, [Span(text.pad(cut(row.why, widest), widest), BAD), Span(ago, FAINT)], columns)
