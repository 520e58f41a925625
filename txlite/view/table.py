"""Aligned columns, as tasks, workers, claims and reports are listed.

It promises that each row is one line and nothing in it acts on a terminal. Used by commands and by this room.
"""

from __future__ import annotations

import sys

from .. import text
from .terminal import width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def print_table(rows: Iterable[Sequence[object]], indent: str = "", headings: Sequence[str] = ()) -> None:
    """Print columns two spaces apart, below their headings where there are any; the last one is cut to the terminal's
    width, if there is one."""
    lines = [[text.printable(str(cell)) for cell in row] for row in rows]
    if not lines:
        return
    if headings:
        lines.insert(0, list(headings))
    widths = [max(map(text.columns, column)) for column in zip(*(line[:-1] for line in lines))]
    room = width() - len(indent) - sum(widths) - 2 * len(widths)
    for line in lines:
        cells = map(text.pad, line, widths)
        last = text.shorten(line[-1], max(room, 10)) if sys.stdout.isatty() else line[-1]
        print((indent + "  ".join([*cells, last])).rstrip())
