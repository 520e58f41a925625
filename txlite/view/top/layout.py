"""Snapshot and sight as lines for a screen of some size.

Pure: the same snapshot gives the same lines, and nothing here knows a terminal. It promises that no line is wider than
the screen, and that what an agent or a user wrote cannot act on a terminal.
"""

from __future__ import annotations

from ...system.named_tuple import NamedTuple
from .head import draw_groups, draw_head
from .panes import draw_failed, draw_running, draw_waiting
from .sight import FAILED, PANES, RUNNING, WAITING
from .spans import BAD, FAINT, PLAIN, STRONG, Span, choose, cut, fit, spread
from .window import find_window, height_of, share

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .sight import Sight
    from .snapshot import Snapshot
    from .spans import Line
    from .window import Block

COLUMNS, LINES = 40, 10  # of the smallest screen
FOOT = 2  # lines below the panes
HIGH = 16  # lines, from which on groups have one, and one is left free below the head
KEYS = (("l", "log"), ("s", "stop"), ("c", "cancel"), ("r", "retry"), ("p", "pause"), ("+-", "workers"),
        ("/", "filter"), ("?", "help"), ("q", "quit"))  # fmt: skip
HELP = (
    ("up, down, k, j", "go from line to line, and from pane to pane"),
    ("page up, page down", "ten lines"),
    ("home, g, end, G", "the first line of a pane, the last"),
    ("tab", "the next pane"),
    ("enter, l", "the output of the task, as it grows; q leads back"),
    ("s", "stop what runs: its agent is ended, its task cancelled"),
    ("c", "cancel: take a task out of the queue; stop it if it runs"),
    ("r", "retry what failed"),
    ("p", "pause the queue, or resume it"),
    ("+, -", "one worker more for the run, or one less"),
    ("/", "show only what has these words; escape shows all"),
    ("q", "leave; what runs goes on"),
)


class Foot(NamedTuple):
    """What stands in the line above the keys."""

    words: str = ""
    is_error: bool = False
    is_asked: bool = False  # a person is to answer


class Screenful(NamedTuple):
    """What a screen shows."""

    lines: list[Line]
    attempts: tuple[int, ...] = ()  # those of which something stands on it


def draw_screen(snapshot: Snapshot, sight: Sight, foot: Foot, clock: str, columns: int, lines: int) -> Screenful:
    """Return what a screen of this size shows of a snapshot, which has passed the filter already."""
    if columns < COLUMNS or lines < LINES:
        return Screenful([fit([Span(f"too small: it takes {COLUMNS}x{LINES}")], columns)])
    head = draw_head(snapshot, clock, columns)
    if lines >= HIGH:
        head += [*draw_groups(snapshot, columns), ()]
    room = lines - len(head) - FOOT
    blocks, rooms = _fill_panes(snapshot, sight.pane, columns, room)
    is_airy = sum(rooms.values()) + len(PANES) - 1 <= room
    drawn, attempts = list(head), []
    for pane in filter(rooms.get, PANES):
        shown = find_window(blocks[pane], sight, pane, rooms[pane] - 1)
        attempts += [block.attempt for block in shown if block.attempt]
        drawn += [()] if is_airy and pane != PANES[0] else []
        drawn.append(_draw_title(pane, snapshot, sight, columns))
        drawn += _draw_blocks(shown, sight.chosen() if pane == sight.pane else None, columns)
    drawn += [()] * (lines - FOOT - len(drawn))
    return Screenful([*drawn, draw_foot(foot, columns), draw_keys(columns)], tuple(attempts))


def _fill_panes(
    snapshot: Snapshot, chosen: str, columns: int, room: int
) -> tuple[dict[str, list[Block]], dict[str, int]]:
    """What each pane holds, and how many lines it gets, with its title; of what waits each cause is told before any
    task, unless that pane is looked at."""
    blocks = {
        RUNNING: draw_running(snapshot, columns),
        WAITING: draw_waiting(snapshot, columns, None),
        FAILED: draw_failed(snapshot, columns),
    }
    rooms = _share_room(blocks, chosen, room)
    if rooms[RUNNING] <= height_of(blocks[RUNNING]):
        blocks[RUNNING] = draw_running(snapshot, columns, is_short=True)
        rooms = _share_room(blocks, chosen, room)
    if chosen != WAITING:
        blocks[WAITING] = draw_waiting(snapshot, columns, rooms[WAITING] - 1)
    return blocks, rooms


def _share_room(blocks: dict[str, list[Block]], chosen: str, room: int) -> dict[str, int]:
    wanted = [1 + height_of(blocks[pane]) for pane in PANES]
    return dict(zip(PANES, share(wanted, room, PANES.index(chosen))))


def _draw_blocks(blocks: list[Block], chosen: str | None, columns: int) -> list[Line]:
    drawn: list[Line] = []
    for block in blocks:
        first, *others = (fit(line, columns) for line in block.lines)
        drawn += [choose(first, columns) if block.task and block.task == chosen else first, *others]
    return drawn


def _draw_title(pane: str, snapshot: Snapshot, sight: Sight, columns: int) -> Line:
    sizes = {
        RUNNING: len(snapshot.running),
        WAITING: sum(cause.size for cause in snapshot.waiting),
        FAILED: len(snapshot.failed),
    }
    style = STRONG if pane == sight.pane else PLAIN
    size = f" {sizes[pane]:,}" if sizes[pane] else ""
    title = [Span(f"{pane.upper()}{size} ", style)]
    labels = {RUNNING: "  TIME   CPU  MEMORY", WAITING: "", FAILED: ""}[pane]
    right = [Span(f" {labels}", FAINT)] if labels and columns >= 60 and sizes[pane] else []
    words = f" filter: {cut(sight.filter, 20)} " if sight.filter and pane == sight.pane else ""
    return spread([*title, *([Span(words, STRONG)] if words else [])], right, columns, "─", FAINT)


def draw_foot(foot: Foot, columns: int) -> Line:
    """Return the line that answers, or asks."""
    style = BAD if foot.is_error else STRONG if foot.is_asked else PLAIN
    return (Span(cut(foot.words, columns), style),)


def draw_keys(columns: int) -> Line:
    """Return the line that names the keys, as many as have room."""
    keys = list(KEYS)
    while sum(len(f"{key} {what}  ") for key, what in keys) - 2 > columns:
        del keys[-3]  # the last two lead to the others, and out
    spans = [(Span("  "), Span(key, STRONG), Span(f" {what}", FAINT)) for key, what in keys]
    return tuple(span for each in spans for span in each)[1:]


def draw_help(columns: int, lines: int) -> Screenful:
    """Return the page that tells what keys do."""
    rows = [(Span("Keys", STRONG),), ()]
    rows += [fit([Span(f"  {keys:<20}", STRONG), Span(what)], columns) for keys, what in HELP]
    rows += [(), fit([Span("  A question is answered by y or n. Any key leads back.", FAINT)], columns)]
    return Screenful(rows[:lines])
